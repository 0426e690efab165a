"""Video processors without torchvision: frames to the pixels of transformers' own.

transformers' video processors need torchvision, whose wheels rarely fit a CPU build of torch. These
give the same tensors for frames that are already chosen: Qwen's patches over pairs of frames, and
LLaVA-OneVision's squares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.image_processing_utils import BatchFeature
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
from transformers.video_utils import make_batched_metadata, make_batched_videos

BICUBIC = 3  # PIL's number
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class VideoFrames:
    """Takes the place of a video processor inside a processor of transformers."""

    valid_kwargs = None
    model_input_names: Sequence[str] = ("pixel_values_videos",)
    # Of the class in transformers, for what a folder leaves out.
    defaults: Mapping[str, Any] = {"image_mean": CLIP_MEAN, "image_std": CLIP_STD}

    def __init__(self, given: Mapping[str, Any]) -> None:
        """`given` are the settings of the folder. Raises ValueError for another filter."""
        self.settings = {**self.defaults, **given}
        if self.settings.get("resample", BICUBIC) != BICUBIC:
            raise ValueError("its videos are resized by another filter than bicubic")
        scale = 255.0  # rescaled and normalized in one step, as transformers does
        self.mean = torch.tensor(self.settings["image_mean"]).view(3, 1, 1) * scale
        self.std = torch.tensor(self.settings["image_std"]).view(3, 1, 1) * scale

    def __call__(
        self, videos: Any, video_metadata: Any = None, return_metadata: bool = False, **unused: Any
    ) -> BatchFeature:
        """Prepares videos, each uint8 [T, H, W, 3]."""
        batch = make_batched_videos(videos)
        found = self.prepare([torch.as_tensor(one).permute(0, 3, 1, 2) for one in batch])
        if return_metadata:
            found["video_metadata"] = make_batched_metadata(batch, video_metadata)
        return BatchFeature(found)

    def prepare(self, videos: Sequence[Tensor]) -> dict[str, Any]:
        """Prepares videos, each uint8 [T, 3, H, W]."""
        raise NotImplementedError

    def resized(self, frames: Tensor, height: int, width: int) -> Tensor:
        """Resizes and normalizes frames [T, 3, H, W] to float32."""
        if frames.shape[-2:] != (height, width):
            frames = F.interpolate(frames, (height, width), mode="bicubic", antialias=True)
        return (frames.float() - self.mean) / self.std


class QwenFrames(VideoFrames):
    """Patches of Qwen2-VL and Qwen2.5-VL, each over `temporal_patch_size` frames."""

    model_input_names = ("pixel_values_videos", "video_grid_thw")
    defaults: Mapping[str, Any] = {
        **VideoFrames.defaults,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 28 * 28 * 768},
        "max_video_tokens": 128_000,
    }

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        chosen = self.settings
        self.patch_size: int = chosen["patch_size"]
        self.temporal_patch_size: int = chosen["temporal_patch_size"]
        self.merge_size: int = chosen["merge_size"]
        size = dict(chosen["size"])
        self.least = chosen.get("min_pixels") or size["shortest_edge"]
        self.most = chosen.get("max_pixels") or size["longest_edge"]
        self.max_video_tokens: int = chosen["max_video_tokens"]

    def size(self, num_frames: int, height: int, width: int) -> tuple[int, int]:
        """Returns the height and width in pixels that frames are resized to."""
        factor = self.patch_size * self.merge_size
        # As in qwen-vl-utils: a frame takes at most its share of a budget for the whole video.
        budget = int(self.max_video_tokens * factor * factor * 0.9)
        share = budget * self.temporal_patch_size // num_frames
        most = max(min(self.most, share), int(self.least * 1.05))
        return smart_resize(height, width, factor, self.least, most)

    def prepare(self, videos: Sequence[Tensor]) -> dict[str, Any]:
        """Prepares videos, each uint8 [T, 3, H, W]."""
        patches, grids = [], []
        for frames in videos:
            height, width = self.size(len(frames), *frames.shape[-2:])
            made, grid = self.patches(self.resized(frames, height, width))
            patches.append(made)
            grids.append(grid)
        return {"pixel_values_videos": torch.cat(patches), "video_grid_thw": torch.tensor(grids)}

    def patches(self, frames: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        """Cuts frames [T, 3, H, W] into patches [N, 3 * time * side * side], and returns the grid.

        Patches that are merged later stand next to each other; the last frame fills up the time.
        """
        time, side, merge = self.temporal_patch_size, self.patch_size, self.merge_size
        if missing := -len(frames) % time:
            frames = torch.cat([frames, frames[-1:].expand(missing, -1, -1, -1)])
        T, C, H, W = frames.shape
        grid = (T // time, H // side, W // side)
        cut = frames.reshape(
            grid[0], time, C, grid[1] // merge, merge, side, grid[2] // merge, merge, side
        )
        cut = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
        return cut.reshape(-1, C * time * side * side), grid


class Qwen3Frames(QwenFrames):
    """Patches of Qwen3-VL: the budget of pixels counts the whole video."""

    defaults: Mapping[str, Any] = {
        **QwenFrames.defaults,
        "image_mean": (0.5, 0.5, 0.5),
        "image_std": (0.5, 0.5, 0.5),
        "patch_size": 16,
        "size": {"shortest_edge": 128 * 32 * 32, "longest_edge": 32 * 32 * 768},
        "max_video_tokens": 768,  # of one frame
    }

    def size(self, num_frames: int, height: int, width: int) -> tuple[int, int]:
        """Returns the height and width in pixels that frames are resized to."""
        from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize as in_time

        factor = self.patch_size * self.merge_size
        share = min(self.max_video_tokens * factor * factor, self.most // num_frames)
        return in_time(
            num_frames=num_frames,
            height=height,
            width=width,
            factor=factor,
            temporal_factor=self.temporal_patch_size,
            min_pixels=self.least,
            max_pixels=max(share, int(self.least * 1.05)) * num_frames,
        )


class SquareFrames(VideoFrames):
    """Squares of LLaVA-OneVision."""

    defaults: Mapping[str, Any] = {**VideoFrames.defaults, "size": {"height": 384, "width": 384}}

    def prepare(self, videos: Sequence[Tensor]) -> dict[str, Any]:
        """Prepares videos, each uint8 [T, 3, H, W]."""
        if len({len(frames) for frames in videos}) > 1:
            raise ValueError(
                "this model takes videos of one conversation only with equal numbers of frames;"
                " set the number of frames."
            )
        size = self.settings["size"]
        made = [self.resized(frames, size["height"], size["width"]) for frames in videos]
        return {"pixel_values_videos": torch.stack(made)}


# model_type -> its frames.
FRAMES: dict[str, Callable[[Mapping[str, Any]], VideoFrames]] = {
    "llava_onevision": SquareFrames,
    "qwen2_5_vl": QwenFrames,
    "qwen2_vl": QwenFrames,
    "qwen3_vl": Qwen3Frames,
    "qwen3_vl_moe": Qwen3Frames,
}
