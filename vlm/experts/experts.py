"""All experts over the frames of a picture or a film; each can be switched off."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from vlm.experts.agreement import reconcile
from vlm.experts.colors import color_of, color_of_thing, middle_color
from vlm.experts.detection.detector import Detector
from vlm.experts.findings import Findings, Kind, Line, Thing
from vlm.experts.quality import quality
from vlm.experts.reading.reader import FILM, Reader, ReaderLimits

FRAMES_PER_BATCH = 8
SAME = 0.03  # difference of the cells of a coarse grid, 0 to 1; below, a frame is not read again


class Experts:
    """Frames uint8 [T, H, W, 3] -> what was found in each of them."""

    def __init__(
        self,
        detector: Detector | None,
        reader: Reader | None,
        classifier: Callable[[Tensor], Sequence[tuple[Kind, ...]]] | None = None,
    ) -> None:
        self.detector = detector
        self.reader = reader
        self.classifier = classifier

    def __call__(self, frames: Tensor) -> list[Findings]:
        """Looks at all frames; an expert that is None leaves its findings None."""
        kinds = None if self.classifier is None else self.classifier(frames)
        things = self._things(frames)
        lines = self._lines(frames)
        flags = quality(frames)
        findings = []
        for t in range(len(frames)):
            of, seen = (kinds[t] if kinds is not None else None), things[t]
            blurred, dark = flags[t]
            findings.append(
                Findings(
                    kinds=of,
                    things=None if seen is None else reconcile(seen, of, lines[t]),
                    lines=lines[t],
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
        found = [
            things for batch in frames.split(FRAMES_PER_BATCH) for things in self.detector(batch)
        ]
        return [
            tuple(replace(t, color=color_of_thing(frame.numpy(), t)) for t in things)
            for frame, things in zip(frames, found, strict=True)
        ]

    def _lines(self, frames: Tensor) -> Sequence[tuple[Line, ...] | None]:
        if self.reader is None:
            return [None] * len(frames)
        limits = FILM if len(frames) > 1 else ReaderLimits()
        first = _first_of_its_kind(frames)
        todo = sorted(set(first))
        read = {t: tuple(self.reader(frames[t : t + 1], limits)[0]) for t in todo}
        return [read[t] for t in first]


def _first_of_its_kind(frames: Tensor) -> list[int]:
    """For each frame the number of the earlier frame that it hardly differs from, else its own."""
    small = F.adaptive_avg_pool2d(frames.permute(0, 3, 1, 2).float() / 255, 24)
    first = [0]
    for t in range(1, len(frames)):
        same = torch.abs(small[t] - small[first[-1]]).max() < SAME
        first.append(first[-1] if same else t)
    return first
