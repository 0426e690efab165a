"""AdaptFormer: a parallel adapter beside the MLP of a frozen transformer (arXiv 2205.13535).

    x = x + MHA(LN1(x))
    x = x + MLP(LN2(x)) + s * Up(ReLU(Down(x)))       s = 0.1, Up starts at zero

Paper and code (ShoufaChen/AdaptFormer) differ in one place: the paper's figure has a LayerNorm in
front of Down, the code has none. Presets follow the code; `norm` builds the paper's.

Two bases. On an image transformer each frame goes by itself (DualPath's comparison). On VideoMAE,
the paper's base for video, pairs of frames become tubelets with fixed positions, and attention sees
the whole clip:

    z = Conv3d(2 x P x P)(clip) + sinusoid(index of the tubelet)
    pooled = LN(mean of all tokens)

A clip with an odd number of frames is continued by its last frame. VideoMAE's keys have no bias.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from torch import Tensor

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import IMAGENET_MEAN, IMAGENET_STD, BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.adapter import Adapter, train_only
from vlm.layers.attention import KeyBiasFreeAttention
from vlm.layers.patches import TubeletEmbedding


def videomae_config(size: str = "B", **options: Any) -> TowerConfig:
    """AdaptFormer on VideoMAE (arXiv 2203.12602), with ImageNet's normalization."""
    config = vit_config("adaptformer", "vit", size, tubelet=2, **options)
    return replace(config, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD)


PAPER = "2205.13535"
PLACE = "none of its own; the base: https://github.com/MCG-NJU/VideoMAE"
LICENSE = "CC-BY-NC 4.0 (the base)"
PRESETS = {
    "adaptformer-clip-b16": Preset(
        vit_config("adaptformer"), 86_989_056, 1_189_632, PAPER, "code", head={"norm": False}
    ),
    "adaptformer-videomae-b16": Preset(
        videomae_config(),
        87_416_832,
        1_189_632,
        PAPER,
        "code",
        num_frames=16,
        head={"norm": False},
        weights=PLACE,
        weights_license=LICENSE,
    ),
    "adaptformer-videomae-b16-paper": Preset(
        videomae_config(norm=True),
        87_435_264,
        1_208_064,
        PAPER,
        "paper",
        num_frames=16,
        head={"norm": False},
        weights=PLACE,
        weights_license=LICENSE,
    ),
    "adaptformer-clip-test": Preset(
        vit_config("adaptformer", size="test", hidden_dim=4), 10_088, 296
    ),
    "adaptformer-videomae-test": Preset(
        videomae_config("test", hidden_dim=4, norm=True), 13_080, 360
    ),
}


class AdaptFormerBlock(ViTBlock):
    """A frozen block and its adapter."""

    def __init__(self, block: BlockConfig, adapter: Adapter) -> None:
        super().__init__(block)
        self.adapter = adapter

    def _layer(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))[0]
        return x + self.mlp(self.norm2(x)) + self.adapter(x)


class AdaptFormer(OnImageTransformer):
    """A frozen CLIP or VideoMAE with an adapter at each MLP."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        hidden_dim: int = 64,
        scale: float = 0.1,
        dropout: float = 0.1,
        norm: bool = False,
        tubelet: int = 0,
    ) -> None:
        """`tubelet`: frames that become one token, as in VideoMAE; 0: each frame by itself."""
        dim, heads = config.block.dim, config.block.num_heads

        def block() -> AdaptFormerBlock:
            adapter = Adapter(
                dim, hidden_dim, activation="relu", scale=scale, dropout=dropout, norm=norm
            )
            return AdaptFormerBlock(config.block, adapter)

        super().__init__(config, [block() for _ in range(config.backbone.depth)])
        self.causal = self.incremental = not tubelet
        self.time_stride = tubelet or 1
        if tubelet:
            tubes = TubeletEmbedding(tubelet, config.backbone.patch_size, dim)
            self.stem = tubes  # type: ignore[assignment]
            for layer in self.blocks:
                layer.attn = KeyBiasFreeAttention(dim, heads)
        train_only(self, *(part for part in self.modules() if isinstance(part, Adapter)))

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        T = num_frames
        if isinstance(self.stem, TubeletEmbedding):
            T = self.stem.num_steps(num_frames)
        return T, *self.stem.grid(height, width)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        if not isinstance(self.stem, TubeletEmbedding):
            return self._frame_by_frame(clip)
        x, grid = self.stem(clip)  # [B, T/2, N, C]
        T = x.shape[1]
        x = x.flatten(1, 2)
        for block in self.blocks:
            x = block(x)
        return VideoFeatures(x.unflatten(1, (T, -1)), grid, pooled=self.norm(x.mean(dim=1)))

    def _frame_by_frame(self, clip: Tensor) -> VideoFeatures:
        x, grid = self.patches(clip)
        B, T = x.shape[:2]
        x = x.flatten(0, 1)
        for block in self.blocks:
            x = block(x)
        return self.features(self.norm(x).unflatten(0, (B, T)), grid)
