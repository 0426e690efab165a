"""What every video encoder takes and gives, and what an image backbone gives to one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from vlm.layers.checkpointing import Checkpointing


@dataclass(frozen=True)
class VideoFeatures:
    """What an encoder says of a batch of clips."""

    tokens: Tensor  # [B, T, N, C]
    grid: tuple[int, int]  # H, W with N = H * W
    pooled: Tensor  # [B, P]
    pyramid: tuple[Tensor, ...] = ()  # fine to coarse
    global_token: Tensor | None = None  # [B, T, C] of each whole frame (CLS)
    class_logits: Tensor | None = None  # [B, T, N, K] the frozen backbone's classifier, per patch


class VideoEncoder(Checkpointing, ABC):
    """A clip goes in, tokens come out."""

    dim: int  # C
    pooled_dim: int  # P
    causal: bool  # frame t never sees frame t + 1

    @abstractmethod
    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        """T, H, W of the tokens of a clip, known before anything is computed."""

    @abstractmethod
    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """clip [B, T, 3, H, W] and the timesteps [B, T] of its frames (None: evenly spread).

        A still picture may be given once, clip [B, 1, 3, H, W], with R timesteps: it is then seen
        R times, and T is R in what comes back.
        """


@dataclass(frozen=True)
class ImageTokens:
    """What an image backbone says of a batch of pictures."""

    tokens: Tensor  # [F, prefix + N, C]
    grid: tuple[int, int]
    class_logits: Tensor | None = None  # [F, N, K]


class ImageBackbone(nn.Module, ABC):
    """A picture goes in, a grid of tokens comes out: what a PVC tower stands on."""

    dim: int  # C
    num_prefix: int  # tokens in front of the grid: CLS, or a summary
    num_classes: int  # K, or 0 where there is no classifier

    @abstractmethod
    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of tokens of a picture of this size in pixels."""

    @abstractmethod
    def forward(self, images: Tensor) -> ImageTokens:
        """images [F, 3, H, W]."""
