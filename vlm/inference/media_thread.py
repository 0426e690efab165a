"""Decodes files in a thread, so that progress can be reported and a stop takes effect at once."""

import math
from collections.abc import Callable, Generator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

from vlm.conversation import Image, Video
from vlm.inference.budget import FilePlan
from vlm.inference.generation import Stopped
from vlm.media.decode import MediaReader

T = TypeVar("T")
Progress = Callable[[int, int], None]


def read(
    reader: MediaReader, path: Path, plan: FilePlan, short_side: int, stop: Event
) -> Generator[tuple[int, int], None, tuple[Image | Video, tuple[str, ...]]]:
    """Yields (frames done, frames in all); returns the pixels and the warnings about the file.

    Frames of a video are decoded with a short side of at least `short_side` pixels, if they have
    as many.
    """
    if plan.kind == "image":
        yield 0, 1
        image = yield from in_thread(lambda _, cancel: reader.read_image(path, cancel=cancel), stop)
        yield 1, 1
        return Image(image.pixels, plan.looks, plan.max_tiles), image.warnings
    size = longest_side(*plan.size, short_side)
    video = yield from in_thread(
        lambda progress, cancel: reader.read_video(
            path, plan.frames, size=size, progress=progress, cancel=cancel
        ),
        stop,
    )
    duration = plan.duration or None
    return Video(video.frames, video.times, duration=duration), (*video.damaged, *video.warnings)


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
