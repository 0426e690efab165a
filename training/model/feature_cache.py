"""What a frozen backbone says of a picture, kept on disk, so that later epochs need not run it.

A picture is known by its pixels as the backbone gets them, so nothing else has to know of the
cache: the same frame is found again whatever record it comes with, and after a change of the
picture, its size or the backbone's weights it is not. Features are kept in half precision and
rounded to it the first time, too, so that a run learns the same from a full cache as from an empty
one.

It pays where a frozen backbone is much of a step and its pictures come again: in a first stage that
runs no language model (`objective: words`) it is most of one.
"""

import hashlib
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from data.samples.disk_cache import DiskCache
from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.model import PVCForConditionalGeneration


@dataclass(frozen=True)
class FeatureCache:
    """In place of a backbone, images [F, 3, H, W] -> what it says, or once said, of them."""

    disk: DiskCache
    backbone: bytes  # which one

    def __call__(self, backbone: ImageBackbone, images: Tensor) -> ImageTokens:
        names = [self._name(image) for image in images]
        places = {name: place for place, name in enumerate(names)}
        kept = {name: found[0] for name in places if (found := self.disk.get(name)) is not None}
        missing = [name for name in places if name not in kept]
        if missing:
            said = backbone(images[[places[name] for name in missing]])
            for row, name in enumerate(missing):
                kept[name] = _rounded(said, row)
                self.disk.put(name, kept[name])
        # Made float before they are stacked: autocast to bfloat16 on a CPU stacks no halves.
        parts = {
            key: torch.stack([kept[name][key].to(images.dtype) for name in names]).to(images.device)
            for key in kept[names[0]]
        }
        return ImageTokens(grid=backbone.grid(*images.shape[-2:]), **parts)

    def _name(self, image: Tensor) -> str:
        pixels = image.detach().float().cpu().contiguous()
        digest = hashlib.blake2b(self.backbone, digest_size=20)
        digest.update(f"{tuple(image.shape)} {_computed_in(image)}".encode())
        digest.update(pixels.numpy().data)
        return digest.hexdigest()


def _computed_in(image: Tensor) -> torch.dtype:
    """What a backbone computes in, which autocast decides where it is on."""
    kind = image.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else image.dtype


def _rounded(said: ImageTokens, row: int) -> dict[str, Tensor]:
    """What was said of one picture, in half precision where it has room for it."""
    parts = {}
    for field in fields(said):
        value = getattr(said, field.name)
        if isinstance(value, Tensor):
            half = value[row].detach().half()
            parts[field.name] = (half if half.isfinite().all() else value[row].detach()).cpu()
    return parts


def cache_backbone_features(model: PVCForConditionalGeneration, disk: DiskCache) -> None:
    """A model's backbone is asked for each picture once. ValueError if it is trained."""
    backbone = model.tower.backbone
    if any(parameter.requires_grad for parameter in backbone.parameters()):
        raise ValueError(
            "`feature_cache_gb` keeps what a frozen backbone says, and this recipe trains it: "
            "freeze it (`freeze: [backbone]`) or set `feature_cache_gb: 0`"
        )
    digest = hashlib.blake2b(f"{type(backbone).__name__} {model.tower.dtype}".encode())
    for name, tensor in backbone.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    model.tower.cached_backbone = FeatureCache(disk, digest.digest())
