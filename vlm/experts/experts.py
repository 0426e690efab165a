"""All experts over the frames of a picture or a film; each can be switched off.

The reader works in a thread beside the others: its library and torch both let other threads run.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Generic, TypeVar

from torch import Tensor

from vlm.experts.agreement import reconcile, with_drawn
from vlm.experts.colors import color_of, color_of_thing, middle_color
from vlm.experts.findings import Findings, Kind, Line, Thing
from vlm.experts.quality import quality, small_frames
from vlm.experts.reading.film_text import first_of_its_kind

FRAMES_PER_BATCH = 4  # larger ones leave the processor's cache
SAME = 1 / 255  # difference of the cells of a coarse grid; below, things are those of before

Found = TypeVar("Found")


class Experts:
    """Frames uint8 [T, H, W, 3] -> what was found in each of them."""

    def __init__(
        self,
        detector: Callable[[Tensor], Sequence[Sequence[Thing]]] | None,
        reader: Callable[[Tensor], Sequence[Sequence[Line]]] | None,
        classifier: Callable[[Tensor], Sequence[tuple[Kind, ...]]] | None = None,
        drawings: Callable[[Tensor], Sequence[Sequence[Thing]]] | None = None,
    ) -> None:
        self.detector = detector
        self.reader = reader
        self.classifier = classifier
        self.drawings = drawings  # takes small frames, of `vlm.experts.quality`

    def __call__(self, frames: Tensor) -> list[Findings]:
        """Looks at all frames; an expert that is None leaves its findings None."""
        reading = (
            None if self.reader is None else _Beside("read text", partial(self.reader, frames))
        )
        kinds = None if self.classifier is None else self.classifier(frames)
        things = self._things(frames)
        small = small_frames(frames)
        flags = quality(small)
        drawn = None if self.drawings is None else self.drawings(small)
        read = None if reading is None else reading.result()
        findings = []
        for t in range(len(frames)):
            of, seen = (kinds[t] if kinds is not None else None), things[t]
            lines = None if read is None else tuple(read[t])
            if seen is not None:
                seen = reconcile(seen, of, lines)
            if drawn is not None:
                seen = with_drawn(seen or (), drawn[t], lines)
            blurred, dark = flags[t]
            findings.append(
                Findings(
                    kinds=of,
                    things=seen,
                    lines=lines,
                    color=color_of(frames[t].numpy()),
                    middle_color=middle_color(frames[t].numpy()),
                    blurred=blurred,
                    dark=dark,
                )
            )
        return findings

    def _things(self, frames: Tensor) -> Sequence[tuple[Thing, ...] | None]:
        if self.detector is None:
            return [None] * len(frames)
        first = first_of_its_kind(frames, SAME)
        distinct = sorted(set(first))
        found = [
            things
            for batch in frames[distinct].split(FRAMES_PER_BATCH)
            for things in self.detector(batch)
        ]
        of = dict(zip(distinct, found, strict=True))
        return [
            tuple(replace(t, color=color_of_thing(frame.numpy(), t)) for t in of[i])
            for frame, i in zip(frames, first, strict=True)
        ]


class _Beside(Generic[Found]):
    """Work in a thread of its own, which does not keep the program from ending."""

    def __init__(self, name: str, work: Callable[[], Found]) -> None:
        self._found: list[Found] = []
        self._failure: list[Exception] = []
        self._thread = Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    def result(self) -> Found:
        """Waits for what the work returns; raises what it raised."""
        self._thread.join()
        if self._failure:
            raise self._failure[0]
        return self._found[0]

    def _run(self, work: Callable[[], Found]) -> None:
        try:
            self._found.append(work())
        except Exception as error:  # noqa: BLE001 - raised again by `result`
            self._failure.append(error)
