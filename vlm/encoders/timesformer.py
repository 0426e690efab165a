"""TimeSformer: five ways to attend over space and time in a ViT (arXiv 2102.05095).

The tokens are a CLS of the whole clip and the patches of all frames. A scheme is a list of
groupings (vlm/layers/regroup.py): the patches of a group attend to one another.

    space          space                  S          frame by frame, each with its own CLS
    joint          joint                  ST
    divided        time, space            T+S        the paper's choice
    local-global   local, global          L+G        quarters of the frame, then every second token
    axial          time, width, height    T+W+H

    x = x + Linear(MHA_g(LN_g(x)))        each grouping g but the last; CLS takes no part
    x = x + MHA(LN1([CLS; x]))            the last, in each group; CLS gets the mean over groups
    x = x + MLP(LN2(x))

The Linear starts at zero in every block, and the embeddings of frames too. Space: CLS stays one for
each frame, and the clip's feature is LN of the mean over frames.

Presets follow code (facebookresearch/TimeSformer) for space, joint and divided. Local-global and
axial were never released: their parts are those of divided, and our reading of "local" is four
quarters of the frame through all frames; the stride over an odd number of frames is 1. Another
number of frames or a larger picture resizes the embeddings, frames with nearest as theirs.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.attention import Attention
from vlm.layers.drop_path import DropPath, drop_path_rates
from vlm.layers.position import resize_times
from vlm.layers.regroup import grouping
from vlm.unknown_name import check_name

SCHEMES = {
    "space": ("space",),
    "joint": ("joint",),
    "divided": ("time", "space"),
    "local-global": ("local", "global"),
    "axial": ("time", "width", "height"),
}


def _preset(
    scheme: str, total: int, *, num_frames: int = 8, follows: str = "code", **sizes: Any
) -> Preset:
    """Returns a preset by its published number of parameters, with a head for 400 classes."""
    options: dict[str, Any] = {} if scheme == "space" else {"num_frames": num_frames}
    tower = vit_config("timesformer", "vit", scheme=scheme, **options, **sizes)
    published = follows == "code"
    return Preset(
        replace(tower, image_mean=(0.45,) * 3, image_std=(0.225,) * 3),
        parameters=total - 769 * 400 if tower.block.dim == 768 else total,
        paper="2102.05095",
        follows=follows,
        num_frames=num_frames,
        head={"norm": False},
        with_head={400: total} if tower.block.dim == 768 else {},
        weights="https://github.com/facebookresearch/TimeSformer" if published else "none",
        weights_license="CC-BY-NC 4.0 (non-commercial)" if published else "none",
    )


PRESETS = {
    "timesformer-divided": _preset("divided", 121_566_352),
    "timesformer-space": _preset("space", 86_106_256),
    "timesformer-joint": _preset("joint", 86_112_400),
    "timesformer-hr": _preset("divided", 122_024_080, num_frames=16, image_size=448),
    "timesformer-l": _preset("divided", 121_633_936, num_frames=96),
    "timesformer-local-global": _preset("local-global", 121_566_352, follows="paper"),
    "timesformer-axial": _preset("axial", 157_020_304, follows="paper"),
    **{
        f"timesformer-{scheme}-test": _preset(scheme, total, num_frames=4, size="test")
        for scheme, total in {
            "space": 9_776,
            "joint": 9_840,
            "divided": 12_624,
            "local-global": 12_624,
            "axial": 15_408,
        }.items()
    },
}


class GroupedAttention(nn.Module):
    """Linear(MHA(LN(x))) in the groups of one grouping; the Linear starts at zero."""

    def __init__(self, block: BlockConfig, name: str) -> None:
        super().__init__()
        self.name = name
        self.norm = nn.LayerNorm(block.dim, eps=block.norm_eps)
        self.attn = Attention(block.dim, block.num_heads)
        self.out = nn.Linear(block.dim, block.dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H, W, C] -> the same."""
        B, T, H, W, _ = x.shape
        groups = grouping(self.name, T, H, W)
        h = self.attn(groups.split(self.norm(x)).flatten(0, 1))[0]
        return groups.join(self.out(h).unflatten(0, (B, -1)), (T, H, W))


class TimeSformerBlock(ViTBlock):
    """Attention in one grouping after another, then the MLP."""

    def __init__(self, block: BlockConfig, groupings: tuple[str, ...], drop_path: float) -> None:
        super().__init__(block)
        self.drop_path = DropPath(drop_path)
        self.first = nn.ModuleList(GroupedAttention(block, name) for name in groupings[:-1])
        self.last = groupings[-1]
        self.one_cls = groupings != ("space",)

    def forward(self, cls: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """CLS [B, 1 or T, 1, C] and patches [B, T, H, W, C] -> the same."""
        return self.run(self._grouped_layer, cls, x)

    def _grouped_layer(self, cls: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        B, T, H, W, C = x.shape
        for attention in self.first:
            x = x + self.drop_path(attention(x))
        groups = grouping(self.last, T, H, W)
        G = groups.num_groups
        h = torch.cat([cls.expand(B, G, 1, C), groups.split(x)], dim=2)  # [B, G, 1 + L, C]
        h = self.attn(self.norm1(h).flatten(0, 1))[0].unflatten(0, (B, G))
        h = self.drop_path(h)
        change = h[:, :, :1]
        cls = cls + (change.mean(dim=1, keepdim=True) if self.one_cls else change)
        x = x + groups.join(h[:, :, 1:], (T, H, W))
        y = torch.cat([cls.flatten(1, 2), x.flatten(1, 3)], dim=1)
        y = self.drop_path(self.mlp(self.norm2(y)))
        of_cls, of_patches = y.split([cls.shape[1], T * H * W], dim=1)
        return cls + of_cls[:, :, None], x + of_patches.view(B, T, H, W, C)


class TimeSformer(OnImageTransformer):
    """An image transformer whose blocks attend over space and time by one of SCHEMES."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        scheme: str = "divided",
        num_frames: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        check_name("scheme", scheme, SCHEMES)
        block, groupings = config.block, SCHEMES[scheme]
        rates = drop_path_rates(drop_path, config.backbone.depth)
        super().__init__(config, [TimeSformerBlock(block, groupings, rate) for rate in rates])
        self.causal = self.incremental = scheme == "space"
        self.time = None
        if scheme != "space":
            self.time = nn.Parameter(torch.zeros(1, num_frames, self.dim))

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        H, W = super().frame_grid(config)
        if config.options.get("scheme") == "local-global" and (H % 2 or W % 2):
            raise ValueError(f"local-global attention needs an even grid, not {H} x {W} patches")
        return H, W

    def use_image_weights(self) -> None:
        """Copies the image model's attention and its norm to every other grouping."""
        for block in self.modules():
            if not isinstance(block, TimeSformerBlock):
                continue
            for part in block.first.modules():
                if isinstance(part, GroupedAttention):
                    part.attn.load_state_dict(block.attn.state_dict())
                    part.norm.load_state_dict(block.norm1.state_dict())

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        x, (H, W) = self.patches(clip)  # [B, T, 1 + N, C]
        cls, x = x[:, :, :1], x[:, :, 1:]
        if self.time is not None:
            cls = cls[:, :1]  # equal in all frames
            x = x + resize_times(self.time, T, "nearest")[:, :, None]
        x = x.unflatten(2, (H, W))
        for block in self.blocks:
            cls, x = block(cls, x)
        pooled = self.norm(cls.mean(dim=(1, 2)))
        global_token = self.norm(cls[:, :, 0]) if self.time is None else None
        return VideoFeatures(self.norm(x).flatten(2, 3), (H, W), pooled, global_token=global_token)
