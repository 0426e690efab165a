"""What encoders with strides in space and time share: the grid of their tokens.

Each strided layer gives ceil(size / stride) outputs, so a grid is the ceiling of the size by the
product of the strides.
"""

from torch import Tensor

from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.layers.conv3d import num_outputs


class StridedEncoder(VideoEncoder):
    """An encoder with one token for `time_stride` frames and `stride` x `stride` pixels."""

    causal = False
    time_stride: int
    stride: int

    @classmethod
    def from_config(cls, config: TowerConfig) -> "StridedEncoder":
        return cls(**config.options)

    @classmethod
    def stride_of(cls, config: TowerConfig) -> int:
        """`stride` before anything is built."""
        return 32

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        side = num_outputs(config.image_size, cls.stride_of(config))
        return side, side

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return (
            num_outputs(num_frames, self.time_stride),
            num_outputs(height, self.stride),
            num_outputs(width, self.stride),
        )


def as_tokens(x: Tensor) -> Tensor:
    """Feature maps [B, C, T, H, W] -> tokens [B, T, H*W, C]."""
    return x.flatten(3).permute(0, 2, 3, 1)


def as_maps(x: Tensor) -> Tensor:
    """Feature maps [B, C, T, H, W] -> a level of a pyramid, [B, T, H, W, C]."""
    return x.permute(0, 2, 3, 4, 1)
