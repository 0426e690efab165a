"""EfficientNet-Lite as an image backbone: a small frozen CNN whose maps become a grid of tokens.

EfficientNet (arXiv 1905.11946) in the Lite form: no squeeze-and-excitation, ReLU6, stem and head
of fixed width. Batch normalization is folded into the convolutions (`fold_batch_norm`), since the
network is never trained here. Its tokens join three maps at the grid of the coarsest: the input of
the classifier (stride 32, 1280 wide), and two finer maps (strides 16 and 8, space moved into
channels) that still locate small objects. The token in front is the mean over the image.

Images must be normalized to (x - 127) / 128, TensorFlow's convention, and every convolution pads
as TensorFlow's SAME does.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.encoders.config import TowerConfig

# Width and depth multipliers.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2), "lite3": (1.2, 1.4)}

# Of each stage: blocks, kernel, stride, expansion, output channels (EfficientNet-B0).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STRIDE_8_STAGE, STRIDE_16_STAGE = 2, 4  # the last stages at these strides


def _round_channels(channels: int, width: float) -> int:
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


class SameConv(nn.Conv2d):
    """A convolution that pads so that its output has ceil(size / stride) rows and columns."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows, cols = (
            max((math.ceil(size / stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:]
        )
        padding = (rows // 2, cols // 2)
        if rows % 2 or cols % 2:  # TensorFlow pads the odd one at the end, which needs a copy
            x = F.pad(x, (cols // 2, cols - cols // 2, rows // 2, rows - rows // 2))
            padding = (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)


class InvertedResidual(nn.Module):
    """MBConv without squeeze-and-excitation: widen, filter each channel, narrow."""

    def __init__(self, dim: int, out_dim: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = dim * expansion
        self.expand = nn.Conv2d(dim, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, out_dim, 1)
        self.residual = stride == 1 and dim == out_dim

    def forward(self, x: Tensor) -> Tensor:
        out = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        out = self.project(F.relu6(self.depthwise(out), inplace=True))
        return x + out if self.residual else out


class EfficientNetLite(ImageBackbone):
    """[F, 3, S, S] -> tokens [F, 1 + N, 1280 + 4 * C16 + 16 * C8], N = (S / 32)^2."""

    stride = 32
    num_prefix = 1
    has_positions = False
    trainable = False  # batch norms are folded in
    head_dim = 1280

    def __init__(self, variant: str = "lite2", num_classes: int = 1000) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"no EfficientNet-{variant}; there are {', '.join(VARIANTS)}")
        width, depth = VARIANTS[variant]
        self.num_classes = num_classes
        self.stem = SameConv(3, 32, 3, stride=2)
        self.stages = nn.ModuleList()
        dim, dims = 32, []
        for stage, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
            fixed = stage in (0, len(STAGES) - 1)
            out_dim = _round_channels(channels, width)
            blocks = nn.Sequential()
            for block in range(repeats if fixed else math.ceil(depth * repeats)):
                first = block == 0
                blocks.append(
                    InvertedResidual(
                        dim if first else out_dim,
                        out_dim,
                        kernel,
                        stride if first else 1,
                        expansion,
                    )
                )
            self.stages.append(blocks)
            dim = out_dim
            dims.append(dim)
        self.head = nn.Conv2d(dim, self.head_dim, 1)
        self.classifier = nn.Linear(self.head_dim, num_classes)
        self.dims = (self.head_dim, 4 * dims[STRIDE_16_STAGE], 16 * dims[STRIDE_8_STAGE])
        self.dim = sum(self.dims)

    @classmethod
    def from_config(cls, config: TowerConfig) -> "EfficientNetLite":
        variant = config.backbone.name.removeprefix("efficientnet-")
        return cls(variant, config.backbone.num_classes)

    @classmethod
    def stride_of(cls, config: TowerConfig) -> int:
        return cls.stride

    def forward(self, images: Tensor) -> ImageTokens:
        if images.shape[-1] % self.stride or images.shape[-2] % self.stride:
            raise ValueError(
                f"sides must divide by 32, these pictures are {tuple(images.shape[-2:])}"
            )
        x = F.relu6(self.stem(images.contiguous(memory_format=torch.channels_last)), inplace=True)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        head = F.relu6(self.head(x), inplace=True)  # [F, 1280, H, W]
        joined = torch.cat(
            [
                _normalize(head),
                _normalize(F.pixel_unshuffle(maps[STRIDE_16_STAGE], 2)),
                _normalize(F.pixel_unshuffle(maps[STRIDE_8_STAGE], 4)),
            ],
            dim=1,
        )
        tokens = joined.flatten(2).transpose(1, 2)  # [F, N, dim]
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        # The classifier is linear: the mean of its logits over the patches is that of the image.
        logits = self.classifier(head.flatten(2).transpose(1, 2))  # [F, N, K]
        return ImageTokens(tokens, self.grid(*images.shape[-2:]), {"class_logits": logits})


def _normalize(features: Tensor) -> Tensor:
    """Scales every position to unit variance, so that no map dominates: [F, C, H, W]."""
    return (
        F.layer_norm(features.movedim(1, -1).float(), features.shape[1:2])
        .movedim(-1, 1)
        .to(features.dtype)
    )


def fold_batch_norm(state: dict[str, Tensor], eps: float = 1e-3) -> dict[str, Tensor]:
    """Converts the tensors of the `efficientnet-lite-pytorch` package, batch norms folded in.

    Raises ValueError with the keys if tensors are missing or unexpected.
    """
    state = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    out: dict[str, Tensor] = {}

    def fold(conv: str, norm: str, name: str) -> None:
        scale = state.pop(f"{norm}.weight") / (state.pop(f"{norm}.running_var") + eps).sqrt()
        out[f"{name}.weight"] = state.pop(f"{conv}.weight") * scale[:, None, None, None]
        out[f"{name}.bias"] = state.pop(f"{norm}.bias") - state.pop(f"{norm}.running_mean") * scale

    try:
        fold("_conv_stem", "_bn0", "stem")
        for index, name in enumerate(_block_names(state)):
            prefix = f"_blocks.{index}"
            if f"{prefix}._expand_conv.weight" in state:
                fold(f"{prefix}._expand_conv", f"{prefix}._bn0", f"{name}.expand")
            fold(f"{prefix}._depthwise_conv", f"{prefix}._bn1", f"{name}.depthwise")
            fold(f"{prefix}._project_conv", f"{prefix}._bn2", f"{name}.project")
        fold("_conv_head", "_bn1", "head")
        out["classifier.weight"], out["classifier.bias"] = (
            state.pop("_fc.weight"),
            state.pop("_fc.bias"),
        )
    except KeyError as error:
        raise ValueError(f"not EfficientNet-Lite weights: {error.args[0]} is missing") from None
    if state:
        raise ValueError(
            f"not EfficientNet-Lite weights: unexpected are {', '.join(sorted(state))}"
        )
    return out


def _block_names(state: dict[str, Tensor]) -> list[str]:
    """Names of the blocks, which the package numbers without stages."""
    num_blocks = len({key.split(".")[1] for key in state if key.startswith("_blocks.")})
    for _width, depth in VARIANTS.values():
        counts = [
            stage[0] if index in (0, len(STAGES) - 1) else math.ceil(depth * stage[0])
            for index, stage in enumerate(STAGES)
        ]
        if sum(counts) == num_blocks:
            return [f"stages.{s}.{b}" for s, count in enumerate(counts) for b in range(count)]
    raise ValueError(f"no EfficientNet-Lite has {num_blocks} blocks")
