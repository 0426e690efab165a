"""The contract of a video encoder, and of the image backbone under a progressive one."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset
from vlm.layers.checkpointing import Checkpointing
from vlm.timesteps import even_timesteps

Extra = dict[str, Tensor]  # outputs of a backbone beside its tokens, by name


@dataclass(frozen=True)
class ImageTokens:
    """A backbone's features of F images."""

    tokens: Tensor  # [F, prefix + N, C]
    grid: tuple[int, int]  # H, W with N = H * W
    extra: Extra = field(default_factory=dict)  # each [F, ...]


@dataclass(frozen=True)
class FrameTokens:
    """Frames as far as all looks at them share the computation."""

    tokens: Tensor  # [B, T, prefix + N, C]
    grid: tuple[int, int]
    extra: Extra = field(default_factory=dict)  # each [B, T, ...]

    def clips(self, num_clips: int) -> "FrameTokens":
        """Splits frames in a row, [1, B * T, ...], into B clips of T frames."""
        return self._map(lambda x: x.reshape(num_clips, -1, *x.shape[2:]))

    def __getitem__(self, index: Tensor | slice) -> "FrameTokens":
        """Selects frames."""
        return self._map(lambda x: x[:, index])

    def with_extra(self, given: Mapping[str, tuple[Tensor, Tensor]]) -> "FrameTokens":
        """Replaces outputs of some frames in a row: name -> (indices [n], values [n, ...])."""
        extra = dict(self.extra)
        for name, (frames, values) in given.items():
            extra[name] = extra[name].clone()
            extra[name][0, frames] = values.to(extra[name].dtype)
        return replace(self, extra=extra)

    def _map(self, change: Any) -> "FrameTokens":
        extra = {name: change(value) for name, value in self.extra.items()}
        return FrameTokens(change(self.tokens), self.grid, extra)


@dataclass(frozen=True)
class VideoFeatures:
    """An encoder's features of a batch of clips."""

    tokens: Tensor  # [B, T, N, C]
    grid: tuple[int, int]  # H, W with N = H * W
    pooled: Tensor  # [B, P]
    pyramid: tuple[Tensor, ...] = ()  # fine to coarse
    global_token: Tensor | None = None  # [B, T, C] one for each whole frame (CLS)
    extra: Extra = field(default_factory=dict)  # each [B, T, ...]

    def for_looks(self, num_looks: int) -> "VideoFeatures":
        """Gives each of R looks the tokens of its part of the clip, where an encoder strides time.

        Look r gets those at floor(r * T / R).
        """
        T = self.tokens.shape[1]
        if num_looks == T:
            return self
        index = torch.arange(num_looks, device=self.tokens.device) * T // num_looks
        cls = self.global_token
        return replace(
            self,
            tokens=self.tokens[:, index],
            global_token=None if cls is None else cls[:, index],
            extra={name: value[:, index] for name, value in self.extra.items()},
        )


