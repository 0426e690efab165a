"""What could not be used in a run: named, counted, written down, and too much of it ends the run.

`quarantine.jsonl` in the run's folder has one line for each: the step, the sample's place in the
run, its file and line, and the reason. Nothing is put in the place of a sample that is left out.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LEAST = 100  # samples before which a share says nothing: so many are taken as seen


class TooManyRejectedError(ValueError):
    """More of the data cannot be used than the recipe allows."""


class Quarantine:
    """The list of one process; `max_share` of all samples may be on it, 0 to 1."""

    def __init__(self, path: Path, max_share: float) -> None:
        self.path = path
        self.max_share = max_share
        self.num_bad = 0
        self.num_seen = 0
        self.last = ""

    def resume(self, step: int, num_seen: int) -> None:
        """Go on after a step up to which `num_seen` samples were seen: later lines are removed."""
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

    def add(self, step: int, num_seen: int, bad: Sequence[dict[str, Any]]) -> None:
        """Samples that were seen in a step, the bad ones among them."""
        self.num_seen += num_seen
        self.num_bad += len(bad)
        if not bad:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            for one in bad:
                file.write(json.dumps({"step": step, **one}, ensure_ascii=False) + "\n")
        self.last = f"{bad[-1]['where']}: {bad[-1]['reason']}"

    def check(self, num_bad: int | None = None, num_seen: int | None = None) -> None:
        """Raises TooManyRejectedError above the share; the numbers are those of all processes."""
        num_bad = self.num_bad if num_bad is None else num_bad
        num_seen = self.num_seen if num_seen is None else num_seen
        if num_bad > self.max_share * max(num_seen, LEAST):
            last = f" (the last: {self.last})" if self.last else ""
            raise TooManyRejectedError(
                f"{num_bad} of {num_seen} samples cannot be used{last}, more than max_bad_share "
                f"{self.max_share:g} allows; see {self.path} and `python -m data check`"
            )
