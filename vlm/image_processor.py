"""Pictures of any size to squares, squares to pixel values: the image processor of a model.

Frames stay uint8 until `pixel_values`, the one function that normalizes them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoImageProcessor, BatchFeature
from transformers.image_processing_utils import BaseImageProcessor

from vlm.config import PVCConfig
from vlm.media.tilings import TILINGS


class PVCImageProcessor(BaseImageProcessor):
    """Pictures of any size to squares, squares to pixel values."""

    model_input_names = ["pixel_values"]

    def __init__(
        self,
        image_size: int = 448,
        image_mean: Sequence[float] = (0.485, 0.456, 0.406),
        image_std: Sequence[float] = (0.229, 0.224, 0.225),
        tiling: str = "internvl",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = image_size
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        self.tiling = tiling

    def tiles(self, pixels: np.ndarray, max_tiles: int = 1) -> np.ndarray:
        """uint8 [H, W, 3] -> [n, S, S, 3]; if n > 1, the last tile is the thumbnail."""
        return TILINGS[self.tiling].cut(pixels, max_tiles, self.image_size)

    def grid(self, pixels: np.ndarray, max_tiles: int = 1) -> tuple[int, int]:
        """Returns the columns and rows that `tiles` cuts a picture [H, W, 3] into."""
        H, W, _ = pixels.shape
        return TILINGS[self.tiling].grid(W, H, max_tiles, self.image_size)

    def squares(self, frames: np.ndarray) -> np.ndarray:
        """uint8 [T, H, W, 3] -> [T, S, S, 3]."""
        return TILINGS[self.tiling].squares(frames, self.image_size)

    def pixel_values(self, frames: np.ndarray | Tensor) -> Tensor:
        """uint8 [F, S, S, 3] -> float [F, 3, S, S], normalized, on the device of `frames`."""
        frames = torch.as_tensor(frames)
        mean = torch.tensor(self.image_mean, device=frames.device) * 255
        std = torch.tensor(self.image_std, device=frames.device) * 255
        return ((frames.float() - mean) / std).permute(0, 3, 1, 2).contiguous()

    def preprocess(self, images: Sequence[np.ndarray], **kwargs: Any) -> BatchFeature:
        """Prepares each picture as one square, like transformers' image processors."""
        squares = [self.tiles(np.asarray(image)) for image in images]
        return BatchFeature({"pixel_values": self.pixel_values(np.concatenate(squares))})


AutoImageProcessor.register(
    PVCConfig, image_processor_classes={"pil": PVCImageProcessor, "torchvision": PVCImageProcessor}
)
