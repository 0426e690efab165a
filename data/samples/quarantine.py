"""Unusable samples of a run: listed in a file, counted, and too many of them end the run.

`quarantine.jsonl` in the run's folder has one line per sample: step, position in the run, file and
line, reason. A rejected sample is not replaced by another one.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self.path.with_name(self.path.name + ".part")
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(self.path)
        self.num_bad, self.num_seen = len(kept), num_seen

    def _lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def add(self, step: int, num_seen: int, rejected: Sequence[dict[str, Any]]) -> None:
        """Counts the samples read in a step and lists the rejected ones among them."""
        self.num_seen += num_seen
        self.num_bad += len(rejected)
        if not rejected:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            for sample in rejected:
                file.write(json.dumps({"step": step, **sample}, ensure_ascii=False) + "\n")
        self.last = f"{rejected[-1]['where']}: {rejected[-1]['reason']}"

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
