"""Decodes files in a thread, so that progress can be reported and a stop takes effect at once."""

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vlm.conversation import Image, Video
from vlm.inference.budget import FilePlan
from vlm.inference.decoding.generation import Stopped
from vlm.inference.visual.media_source import MediaSource
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaInfo, MediaReader
from vlm.media.sampling import segment_times
from vlm.media.source import display_name

T = TypeVar("T")
Progress = Callable[[int, int], None]


def probe(
    reader: MediaReader, source: MediaSource, stop: Event
) -> Generator[tuple[int, int], None, MediaInfo]:
    """Describes a file, or the video that a list of pictures is, by the first of them."""
    if source.stream is not None:
        return source.stream.info(str(source.path))
    path = source.frames[0] if source.frames else source.path
    info = yield from in_thread(lambda _, cancel: reader.probe(path, cancel), stop)
    if not source.frames:
        return info
    if info.kind != "image":
        raise MediaError(
            f"{display_name(path)} is not a picture; a list of frames has pictures only."
        )
    num_frames, last = len(source.frames), source.times[-1]
    step = (last - source.times[0]) / max(num_frames - 1, 1)
    return replace(
        info,
        path=str(source.path),
        kind="video",
        duration=last + step,
        num_frames=num_frames,
        fps=1 / step if step else 0.0,
    )


def read(
    reader: MediaReader, source: MediaSource, plan: FilePlan, short_side: int, stop: Event
) -> Generator[tuple[int, int], None, tuple[Image | Video, tuple[str, ...]]]:
    """Yields (frames done, frames in all); returns the pixels and the warnings about the file.

    Frames of a video are decoded with a short side of at least `short_side` pixels, if they have
    as many.
    """
    path = source.path
    if source.frames:
        return (yield from _read_frames(reader, source, plan, short_side, stop))
    if plan.kind == "image":
        yield 0, 1
        image = yield from in_thread(lambda _, cancel: reader.read_image(path, cancel=cancel), stop)
        yield 1, 1
        return Image(image.pixels, plan.looks_before, plan.max_tiles), image.warnings
    size = longest_side(*plan.size, short_side)
    times = None if plan.section is None else segment_times(math.inf, plan.frames, *plan.section)
    num_frames = plan.frames if times is None else None
    video = yield from in_thread(
        lambda progress, cancel: reader.read_video(
            path, num_frames, times, size=size, progress=progress, cancel=cancel
        ),
        stop,
    )
    duration = plan.duration or None
    return Video(video.frames, video.times, duration=duration), (*video.damaged, *video.warnings)


def _read_frames(
    reader: MediaReader, source: MediaSource, plan: FilePlan, short_side: int, stop: Event
) -> Generator[tuple[int, int], None, tuple[Video, tuple[str, ...]]]:
    """Reads pictures as the frames of a video, evenly chosen if the plan takes fewer."""
    size = longest_side(*plan.size, short_side)
    first, last = plan.section or (-math.inf, math.inf)
    inside = [i for i, time in enumerate(source.times) if first <= time <= last]
    if not inside:
        raise MediaError(f"{display_name(source.path)} has no frame between {first} and {last} s.")
    count = min(plan.frames, len(inside))
    chosen = [inside[(2 * k + 1) * len(inside) // (2 * count)] for k in range(count)]
    pictures: list[NDArray[np.uint8]] = []
    for done, i in enumerate(chosen):
        yield done, count
        path = source.frames[i]
        picture = yield from in_thread(partial(_picture, reader, path, size), stop)
        if pictures and picture.shape != pictures[0].shape:
            raise MediaError(
                f"{display_name(path)} has another size than the first frame; send frames of one"
                " size."
            )
        pictures.append(picture)
    yield count, count
    return Video(np.stack(pictures), np.array([source.times[i] for i in chosen])), ()


def _picture(
    reader: MediaReader, path: Path, size: int, progress: Progress, cancel: Event
) -> NDArray[np.uint8]:
    return reader.read_image(path, size, cancel).pixels


def longest_side(width: int, height: int, image_size: int) -> int:
    """Returns the long side of decoded frames, so that the short side still fills the square."""
    if width < 1 or height < 1:
        return 4 * image_size
    return min(math.ceil(image_size * max(width, height) / min(width, height)), 4 * image_size)


def in_thread(
    work: Callable[[Progress, Event], T], stop: Event, poll: float = 0.05
) -> Generator[tuple[int, int], None, T]:
    """Runs work(progress, cancel) in a thread; yields its progress and returns its result.

    Sets `cancel` and stops waiting when `stop` is set or the consumer goes away.
    """
    updates: SimpleQueue[tuple[int, int] | None] = SimpleQueue()
    result: list[T] = []
    failure: list[Exception] = []
    cancel = Event()

    def run() -> None:
        try:
            result.append(work(lambda done, total: updates.put((done, total)), cancel))
        except Exception as error:  # noqa: BLE001 - raised again by the caller
            failure.append(error)
        updates.put(None)

    Thread(target=run, name="read media", daemon=True).start()
    try:
        while True:
            if stop.is_set():
                raise Stopped
            try:
                update = updates.get(timeout=poll)
            except Empty:
                continue
            if update is None:
                break
            yield update
    finally:
        cancel.set()
    if failure:
        raise failure[0]
    return result[0]
