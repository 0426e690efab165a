"""Caches the features of a frozen backbone on disk, so that later epochs need not run it.

The key of an image is the hash of its pixels as the backbone receives them. So the rest of the code
need not know of the cache: a frame is found again in any record, and any change of its pixels, its
size or the backbone's weights misses. Features are stored in half precision, and rounded on the
first pass as well, so that a run trains the same weights with a full cache as with an empty one.

The cache pays off if a frozen backbone takes much of a step and images recur: in a first stage
without the language model (`objective: words`) the backbone is most of a step.
"""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from data.samples.disk_cache import DiskCache
from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.model import PVCForConditionalGeneration


@dataclass(frozen=True)
class FeatureCache:
    """Stands in for a backbone: images [F, 3, H, W] -> its features, computed or cached."""

    disk: DiskCache
    backbone: bytes  # digest of its weights

    def __call__(self, backbone: ImageBackbone, images: Tensor) -> ImageTokens:
        names = [self._name(image) for image in images]
        rows = {name: row for row, name in enumerate(names)}
        cached = {name: found[0] for name in rows if (found := self.disk.get(name)) is not None}
        missing = [name for name in rows if name not in cached]
        if missing:
            features = backbone(images[[rows[name] for name in missing]])
            for row, name in enumerate(missing):
                cached[name] = _rounded(features, row)
                self.disk.put(name, cached[name])
        # Converted before stacking: under autocast to bfloat16 a CPU cannot stack halves.
        parts = {
            key: torch.stack([cached[name][key].to(images.dtype) for name in names]).to(
                images.device
            )
            for key in cached[names[0]]
        }
        tokens = parts.pop("tokens")
        return ImageTokens(tokens, backbone.grid(*images.shape[-2:]), parts)

    def _name(self, image: Tensor) -> str:
        pixels = image.detach().float().cpu().contiguous()
        digest = hashlib.blake2b(self.backbone, digest_size=20)
        digest.update(f"{tuple(image.shape)} {_computed_in(image)}".encode())
        digest.update(pixels.numpy().data)
        return digest.hexdigest()


def _computed_in(image: Tensor) -> torch.dtype:
    """Returns the dtype that a backbone computes in: autocast's if it is enabled."""
    kind = image.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else image.dtype


def _rounded(features: ImageTokens, row: int) -> dict[str, Tensor]:
    """Returns the features of one image, in half precision unless they overflow it."""
    parts = {}
    for name, values in {"tokens": features.tokens, **features.extra}.items():
        value = values[row].detach()
        half = value.half()
        parts[name] = (half if half.isfinite().all() else value).cpu()
    return parts


def cache_backbone_features(model: PVCForConditionalGeneration, disk: DiskCache) -> None:
    """Makes a model compute each image's features once. Raises ValueError if they are trained."""
    tower = model.tower
    if not isinstance(tower, ProgressiveEncoder):
        raise ValueError(
            "`feature_cache_gb` caches the image backbone under PVC's tower, and this tower is "
            f"{model.config.tower_config.encoder}: set it to 0"
        )
    backbone = tower.backbone
    if any(parameter.requires_grad for parameter in backbone.parameters()):
        raise ValueError(
            "`feature_cache_gb` caches a frozen backbone, and this recipe trains it: "
            "freeze it (`freeze: [backbone]`) or set `feature_cache_gb: 0`"
        )
    digest = hashlib.blake2b(f"{type(backbone).__name__} {model.tower.dtype}".encode())
    for name, tensor in backbone.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    tower.cached_backbone = FeatureCache(disk, digest.digest())
