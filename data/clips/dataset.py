"""Labeled clips as inputs of an encoder; one that cannot be read is rejected with the reason."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data.clips.folders import PICTURES, LabeledClip
from data.records import MediaFile
from data.samples.dataset import RejectedSample
from data.samples.decoder import Decoder
from vlm.encoders.config import TowerConfig
from vlm.heads.classification import clip_pixels, clip_times
from vlm.media.confined.limits import MediaError

ClipItem = dict[str, Tensor]


class ClipDataset(Dataset[ClipItem | RejectedSample]):
    """Clips as encoder inputs: clip [T, 3, S, S], times [T], label []."""

    def __init__(
        self,
        clips: Sequence[LabeledClip],
        config: TowerConfig,
        num_frames: int,
        seconds: float = 30.0,
    ) -> None:
        """`seconds` is the time limit for one file."""
        self.clips, self.config, self.num_frames = clips, config, num_frames
        self.decoder = Decoder(seconds)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> ClipItem | RejectedSample:
        clip = self.clips[index]
        try:
            frames, seconds = self._read(clip)
        except MediaError as error:
            return RejectedSample(index, clip.where or str(clip.path), str(error))
        return {
            "clip": clip_pixels(frames, self.config),
            "times": clip_times(seconds, self.config),
            "label": torch.tensor(clip.label),
        }

    def _read(self, clip: LabeledClip) -> tuple[np.ndarray, list[float]]:
        """Reads `num_frames` frames; repeats those of a shorter clip or a picture."""
        size = self.config.image_size
        if clip.path.suffix.lower() in PICTURES:
            frames = self.decoder.image(MediaFile("image", clip.path), size).frames
            times = [0.0]
        else:
            video = self.decoder.video(MediaFile("video", clip.path), self.num_frames, size)
            frames, times = video.frames, list(video.times)
        indices = np.linspace(0, len(frames) - 1, self.num_frames).round().astype(int)
        return frames[indices], [times[index] for index in indices]


class ClipCollator:
    """Stacks clips; a rejected one leaves a blank clip, which does not count (`valid`).

    So a batch has the same number of clips in every process.
    """

    def __init__(self, config: TowerConfig, num_frames: int, num_channels: int = 3) -> None:
        size = config.image_size
        self.blank: ClipItem = {
            "clip": torch.zeros(num_frames, num_channels, size, size),
            "times": clip_times([float(t) for t in range(num_frames)], config),
            "label": torch.tensor(0),
        }

    def __call__(self, items: Sequence[ClipItem | RejectedSample]) -> dict[str, Any]:
        rejected = [item for item in items if isinstance(item, RejectedSample)]
        clips = [self.blank if isinstance(item, RejectedSample) else item for item in items]
        batch: dict[str, Any] = {name: torch.stack([c[name] for c in clips]) for name in self.blank}
        batch["valid"] = torch.tensor([not isinstance(item, RejectedSample) for item in items])
        batch["quarantined"] = [vars(item) for item in rejected]
        batch["num_samples"] = len(items)
        return batch
