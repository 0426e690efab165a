"""Decodes videos and pictures in other processes while the model answers earlier questions.

Threads drive `vlm.media`'s decoder processes, which have limits and can be killed. A few questions
at most wait here with their media. Questions about the same medium share one decoding.
"""

import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from evaluation.asking.described import Words
from evaluation.asking.prompts import SettledImage
from evaluation.benchmarks.base import MediaPart, Question
from vlm.config import PromptConfig
from vlm.conversation import Image, Video
from vlm.experts.expert_words import SHORT_SIDE
from vlm.inference.budget import requested
from vlm.inference.settings import Settings
from vlm.inference.visual.media_thread import longest_side
from vlm.inference.workers import release_workers
from vlm.media.collect import DecodedVideo
from vlm.media.confined.limits import Limits, MediaError
from vlm.media.decode import MediaInfo, MediaReader
from vlm.media.sampling import segment_indices, segment_times
from vlm.media.squares import resize_frames

# Benchmarks hold whole films, and the user chose them: the limits are wider than in the chat.
LIMITS = Limits(
    file_bytes=16 * 2**30,
    duration=24 * 3600.0,
    pixels=200_000_000,
    num_frames=4096,
    frames_walked=5_000_000,
    seconds=900.0,
    memory_bytes=6 * 2**30,
)


# What a file was reduced to so that a conversation fits: frames of a video, or looks and max_tiles
# of a picture; empty if nothing was.
Reduced = Mapping[str, int]
CLOSE = 1e-3  # seconds; a frame this little behind a moment belongs to it


@dataclass(frozen=True, eq=False)
class DecodedMedia:
    """A decoded medium, and its entry in the log."""

    part: Image | Video
    facts: dict[str, Any]
    info: MediaInfo | None = None  # of a whole file
    reduced: Reduced = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Ready:
    """A question with its media, or the reason why they are missing."""

    question: Question
    seen: tuple[DecodedMedia, ...] = ()
    seconds: float = 0.0  # that decoding took, shared or not
    error: str = ""


