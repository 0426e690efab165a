"""Reads a video for vLLM in a process with limits on time, memory and pixels."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vllm.multimodal.video import VideoLoader

from vlm.inference.visual.media_thread import longest_side
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaReader

SHORT_SIDE = 448  # pixels; that of the tower stands in --media-io-kwargs


@cache
def reader() -> MediaReader:
    """Returns the reader of this process, which keeps the next reading process ready."""
    return MediaReader()


class ConfinedVideoLoader(VideoLoader):
    """Frames at evenly spaced times, each with the time that it really has."""

    @classmethod
    def load_bytes(
        cls,
        data: bytes,
        num_frames: int = 32,
        fps: float | None = None,
        short_side: int = SHORT_SIDE,
        **kwargs: Any,
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Returns frames uint8 [T, H, W, 3] and what is known of them.

        `fps` samples so many frames of a second, at most `num_frames` if that is positive. Raises
        ValueError for a file that cannot be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "video"
            path.write_bytes(data)
            try:
                info = reader().probe(path)
                if info.kind != "video":
                    raise ValueError("a video was expected, but the file is a picture.")
                count = num_frames if num_frames > 0 else info.num_frames or 1
                if fps:
                    count = min(count, max(round((info.duration or 0) * fps), 1))
                size = longest_side(info.width, info.height, short_side)
                video = reader().read_video(path, count, size=size)
            except MediaError as error:
                raise ValueError(str(error).replace(str(path), "the video")) from None
        rate = info.fps or 1.0
        metadata = {
            "times": [float(time) for time in video.times],
            "frames_indices": [round(float(time) * rate) for time in video.times],
            "total_num_frames": info.num_frames or len(video.frames),
            "fps": rate,
            "duration": info.duration or 0.0,
            "video_backend": "revisit",
            "do_sample_frames": False,
        }
        return video.frames, metadata
