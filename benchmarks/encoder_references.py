"""Other implementations of our encoders, at full size and with random weights.

transformers' TimeSformer, and torchvision's networks from a folder:

    pip install --no-deps --target FOLDER torchvision
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vlm.encoders import PRESETS

NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@dataclass(frozen=True)
class Reference:
    """A network beside the preset of ours that has its weights."""

    num_frames: int
    make: Callable[[], nn.Module]
    module: str  # whose output holds the features
    split: Callable[[Tensor, int], tuple[Tensor, Tensor]]  # that output, T' -> tokens, pooled
    channels_first: bool = True  # a clip is [B, 3, T, H, W]
    classifier: tuple[str, ...] = ("fc.", "head.")  # parameters that ours does not have

    def clip(self, clip: Tensor) -> Tensor:
        """[B, T, 3, H, W] -> as the network takes it."""
        return clip.transpose(1, 2) if self.channels_first else clip

    def num_parameters(self, net: nn.Module) -> int:
        """Without the classifier."""
        named = net.named_parameters()
        return sum(p.numel() for name, p in named if not name.startswith(self.classifier))

    def features(self, net: nn.Module, clip: Tensor, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Tokens [B, T', N, C] of T' = `num_tokens` frames, and the pooled feature [B, C]."""
        seen: list[Tensor] = []
        hook = net.get_submodule(self.module).register_forward_hook(
            lambda _module, _inputs, output: seen.append(output)
        )
        net(self.clip(clip))
        hook.remove()
        return self.split(seen[0], num_tokens)


def of_class_token(x: Tensor, T: int) -> tuple[Tensor, Tensor]:
    """[B, 1 + T*N, C], frame by frame; pooled is the class token."""
    return x[:, 1:].unflatten(1, (T, -1)), x[:, 0]


def of_patches_first(x: Tensor, T: int) -> tuple[Tensor, Tensor]:
    """[B, 1 + N*T, C], patch by patch; pooled is the class token."""
    return x[:, 1:].unflatten(1, (-1, T)).transpose(1, 2), x[:, 0]


def of_windows(x: Tensor, T: int) -> tuple[Tensor, Tensor]:
    """[B, T, H, W, C]; pooled is the mean."""
    return x.flatten(2, 3), x.mean(dim=(1, 2, 3))


def of_maps(x: Tensor, T: int) -> tuple[Tensor, Tensor]:
    """[B, C, T, H, W]; pooled is the mean."""
    return x.flatten(3).permute(0, 2, 3, 1), x.mean(dim=(2, 3, 4))


def references(folder: str | None) -> dict[str, Reference]:
    """Preset -> its other implementation; those of torchvision if a folder has it."""
    from transformers import TimesformerConfig, TimesformerModel

    made = {
        "timesformer-divided": Reference(
            8,
            lambda: TimesformerModel(TimesformerConfig()),
            "layernorm",
            of_patches_first,
            channels_first=False,
        )
    }
    if folder:
        video = torchvision(folder)
        made |= {
            "mvit-v1-b-16x4": Reference(16, video.mvit_v1_b, "norm", of_class_token),
            "mvit-v2-s-16x4": Reference(16, video.mvit_v2_s, "norm", of_class_token),
            "video-swin-t": Reference(16, video.swin3d_t, "norm", of_windows),
            "r2plus1d-r3d-18-torchvision": Reference(16, video.r3d_18, "layer4", of_maps),
            "r2plus1d-mc3-18-torchvision": Reference(16, video.mc3_18, "layer4", of_maps),
            "r2plus1d-18-torchvision": Reference(16, video.r2plus1d_18, "layer4", of_maps),
        }
    return {name: reference for name, reference in made.items() if name in PRESETS}


def torchvision(folder: str) -> Any:
    """torchvision.models.video from a folder, beside another build of torch."""
    sys.path.insert(0, folder)
    for operator in ("nms", "qnms"):  # without them its import fails
        torch.library.define(f"torchvision::{operator}", NMS)
    return importlib.import_module("torchvision.models.video")