@dataclass
class MediaAhead:
    """Decodes ahead: holds at most `ahead` questions besides the one it has yielded."""

    num_frames: int | None  # of a video; None: as many as the chat takes
    image_size: int  # of the tower's square, to which frames are shrunk at once
    chat: PromptConfig | None = None  # if given, frames are chosen as in the chat
    words: Words | None = None  # the experts that look at each medium, once
    looks: int | None = None  # at a picture, over which its words are spread
    squares: bool = True  # frames are shrunk to squares; else their short side is `image_size`
    as_trained: bool = False  # squares are made as in training, from larger frames
    workers: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))
    ahead: int = 8
    limits: Limits = LIMITS

    def __call__(self, questions: Sequence[Question]) -> Iterator[Ready]:
        """Yields the questions in order with their media. The caller may stop early."""
        if not questions:
            return
        cancel = Event()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="read media")
        coming: deque[tuple[Question, list[Future]]] = deque()
        shared: dict[MediaPart, Future] = {}
        with MediaReader(self.limits) as reader, tempfile.TemporaryDirectory() as folder:

            def begin(question: Question) -> None:
                futures = []
                for part in question.media:
                    if part not in shared:
                        shared[part] = pool.submit(self._timed, reader, part, Path(folder), cancel)
                    futures.append(shared[part])
                coming.append((question, futures))

            try:
                waiting = iter(questions)
                for question in islice(waiting, self.ahead):
                    begin(question)
                while coming:
                    question, futures = coming.popleft()
                    yield _ready(question, futures)
                    for following in islice(waiting, 1):
                        begin(following)
                    wanted = {id(future) for _, list_ in coming for future in list_}
                    for part in [p for p, future in shared.items() if id(future) not in wanted]:
                        del shared[part]
            finally:
                cancel.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def again(self, part: MediaPart, reduced: Reduced) -> DecodedMedia:
        """Reads a file again in the reduced form. Raises MediaError, ValueError or OSError."""
        fewer = replace(
            self,
            num_frames=reduced.get("frames", self.num_frames),
            looks=reduced.get("looks", self.looks),
        )
        with MediaReader(self.limits) as reader, tempfile.TemporaryDirectory() as folder:
            seen, _ = fewer._timed(reader, part, Path(folder), Event())
        shown = seen.part
        if isinstance(shown, Image):
            shown = SettledImage(shown.pixels, shown.looks, reduced["max_tiles"], shown.words)
        facts = {**seen.facts, "reduced": dict(reduced)}
        return replace(seen, part=shown, facts=facts, reduced=reduced)

    def _timed(
        self, reader: MediaReader, part: MediaPart, folder: Path, cancel: Event
    ) -> tuple[DecodedMedia, float]:
        started = time.perf_counter()
        seen = self._described(self.read(reader, part, folder, cancel))
        release_workers()  # the model computes in another thread
        return seen, time.perf_counter() - started

    def _described(self, seen: DecodedMedia) -> DecodedMedia:
        """Lets the experts look, then shrinks a video to what the tower sees of it."""
        part, facts = seen.part, seen.facts
        if self.words is not None:
            part = self.words(part).part
            facts = {**facts, "words": list(part.words)}
        if isinstance(part, Video) and self.squares:
            part = replace(part, frames=resize_frames(part.frames, self.image_size))
        return replace(seen, part=part, facts=facts)

    def read(
        self, reader: MediaReader, part: MediaPart, folder: Path, cancel: Event
    ) -> DecodedMedia:
        """Decodes one medium, in the size that experts need. Raises MediaError if that fails."""
        if part.kind == "frames":
            return self._frames(reader, part, cancel)
        source = part.source()
        if isinstance(source, Path):
            return self._file(reader, part, source, cancel)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=part.kind) as file:
            file.write(source)
            file.flush()
            path = Path(file.name)
            try:
                return self._file(reader, part, path, cancel)
            except MediaError as error:  # under the name that the user knows
                raise MediaError(str(error).replace(f'"{path.name}"', part.name)) from None

    def _file(
        self, reader: MediaReader, part: MediaPart, path: Path, cancel: Event
    ) -> DecodedMedia:
        info = None if part.kind == "image" else reader.probe(path, cancel)
        if info is None or (part.kind == "file" and info.kind == "image"):
            image = reader.read_image(path, cancel=cancel)
            height, width = image.pixels.shape[:2]
            facts = _facts(part, width, height, image.warnings)
            shown = Image(image.pixels, self.looks)
            return DecodedMedia(shown, {**facts, "kind": "image"}, info)
        start, end = part.start or 0.0, part.end
        if start >= info.duration:
            raise MediaError(
                f'"{part.name}" lasts {info.duration:.1f} seconds, but its question starts at'
                f" {start:.1f}."
            )
        needed = self.image_size if self.words is None else max(self.image_size, SHORT_SIDE)
        size = longest_side(info.width, info.height, needed)
        square = self.image_size if self.squares and self.as_trained else None
        num_frames = self._num_frames(info)
        if part.until is not None:
            return self._past(reader, part, path, info, num_frames, size, cancel)
        if start == 0 and end is None:  # then frames that share a time are replaced by others
            video = reader.read_video(path, num_frames, size=size, cancel=cancel, square=square)
            return replace(_decoded(part, info, video), info=info)
        times = segment_times(info.duration, num_frames, start, end)
        video = reader.read_video(path, times=times, size=size, cancel=cancel, square=square)
        return _decoded(part, info, video)

    def _past(
        self,
        reader: MediaReader,
        part: MediaPart,
        path: Path,
        info: MediaInfo,
        num_frames: int,
        size: int,
        cancel: Event,
    ) -> DecodedMedia:
        """Decodes a video up to a moment, whose frame is the last. Raises MediaError if a later
        frame was decoded, or if that is not known.
        """
        assert part.until is not None
        seen = min(part.until, info.duration)
        times = [seen * (k + 1) / num_frames for k in range(num_frames)]
        video = reader.read_video(path, times=times, size=size, cancel=cancel, until=part.until)
        if video.latest is None or video.latest > part.until + CLOSE:
            raise MediaError(
                f'"{part.name}" cannot be read only up to {part.until:.1f} seconds; convert it to'
                " MP4."
            )
        decoded = _decoded(part, info, video)
        online = {"until": part.until, "latest_decoded": round(video.latest, 6)}
        return DecodedMedia(decoded.part, {**decoded.facts, **online})

    def _num_frames(self, info: MediaInfo) -> int:
        if self.chat is not None:
            return requested(info, self.chat, Settings(self.num_frames))[0].frames
        assert self.num_frames is not None, "needs the chat's config to choose a number"
        return self.num_frames

    def _frames(self, reader: MediaReader, part: MediaPart, cancel: Event) -> DecodedMedia:
        """Decodes still pictures at a frame rate, as a video."""
        assert part.fps is not None
        assert self.num_frames is not None, "the chat shows no folders of frames"
        bound = None
        if part.start is not None or part.end is not None:
            end = part.end if part.end is not None else len(part.paths) / part.fps
            bound = (part.start or 0.0, end)
        indices = segment_indices(len(part.paths), self.num_frames, part.fps, bound)
        indices = sorted(set(indices))
        frames: list[np.ndarray] = []
        for index in indices:
            pixels = reader.read_image(part.paths[index], cancel=cancel).pixels
            whole = (self.words is not None or not self.squares) and (
                not frames or pixels.shape == frames[0].shape
            )
            frames.append(pixels if whole else self._square(pixels))
        if len({frame.shape for frame in frames}) > 1:  # a video has frames of one size
            frames = [self._square(frame) for frame in frames]
        times = np.asarray([index / part.fps for index in indices])
        height, width = pixels.shape[:2]
        facts = _facts(part, width, height)
        facts["frame_indices"] = indices
        facts["times"] = [round(time, 6) for time in times.tolist()]
        return DecodedMedia(Video(np.stack(frames), times), facts)

    def _square(self, pixels: np.ndarray) -> np.ndarray:
        return resize_frames(pixels[None], self.image_size)[0]


def _ready(question: Question, futures: Sequence[Future]) -> Ready:
    """Waits for the media of one question. A file that fails becomes an error of the sample."""
    seen, seconds = [], 0.0
    for future in futures:
        try:
            medium, took = future.result()
        except (MediaError, ValueError, OSError) as error:
            return Ready(question, error=str(error))
        seen.append(medium)
        seconds += took
    return Ready(question, tuple(seen), seconds)


def _decoded(part: MediaPart, info: MediaInfo, video: DecodedVideo) -> DecodedMedia:
    facts = _facts(part, info.width, info.height, (*video.damaged, *video.warnings))
    facts["kind"] = "video"
    facts["frame_indices"] = [round(time * info.fps) for time in video.times.tolist()]
    facts["times"] = [round(time, 6) for time in video.times.tolist()]
    return DecodedMedia(Video(video.frames, video.times), facts)


def _facts(
    part: MediaPart, width: int, height: int, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "name": part.name,
        "kind": part.kind,
        "size": [width, height],
        "frame_indices": [],
        "times": [],
        "warnings": list(warnings),
    }
