"""The classifier under a progressive tower as an expert: whole frames to the kinds worth stating.

The tower's EfficientNet knows the thousand classes of ImageNet. `imagenet.txt` has their names in
the classifier's order, each with the plain word for its family if it has one.
"""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from vlm.classifier_words import LOGITS
from vlm.encoders.backbones.efficientnet import EfficientNetLite
from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.experts.findings import Kind
from vlm.experts.kept_features import KeptFeatures
from vlm.experts.kinds import kinds_of
from vlm.model import PVCForConditionalGeneration
from vlm.presets import preset_config
from vlm.processor import PVCImageProcessor, PVCProcessor
from vlm.weights.base_models import backbone_tensors, efficientnet_lite2

NAMES = Path(__file__).with_name("imagenet.txt")
FRAMES_PER_BATCH = 4  # as many as the tower takes of a film, so that it finds their features kept


class Classifier:
    """Frames uint8 [T, H, W, 3] -> the kinds of each."""

    def __init__(
        self,
        backbone: ImageBackbone,
        pictures: PVCImageProcessor,
        kept: KeptFeatures | None = None,
    ) -> None:
        """`kept` takes the features that the tower will ask for."""
        self.backbone = backbone
        self.pictures = pictures
        self.kept = kept

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> list[tuple[Kind, ...]]:
        names, families = class_names()
        like = next(self.backbone.parameters())
        squares = self.pictures.pixel_values(self.pictures.squares(frames.numpy())).to(like)
        logits = [self._features(batch).extra[LOGITS] for batch in squares.split(FRAMES_PER_BATCH)]
        probabilities = torch.cat(logits).float().mean(dim=1).softmax(dim=-1).cpu()  # [T, K]
        return [kinds_of(row, names, families) for row in probabilities]

    def _features(self, images: Tensor) -> ImageTokens:
        if self.kept is None:
            return self.backbone(images)
        return self.kept.keep(self.backbone, images)


def classifier_of(model: PVCForConditionalGeneration, processor: PVCProcessor) -> Classifier | None:
    """Returns the classifier of a model; None if its tower has none of ImageNet's classes."""
    tower = model.tower
    if not isinstance(tower, ProgressiveEncoder):
        return None
    backbone = tower.backbone
    if getattr(backbone, "num_classes", 0) != len(class_names()[0]):
        return None
    return Classifier(backbone, processor.image_processor, KeptFeatures())


def base_classifier() -> Classifier:
    """Returns the embedded model's classifier from its base weights."""
    config = preset_config("embedded")
    backbone = EfficientNetLite.from_config(config.tower_config)
    backbone.load_state_dict(backbone_tensors(efficientnet_lite2()))
    backbone.eval().requires_grad_(False)
    pictures = PVCImageProcessor(config.image_size, config.image_mean, config.image_std)
    return Classifier(backbone, pictures)


@cache
def class_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the names and the families, "" for none, in the classifier's order."""
    rows = [line.partition("; ") for line in NAMES.read_text(encoding="utf-8").splitlines()]
    return tuple(name for name, _, _ in rows), tuple(family for _, _, family in rows)
