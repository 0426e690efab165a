"""DualPath: one frozen image transformer, passed twice, for space and for time (arXiv 2303.09857).

Space: a few frames spread over the clip. Adapters stand beside the layers:

    x = x + MHA(LN1(x)) + A_s1(LN1(x));   x = x + MLP(LN2(x)) + A_s2(LN2(x))

Time: sixteen frames in a row become one picture, four by four, shrunk to the size of a frame. The
adapters stand behind the layers, and since they start at zero, CLIP's branches are off at first:

    x = x + A_t1(MHA(A_t0(LN1(x))));      x = x + A_t2(MLP(LN2(x)))

    pooled = [mean of the grids' CLS; mean of the frames' CLS], each LN, then CLIP's projection

`tokens` has the grids first, then the frames; they do not see one another. In an assistant a look
at a frame gets the mean of the two. A clip whose length is
no multiple of sixteen is continued by its last frame; one of fewer frames than the spatial path
takes gives that path all it has.

Presets follow the code (park-jungin/DualPath) or the paper. The code has A_t0 and adapters of width
192, and trains the embeddings: CLS, positions of both paths. Those of the temporal path are learned
for the place and a fixed sinusoid for the number of the small frame, whose map is resized to the
patches (14 over 4 frames: some patches lie in two). The paper has no A_t0, a width of 128 and fixed
positions in three dimensions, here a sinusoid of time, row and column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.adapter import Adapter, train_only
from vlm.layers.patches import whole_steps
from vlm.layers.position import interleaved_sinusoid, resize_positions

PAPER = "2303.09857"
HEAD = {"norm": False, "hidden_dim": 512}
TINY: dict[str, Any] = {"hidden_dim": 4, "pooled_dim": 6, "side": 2, "num_spatial": 3}
PRESETS = {
    "dualpath-b16": Preset(
        vit_config("dualpath"),
        104_096_256,
        18_055_680,
        PAPER,
        "code",
        num_frames=32,
        head=HEAD,
        with_head={400: 104_826_256},
        trainable_with_head={400: 18_785_680},
    ),
    "dualpath-b16-paper": Preset(
        vit_config("dualpath", hidden_dim=128, follows="paper"),
        95_672_832,
        9_480_192,
        PAPER,
        "paper",
        num_frames=32,
        head=HEAD,
    ),
    "dualpath-test": Preset(vit_config("dualpath", size="test", **TINY), 11_448, 1_656),
    "dualpath-paper-test": Preset(
        vit_config("dualpath", size="test", follows="paper", **TINY), 11_072, 1_184
    ),
}


class DualPathBlock(ViTBlock):
    """A frozen block with adapters beside it for space and behind it for time."""

    def __init__(self, block: BlockConfig, hidden_dim: int, adapter_in: bool) -> None:
        super().__init__(block)

        def adapter() -> Adapter:
            return Adapter(block.dim, hidden_dim, dropout=0.1)

        self.space1, self.space2 = adapter(), adapter()
        self.time0: nn.Module = adapter() if adapter_in else nn.Identity()
        self.time1, self.time2 = adapter(), adapter()

    def forward(  # type: ignore[override]
        self, grids: Tensor, frames: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[B * grids, 1 + N, C], [B * frames, 1 + N, C] -> the same."""
        return self.run(self.over_time, grids), self.run(self.over_space, frames)

    def over_time(self, x: Tensor) -> Tensor:
        x = x + self.time1(self.attn(self.time0(self.norm1(x)))[0])
        return x + self.time2(self.mlp(self.norm2(x)))

    def over_space(self, x: Tensor) -> Tensor:
        u = self.norm1(x)
        x = x + self.attn(u)[0] + self.space1(u)
        w = self.norm2(x)
        return x + self.mlp(w) + self.space2(w)


