"""Image backbones under a progressive tower. A new one is one file and a line in BACKBONES."""

from vlm.encoders.backbones.efficientnet import EfficientNetLite
from vlm.encoders.backbones.vit import CLIP, SigLIP, ViT
from vlm.encoders.base import ImageBackbone

BACKBONES: dict[str, type[ImageBackbone]] = {
    "vit": ViT,
    "clip": CLIP,
    "siglip": SigLIP,
    "efficientnet-lite0": EfficientNetLite,
    "efficientnet-lite1": EfficientNetLite,
    "efficientnet-lite2": EfficientNetLite,
    "efficientnet-lite3": EfficientNetLite,
}


def backbone_class(name: str) -> type[ImageBackbone]:
    """Returns the class of a name in BACKBONES; ValueError with the known names for any other."""
    if name not in BACKBONES:
        raise ValueError(f'no backbone "{name}"; there are {", ".join(BACKBONES)}')
    return BACKBONES[name]
