"""Video Swin (arXiv 2106.13230): attention in shifted windows of space and time, in four stages.

Attention over all tokens of a clip grows with the square of their number. Here each token meets
those of its own 8 x 7 x 7 window, and every second block shifts the windows by half; merging 2 x 2
tokens between stages makes the same window see twice as far. Time keeps its resolution.

    z^ = (S)W-MSA(LN(z)) + z,  z = MLP(LN(z^)) + z^              equation 1, SwinBlock.forward

Three forms of attention, compared in table 4 of the paper:

    joint        one window over space and time (the model that was published)
    factorized   per block W-MSA in space, then along time: z' = T-MSA(LN(z^)) + z^
    split        windows in space alone; two temporal transformer layers on top, along time at each
                 place. The paper gives no positions for them; without any they know no order, so
                 learned ones are added (`num_frames` / 2 rows, zero at first)

An image Swin becomes a joint one by `inflated_swin_state`: the patch kernel is repeated and
divided by 2, each bias table repeated over all distances in time. A clip that stands still then has
the features of its picture. The window cannot see beyond 16 frames in one block, and a shifted one
looks ahead: not causal.

Padding behind and the masks follow the code; see `vlm/layers/window.py` for one difference on maps
that are smaller than a window in space.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset
from vlm.encoders.strided import StridedEncoder
from vlm.layers.conv3d import Size, inflate, num_outputs
from vlm.layers.drop_path import DropPath, drop_path_rates
from vlm.layers.mlp import MLP
from vlm.layers.window import WindowAttention3d
from vlm.unknown_name import check_name

FORMS = ("joint", "factorized", "split")


class SwinBlock(nn.Module):
    """z^ = (S)W-MSA(LN(z)) + z;  z = MLP(LN(z^)) + z^ (equation 1), on maps [B, T, H, W, C]."""

    def __init__(
        self, dim: int, num_heads: int, window: Size, shift: Size, form: str, drop_path: float
    ) -> None:
        super().__init__()
        (t, h, w), (dt, dh, dw) = window, shift
        if form != "joint":
            window, shift = (1, h, w), (0, dh, dw)
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention3d(dim, num_heads, window, shift)
        self.factorized = form == "factorized"
        if self.factorized:
            self.norm_time = nn.LayerNorm(dim)
            self.attn_time = WindowAttention3d(dim, num_heads, (t, 1, 1), (dt, 0, 0))
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim, 4 * dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, z: Tensor) -> Tensor:
        z = z + self.drop_path(self.attn(self.norm1(z)))
        if self.factorized:
            z = z + self.drop_path(self.attn_time(self.norm_time(z)))
        return z + self.drop_path(self.mlp(self.norm2(z)))


class PatchMerging(nn.Module):
    """2 x 2 tokens -> one: [B, T, H, W, C] -> [B, T, H/2, W/2, 2C]; time is kept."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        H, W = x.shape[2:4]
        x = F.pad(x, (0, 0, 0, W % 2, 0, H % 2))
        corners = [x[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class TemporalLayer(nn.Module):
    """A transformer layer along time at each place (the split form), on maps [B, T, H, W, C]."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim, 4 * dim)
        self.num_heads = num_heads

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attend(self, x: Tensor) -> Tensor:
        """Every place meets itself in all frames."""
        B, T, H, W, C = x.shape
        qkv = self.qkv(x).view(B, T, H, W, 3, self.num_heads, C // self.num_heads)
        q, k, v = qkv.permute(4, 0, 2, 3, 5, 1, 6)  # each [B, H, W, heads, T, C / heads]
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.permute(0, 4, 1, 2, 3, 5).reshape(B, T, H, W, C))


def _preset(
    parameters: int,
    dim: int,
    depths: Sequence[int],
    num_heads: Sequence[int],
    *,
    window: Sequence[int] = (8, 7, 7),
    image_size: int = 224,
    form: str = "joint",
    weights: str = "github.com/SwinTransformer/Video-Swin-Transformer (releases)",
    added: int = 0,
) -> Preset:
    """A row; `parameters` with a classifier of 400 classes; `added`: the split form's positions."""
    options: dict[str, Any] = {
        "dim": dim,
        "depths": list(depths),
        "num_heads": list(num_heads),
        "window": list(window),
        "form": form,
    }
    return Preset(
        TowerConfig(encoder="video-swin", image_size=image_size, options=options),
        parameters=parameters + added - (8 * dim + 1) * 400,
        paper="2106.13230",
        follows="code" if form == "joint" else "paper",
        num_frames=32,
        head={"norm": False, "dropout": 0.5},
        with_head={400: parameters + added},
        weights=weights if form == "joint" else "none",
        weights_license="Apache-2.0" if form == "joint" else "none",
    )


TINY, SMALL = (2, 2, 6, 2), (2, 2, 18, 2)
HEADS = (3, 6, 12, 24)
PRESETS = {
    "video-swin-t": _preset(28_158_070, 96, TINY, HEADS),
    "video-swin-s": _preset(49_816_678, 96, SMALL, HEADS),
    "video-swin-b": _preset(88_048_984, 128, SMALL, (4, 8, 16, 32)),
    "video-swin-b-16x7x7": _preset(89_065_688, 128, SMALL, (4, 8, 16, 32), window=(16, 7, 7)),
    "video-swin-l": _preset(196_953_916, 192, SMALL, (6, 12, 24, 48)),
    "video-swin-l-384": _preset(
        199_999_516, 192, SMALL, (6, 12, 24, 48), window=(8, 12, 12), image_size=384
    ),
    "video-swin-t-factorized": _preset(36_486_304, 96, TINY, HEADS, form="factorized"),
    "video-swin-t-split": _preset(42_007_306, 96, TINY, HEADS, form="split", added=16 * 768),
    "video-swin-test": Preset(
        TowerConfig(
            encoder="video-swin",
            image_size=32,
            options={"dim": 8, "depths": [2, 2], "num_heads": [1, 2], "window": [2, 3, 3]},
        ),
        parameters=10_154,
        num_frames=8,
    ),
}


class VideoSwin(StridedEncoder):
    """A token for two frames and 32 x 32 pixels, after the last norm; pooled is their mean."""

    presets = PRESETS

    def __init__(
        self,
        *,
        dim: int = 96,
        depths: Sequence[int] = TINY,
        num_heads: Sequence[int] = HEADS,
        window: Sequence[int] = (8, 7, 7),
        patch: Sequence[int] = (2, 4, 4),
        form: str = "joint",
        num_frames: int = 32,
        drop_path: float = 0.1,
    ) -> None:
        """`num_frames` sets the positions of the split form; others are stretched to fit."""
        super().__init__()
        check_name("form", form, FORMS)
        self.patch: Size = (patch[0], patch[1], patch[2])
        size: Size = (window[0], window[1], window[2])
        half: Size = (size[0] // 2, size[1] // 2, size[2] // 2)
        self.time_stride = patch[0]
        self.stride = patch[1] * 2 ** (len(depths) - 1)
        self.patch_embed = nn.Conv3d(3, dim, self.patch, self.patch)
        self.patch_norm = nn.LayerNorm(dim)
        rates = iter(drop_path_rates(drop_path, sum(depths)))
        stages, merges = [], []
        for index, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
            if index:
                merges.append(PatchMerging(dim))
                dim *= 2
            stages.append(
                nn.ModuleList(
                    SwinBlock(
                        dim, heads, size, half if number % 2 else (0, 0, 0), form, next(rates)
                    )
                    for number in range(depth)
                )
            )
        self.stages: Sequence[Sequence[nn.Module]]
        self.stages = nn.ModuleList(stages)  # type: ignore[assignment]
        self.merges = nn.ModuleList(merges)
        self.norm = nn.LayerNorm(dim)
        self.dim = self.pooled_dim = dim
        self.temporal = nn.ModuleList()
        if form == "split":
            self.time_positions = nn.Parameter(torch.zeros(num_frames // patch[0], dim))
            self.temporal.extend(TemporalLayer(dim, num_heads[-1]) for _ in range(2))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @classmethod
    def stride_of(cls, config: TowerConfig) -> int:
        options = config.options
        rows = options.get("patch", (2, 4, 4))[1]
        return rows * 2 ** (len(options.get("depths", TINY)) - 1)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """Pairs a last odd frame with itself, and pads the rest of a patch in space with zeros.

        The released code pairs the frame with zeros.
        """
        clip, _ = self.seen(clip, times)
        x = clip.transpose(1, 2)
        t, h, w = (num_outputs(n, p) * p - n for n, p in zip(x.shape[2:], self.patch, strict=True))
        x = F.pad(x, (0, 0, 0, 0, 0, t), mode="replicate")
        x = self.patch_embed(F.pad(x, (0, w, 0, h)))
        x = self.patch_norm(x.permute(0, 2, 3, 4, 1))  # [B, T, H, W, C]
        pyramid = []
        for index, stage in enumerate(self.stages):
            if index:
                x = self.merges[index - 1](x)
            for block in stage:
                x = self.run(block, x)
            pyramid.append(x)
        if len(self.temporal):
            x = x + self.positions(x.shape[1])[:, None, None]
        for layer in self.temporal:
            x = self.run(layer, x)
        x = self.norm(x)
        tokens = x.flatten(2, 3)  # [B, T, H*W, C]
        H, W = x.shape[2:4]
        return VideoFeatures(tokens, (H, W), tokens.mean(dim=(1, 2)), tuple(pyramid))

    def positions(self, num_frames: int) -> Tensor:
        """Learned positions in time [T, C] of the split form, stretched linearly to T."""
        positions = self.time_positions
        if len(positions) == num_frames:
            return positions
        return F.interpolate(positions.T[None], size=num_frames, mode="linear")[0].T


def inflated_swin_state(image: Mapping[str, Tensor], video: VideoSwin) -> dict[str, Tensor]:
    """Weights of an image VideoSwin (patch and window one frame deep) for one over time.

    The patch kernel is repeated and divided; each bias table [(2h-1)(2w-1), heads] is repeated for
    every distance in time, not divided: it is a logit.
    """
    state = {}
    for name, target in video.state_dict().items():
        given = image[name]
        if target.ndim == 5:
            given = inflate(given.squeeze(2), target.shape[2])
        elif name.endswith("bias.table"):
            given = given.repeat(len(target) // len(given), 1)
        state[name] = given
    return state
