"""A film that is still being written: one frame a second, as far as it goes at each question."""

from pathlib import Path

import numpy as np

from app.replier import Replier
from vlm.assistant import MediaSource, Stream
from vlm.inference.visual.live import KEPT
from vlm.media.decode import probe, read_video

EVERY = 1.0  # seconds
TAIL = 0.25  # seconds at the end that may not be complete
SIZE = 448  # pixels of a frame's longer side


class Growing:
    """What was seen so far; earlier frames are not computed again."""

    def __init__(self, assistant: Replier, path: Path) -> None:
        self.assistant, self.path = assistant, path
        self.stream, self.due = Stream(), EVERY / 2

    def catch_up(self) -> MediaSource:
        """Looks at what came since, and returns the frames that are kept.

        Raises MediaError if the file cannot be read, and ValueError if it has no frame yet or the
        model cannot follow a stream.
        """
        end = probe(self.path).duration - TAIL
        times = np.arange(self.due, end, EVERY)[-KEPT:].tolist()
        if times:
            video = read_video(self.path, times=times, size=SIZE)
            for second, frame in zip(video.times.tolist(), video.frames, strict=True):
                self.stream = self.assistant.see_next(self.stream, frame, second)
            self.due = times[-1] + EVERY
        if not self.stream.frames:
            raise ValueError(f"{self.path.name} has no frame yet; ask again in a moment.")
        return MediaSource(self.path, stream=self.stream)
