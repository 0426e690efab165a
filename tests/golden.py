"""Golden tensors: what an independent implementation computed once, for a comparison without it.

The weights and the clip are formulae, so a file holds only outputs (below 100 KB). Each file is
written by tests/goldens/make_NAME.py, which is run by hand as `python -m tests.goldens.make_NAME`
from the repository root; a reference package it needs lies outside the repository.
"""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vlm.encoders.config import TowerConfig

FOLDER = Path(__file__).parent / "goldens"


def pattern(name: str, shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    """A fixed tensor for a name, about uniform in [-scale, scale], without random numbers."""
    size, start = int(torch.Size(shape).numel()), zlib.crc32(name.encode()) % 10_007
    n = torch.arange(1, size + 1, dtype=torch.float64)
    steps = n * (n + start) * 0.6180339887498949  # squares: neighbors are not alike
    return ((steps.frac() * 2 - 1) * scale).float().reshape(shape)


def fill(module: nn.Module) -> None:
    """Gives every parameter and every running statistic of a module a fixed value.

    Norm scales are near 1, variances positive, matrices scaled by their width.
    """
    norms = {
        f"{name}.weight"
        for name, part in module.named_modules()
        if isinstance(part, nn.LayerNorm) or "BatchNorm" in type(part).__name__
    }
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        value = pattern(name, tuple(tensor.shape), 0.3)
        if name in norms or name.endswith("running_var"):
            value = 1 + value
        elif tensor.dim() > 1:
            value = pattern(name, tuple(tensor.shape), (3 / tensor[0].numel()) ** 0.5)
        tensor.copy_(value)


def clip(num_clips: int, num_frames: int, size: int) -> Tensor:
    """A fixed clip [B, T, 3, S, S]."""
    return pattern("clip", (num_clips, num_frames, 3, size, size), 2.0)


def write(name: str, tensors: Mapping[str, Tensor]) -> None:
    """Writes the outputs of a reference."""
    path = FOLDER / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)
    path.chmod(0o644)
    assert path.stat().st_size < 100_000, f"{path} is larger than 100 KB"


def read(name: str) -> dict[str, Tensor]:
    """Reads the outputs of a reference."""
    return load_file(FOLDER / f"{name}.safetensors")


def larger(config: TowerConfig) -> TowerConfig:
    """The config for frames of twice the side: a grid of 4 x 4 patches instead of 2 x 2."""
    return replace(config, image_size=2 * config.image_size)
