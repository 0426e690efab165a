"""Image backbones under a progressive tower. A new one is one file and a line in BACKBONES."""

from vlm.encoders.backbones.efficientnet import EfficientNetLite
from vlm.encoders.backbones.vit import CLIP, SigLIP, ViT
from vlm.encoders.base import ImageBackbone
from vlm.unknown_name import check_name

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
    check_name("backbone", name, BACKBONES)
    return BACKBONES[name]