class VideoEncoder(Checkpointing, ABC):
    """Clips in, tokens out. A subclass is one file and one line in `vlm.encoders.ENCODERS`.

    `forward` and the class methods are enough to be trained alone and to be an assistant's tower.
    An encoder that computes part of the work once for all looks at a frame overrides
    `encode_frames` and `encode_clips`; one that takes frames a few at a time sets `incremental`
    and overrides `step`.
    """

    presets: ClassVar[Mapping[str, Preset]] = {}  # published architectures, by name
    dim: int  # C
    pooled_dim: int  # P
    causal: bool  # frame t never sees frame t + 1
    takes_options = True  # its constructor's arguments come from `TowerConfig.options`
    incremental = False  # `step` continues from a cache
    in_channels = 3  # of a frame; 2 for optical flow
    time_stride = 1  # frames of the clip for each frame of tokens
    timestep_form = "t/T"  # of `forward` without times; `build_tower` sets both from the config
    timestep_scale = 1.0

    @classmethod
    @abstractmethod
    def from_config(cls, config: TowerConfig) -> "VideoEncoder":
        """Builds the encoder with fresh weights."""

    @classmethod
    @abstractmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        """H, W of the tokens of one frame; ValueError if the config's sizes do not fit."""

    @abstractmethod
    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        """T, H, W of the tokens of a clip, known before anything is computed."""

    @abstractmethod
    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """Encodes clip [B, T, 3, H, W] with the timesteps [B, T] of its frames.

        Without times the frames are evenly spaced (`even_times`). A still picture may be given
        once, clip [B, 1, 3, H, W], with R timesteps: it is seen R times. The result has the tokens
        of `token_grid`: an encoder that strides time gives fewer frames than it was given.
        """

    def token_times(self, times: Sequence[float]) -> list[float]:
        """Times of T frames -> of the T' frames of tokens: the mean of those each stands for."""
        s = self.time_stride
        return [fmean(times[start : start + s]) for start in range(0, len(times), s)]

    def even_times(self, clip: Tensor) -> Tensor:
        """Timesteps [B, T] of evenly spaced frames, as the assistant's processor computes them."""
        B, T = clip.shape[:2]
        return even_timesteps(B, T, clip.device, self.timestep_scale, self.timestep_form)

    def seen(self, clip: Tensor, times: Tensor | None) -> tuple[Tensor, Tensor]:
        """Repeats a still picture for each of its looks; ValueError if frames and times differ.

        clip [B, T or 1, 3, H, W] and times [B, T] or None -> clip [B, T, 3, H, W], times [B, T].
        """
        times = self.even_times(clip) if times is None else times
        T = times.shape[1]
        if clip.shape[1] not in (1, T):
            raise ValueError(f"{clip.shape[1]} frames were given with {T} times")
        return clip.expand(-1, T, -1, -1, -1), times

    def encode_frames(self, images: Tensor) -> FrameTokens:
        """images [F, 3, H, W] -> what all looks at a frame share; here, the images themselves."""
        return FrameTokens(images[None], (0, 0))

    def encode_clips(
        self, frames: FrameTokens, times: Tensor, cache: Any = None
    ) -> tuple[VideoFeatures, Any]:
        """Frames [B, T or 1, ...] at times [B, T] -> features, and a cache for the next `step`.

        The features have T frames, whatever the encoder's stride in time.
        """
        return self.for_looks(self.forward(frames.tokens, times), times.shape[1]), None

    def step(
        self, clip: Tensor | None, times: Tensor, cache: Any = None
    ) -> tuple[VideoFeatures, Any]:
        """Encodes the next frames after those in the cache; the first call has none."""
        assert clip is not None, "only an incremental encoder looks again without pixels"
        return self.for_looks(self.forward(clip, times), times.shape[1]), None

    def for_looks(self, features: VideoFeatures, num_looks: int) -> VideoFeatures:
        """Features of a clip [B, T', ...] -> [B, R, ...], for each look those of its part."""
        return features.for_looks(num_looks)

    def train(self, mode: bool = True) -> "VideoEncoder":
        """Sets the mode; a frozen BatchNorm keeps its statistics, which training would change.

        An encoder that is frozen as a whole computes as in evaluation, without dropout.
        """
        super().train(mode and any(p.requires_grad for p in self.parameters()))
        for norm in self.batch_norms():
            if not any(p.requires_grad for p in norm.parameters()):
                norm.eval()
        return self

    def batch_norms(self) -> Iterator[nn.Module]:
        """Returns the layers whose statistics depend on the batch."""
        kinds = (nn.BatchNorm2d, nn.BatchNorm3d)
        return (module for module in self.modules() if isinstance(module, kinds))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype the encoder computes in."""
        return next(p.dtype for p in self.parameters() if p.is_floating_point())


class ImageBackbone(nn.Module, ABC):
    """Images in, a grid of tokens out: the lower part of a progressive tower.

    A subclass is one file and a line for each of its names in `vlm.encoders.backbones.BACKBONES`.
    """

    dim: int  # C
    stride: int  # pixels of an image's side for each token
    num_prefix: int  # tokens in front of the grid: CLS, or a mean
    has_positions = True  # False: the tower adds learned positions to the tokens
    trainable = True  # False: no recipe trains it, whatever it freezes

    @classmethod
    @abstractmethod
    def from_config(cls, config: TowerConfig) -> "ImageBackbone":
        """Builds the backbone with fresh weights."""

    @classmethod
    @abstractmethod
    def stride_of(cls, config: TowerConfig) -> int:
        """`stride` before anything is built; ValueError if the image size does not fit it."""

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of tokens of an image of this size in pixels."""
        return height // self.stride, width // self.stride

    @abstractmethod
    def forward(self, images: Tensor) -> ImageTokens:
        """Encodes images [F, 3, H, W]."""