class DualPath(OnImageTransformer):
    """Frames for space, grids of small frames for time, one frozen image transformer."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        hidden_dim: int = 192,
        pooled_dim: int = 512,
        side: int = 4,
        num_spatial: int = 8,
        follows: str = "code",
    ) -> None:
        """`side`: small frames along a side of a grid; `num_spatial`: frames for space."""
        if follows not in ("code", "paper"):
            raise ValueError(f'DualPath follows "code" or "paper", not "{follows}"')
        code, block, depth = follows == "code", config.block, config.backbone.depth
        super().__init__(config, [DualPathBlock(block, hidden_dim, code) for _ in range(depth)])
        self.pooled_dim = 2 * pooled_dim
        self.side, self.num_spatial = side, num_spatial
        self.proj = nn.Linear(self.dim, pooled_dim, bias=False)
        adapters = [part for part in self.modules() if isinstance(part, Adapter)]
        self.grid_positions = None
        if code:
            start = self.dim**-0.5 * torch.randn_like(self.stem.position_embedding)
            self.grid_positions = nn.Parameter(start)
            embeddings = [self.stem.class_embedding, self.stem.position_embedding]
            train_only(self, *adapters, *embeddings, self.grid_positions)
        else:
            train_only(self, *adapters)

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        num_grids = -(-num_frames // self.side**2)
        return num_grids + min(num_frames, self.num_spatial), *self.stem.grid(height, width)

    def spread(self, num_frames: int) -> list[int]:
        """Returns the numbers of the frames for space, evenly spaced."""
        num_spatial = min(num_frames, self.num_spatial)
        return [index * num_frames // num_spatial for index in range(num_spatial)]

    def token_times(self, times: Sequence[float]) -> list[float]:
        size = self.side**2
        grids = [fmean(times[start : start + size]) for start in range(0, len(times), size)]
        return grids + [times[index] for index in self.spread(len(times))]

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        spatial = self.stem(clip[:, self.spread(T)].flatten(0, 1))
        frames, grid = spatial.tokens, spatial.grid
        grids = self._grid_tokens(self.framesets(clip), grid)
        for block in self.blocks:
            grids, frames = block(grids, frames)
        both = torch.cat([grids.unflatten(0, (B, -1)), frames.unflatten(0, (B, -1))], dim=1)
        x = self.norm(both)  # [B, grids + frames, 1 + N, C]
        cls, num_grids = self.proj(x[:, :, 0]), len(grids) // B
        pooled = torch.cat([cls[:, :num_grids].mean(dim=1), cls[:, num_grids:].mean(dim=1)], dim=-1)
        return VideoFeatures(x[:, :, 1:], grid, pooled, global_token=x[:, :, 0])

    def for_looks(self, features: VideoFeatures, num_looks: int) -> VideoFeatures:
        """The mean of the tokens of a look's grid and of its frame, for an assistant (ours)."""
        looks = torch.arange(num_looks, device=features.tokens.device)
        num_grids = -(-num_looks // self.side**2)
        num_frames = features.tokens.shape[1] - num_grids
        grid, frame = looks // self.side**2, num_grids + looks * num_frames // num_looks
        cls = features.global_token
        assert cls is not None
        return replace(
            features,
            tokens=(features.tokens[:, grid] + features.tokens[:, frame]) / 2,
            global_token=(cls[:, grid] + cls[:, frame]) / 2,
        )

    def framesets(self, clip: Tensor) -> Tensor:
        """[B, T, 3, H, W] -> grids of side x side small frames, [B, T', 3, H, W], row by row."""
        S = self.side
        x = whole_steps(clip, S * S)
        B, _, _, H, W = x.shape
        x = x.reshape(B, -1, S, S, 3, H, W).permute(0, 1, 4, 2, 5, 3, 6)
        canvas = x.reshape(-1, 3, S * H, S * W).float()
        small = F.interpolate(canvas, (H, W), mode="bilinear", antialias=True)
        return small.to(clip.dtype).unflatten(0, (B, -1))

    def _grid_tokens(self, grids: Tensor, grid: tuple[int, int]) -> Tensor:
        """[B, G, 3, H, W] -> [B * G, 1 + N, C], with the positions of the temporal path."""
        B, G = grids.shape[:2]
        x = self.stem.patch_embedding(grids.flatten(0, 1)).flatten(2).transpose(1, 2)
        x = torch.cat([self.stem.class_embedding.expand(len(x), -1, -1), x], dim=1)
        if self.grid_positions is None:
            places = self._paper_positions(G, grid)
        else:
            learned = resize_positions(self.grid_positions, grid)
            places = self._code_positions(G, grid) + learned
        x = x.unflatten(0, (B, G)) + places.to(x.dtype)
        return self.stem.pre_norm(x).flatten(0, 1)

    def small_frames(self, num_grids: int, grid: tuple[int, int]) -> Tensor:
        """The number of the small frame, from 1, at each patch, [G, H, W]; between frames, both."""
        S, device = self.side, self.stem.class_embedding.device
        number = 1.0 + torch.arange(num_grids * S * S, device=device).view(num_grids, 1, S, S)
        wide = number.repeat_interleave(4, -1).repeat_interleave(4, -2)
        return F.interpolate(wide, grid, mode="bilinear")[:, 0]

    def _code_positions(self, num_grids: int, grid: tuple[int, int]) -> Tensor:
        number = self.small_frames(num_grids, grid).flatten(1)
        return interleaved_sinusoid(F.pad(number, (1, 0)), self.dim)

    def _paper_positions(self, num_grids: int, grid: tuple[int, int]) -> Tensor:
        """Returns a sinusoid of time, row and column side by side, zero for CLS: [G, 1 + N, C]."""
        number = self.small_frames(num_grids, grid)
        rows = torch.arange(grid[0], device=number.device)[:, None].expand_as(number)
        columns = torch.arange(grid[1], device=number.device).expand_as(number)
        width = self.dim // 6 * 2
        widths = (self.dim - 2 * width, width, width)
        parts = [
            interleaved_sinusoid(axis, wide)
            for axis, wide in zip((number, rows, columns), widths, strict=True)
        ]
        return F.pad(torch.cat(parts, dim=-1).flatten(1, 2), (0, 0, 1, 0))
