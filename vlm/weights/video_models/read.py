"""Reads a file of a video encoder, whatever its publisher called the tensors.

A file is .safetensors, or a .pth, .pyth or .pt that torch reads with `weights_only`: tensors and
plain containers. The layout that fits is found by the names, and ours are one of them. A tensor
that is missing, unexpected or of another shape is an error. The classifier in the file is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.files import WeightsError, likely_cause, read_safetensors
from vlm.weights.io.rename import Fit, Shape, fit_rules
from vlm.weights.video_models import (
    aim,
    i3d,
    mvit,
    r2plus1d,
    resnet3d,
    st_adapter,
    streamformer,
    timesformer,
    uniformerv2,
    video_swin,
    vtn,
)
from vlm.weights.video_models.layout import COUNTERS, Layout

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.encoders.base import VideoEncoder
    from vlm.encoders.config import TowerConfig

# By the name of the encoder.
LAYOUTS: dict[str, Sequence[Layout]] = {
    "aim": aim.LAYOUTS,
    "i3d": i3d.LAYOUTS,
    "mvit": mvit.LAYOUTS,
    "nonlocal": resnet3d.NONLOCAL_LAYOUTS,
    "r2plus1d": r2plus1d.LAYOUTS,
    "slowfast": resnet3d.SLOWFAST_LAYOUTS,
    "st-adapter": st_adapter.LAYOUTS,
    "streamformer": streamformer.LAYOUTS,
    "timesformer": timesformer.LAYOUTS,
    "uniformerv2": uniformerv2.LAYOUTS,
    "video-swin": video_swin.LAYOUTS,
    "vtn": vtn.LAYOUTS,
}
WEIGHTS = "model.safetensors"  # of a folder that training.encoders wrote
OWN = Layout("revisit", ())  # our names, as training.encoders writes them
# Keys under which training programs store the tensors, and prefixes that they add to names.
CONTAINERS = ("state_dict", "model_state", "model")
PREFIXES = ("", "module.", "backbone.", "module.backbone.", "model.", "tower.")


def weights_path(given: str) -> Path:
    """The path that a user gives as --weights; of a run of `training.encoders`, its encoder's file.

    The folder of the run and its `trained` mean the same; a folder with a config.json is a model.
    """
    path = Path(given).expanduser()
    for file in (path / "trained" / WEIGHTS, path / WEIGHTS):
        if file.is_file() and not (file.parent / "config.json").exists():
            return file
    return path


def load_video_model(path: Path, preset: str, config: TowerConfig | None = None) -> VideoEncoder:
    """Builds a preset's encoder with the weights of a file, published or our own.

    `config` replaces the preset's own, for example with another image size. WeightsError if the
    file is not read or does not fit; it names where the file is to be had and under which license.
    """
    from vlm.encoders import PRESETS, build_tower

    if preset not in PRESETS:
        raise WeightsError(f'no preset "{preset}"; there are {", ".join(PRESETS)}')
    facts = PRESETS[preset]
    tower = build_tower(config or facts.tower)
    try:
        tensors = read_tensors(path)
        state = convert(tensors, tower, [*LAYOUTS.get(facts.tower.encoder, ()), OWN], path)
    except WeightsError as error:
        where = f"Weights of {preset}: {facts.weights} (license: {facts.weights_license})."
        raise WeightsError(f"{error} {where}") from error
    tower.load_state_dict(state, strict=False)  # `convert` has checked; counters alone are left
    return tower


def convert(
    tensors: Mapping[str, Tensor], tower: VideoEncoder, layouts: Sequence[Layout], where: object
) -> dict[str, Tensor]:
    """Renames tensors of a file to those of an encoder; WeightsError unless they fit exactly."""
    expected = {
        name: tuple(value.shape)
        for name, value in tower.state_dict().items()
        if not fnmatchcase(name, COUNTERS)
    }
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    best = min(_fits(found, expected, layouts), key=_problems)
    best.require(where)
    state: dict[str, Tensor] = {}
    for rule in best.rules:
        state.update(rule.apply(tensors.__getitem__))
    return state


def _fits(
    found: Mapping[str, Shape], expected: Mapping[str, Shape], layouts: Sequence[Layout]
) -> Iterator[Fit]:
    """Yields every layout under every prefix, up to the first that fits."""
    for prefix in PREFIXES:
        for layout in layouts:
            # Programs add a prefix to the classifier's names or to the encoder's alone.
            unused = [prefix + name for name in layout.unused] + [*layout.unused, COUNTERS]
            fit = fit_rules(layout.rules(expected, prefix), found, expected, drop=unused)
            yield fit
            if fit.ok:
                return


def _problems(fit: Fit) -> int:
    return len(fit.missing) + len(fit.unexpected) + len(fit.mismatched)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Returns all tensors of a file by name.

    Raises WeightsError with the likely cause if it is not read.
    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    import torch
    from torch.serialization import pickle as pickles

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickles.UnpicklingError as error:
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors, and opening it could run code."
            " Ask for the weights as safetensors."
        ) from error
    except (OSError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{path}: {likely_cause(path)}") from error
    for key in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds no table of tensors.")
    return {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
