"""Unusable samples of a run: listed in a file, counted, and too many of them end the run.

`quarantine.jsonl` in the run's folder has one line per sample: step, position in the run, file and
line, reason. A rejected sample is not replaced by another one.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from data.complete_file import completed
from data.json_text import printable

MIN_SAMPLES = 100  # smallest denominator of the share, which is meaningless over fewer samples


class TooManyRejectedError(ValueError):
    """More samples are unusable than the recipe allows."""


class Quarantine:
    """The list of one process; `max_share` is the allowed share of all samples, 0 to 1."""

    def __init__(self, path: Path, max_share: float) -> None:
        self.path = path
        self.max_share = max_share
        self.num_bad = 0
        self.num_seen = 0
        self.last = ""

    def resume(self, step: int, num_seen: int) -> None:
        """Continues after a step at which `num_seen` samples were read; removes later lines."""
        kept = [line for line in self._lines() if line["step"] <= step]
        if kept or self.path.exists():
            with completed(self.path) as unfinished:
                unfinished.write_text("".join(map(_as_line, kept)), encoding="utf-8")
        self.num_bad = sum(line["step"] > 0 for line in kept)
        self.num_seen = num_seen

    def _lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        lines = []
        for text in self.path.read_text(encoding="utf-8").split("\n"):
            with suppress(ValueError):  # the last line of a killed process
                lines.append(json.loads(text))
        return lines

    def add(self, step: int, num_seen: int, rejected: Sequence[dict[str, Any]]) -> None:
        """Counts the samples read in a step and lists the rejected ones among them."""
        self.num_seen += num_seen
        self.num_bad += len(rejected)
        self._write(step, rejected)

    def add_planned(self, rejected: Sequence[dict[str, Any]]) -> None:
        """Lists samples of the whole run that were rejected before it, as step 0.

        They do not count with the samples of the steps: `check` judges their share by itself.
        """
        self._write(0, rejected)

    def _write(self, step: int, rejected: Sequence[dict[str, Any]]) -> None:
        if not rejected:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            for sample in rejected:
                file.write(_as_line({"step": step, **sample}))
        self.last = printable(f"{rejected[-1]['where']}: {rejected[-1]['reason']}")

    def check(self, num_bad: int | None = None, num_seen: int | None = None) -> None:
        """Raises TooManyRejectedError above the share; pass the sums over all processes."""
        num_bad = self.num_bad if num_bad is None else num_bad
        num_seen = self.num_seen if num_seen is None else num_seen
        if num_bad > self.max_share * max(num_seen, MIN_SAMPLES):
            last = f" (the last: {self.last})" if self.last else ""
            raise TooManyRejectedError(
                f"{num_bad} of {num_seen} samples cannot be used{last}, more than max_bad_share "
                f"{self.max_share:g} allows; see {self.path} and `python -m data check`"
            )


def _as_line(sample: dict[str, Any]) -> str:
    return printable(json.dumps(sample, ensure_ascii=False)) + "\n"
