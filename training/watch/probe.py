"""Other questions, asked before and after a run: what tuning on a narrow set costs the rest.

    other questions: 10/12 before, 4/12 after

The recipe's `probe` names files of records with accepted answers (`accept`, docs/data.md), or
"facts", short questions without media (data/embedded/facts.py). They are also asked with every
checkpoint; a warning appears once when the answers get clearly worse. probe.json in the run's
folder holds the counts.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.embedded.facts import fact_records
from data.records import Record
from data.scoring import judge
from data.sources.record_file import RecordFile
from training.loop.distributed import print_rank0
from training.watch.samples import ask_first_questions, readable_records
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

FACTS = "facts"
FALLEN, MIN_FALLEN = 0.2, 2  # share and number of right answers lost, from which a run is warned
ADVICE = (
    "the run is unlearning what it does not train on: mix in general data (`mix_in`), lower "
    "`language_learning_rate`, or train for fewer steps"
)


def probe_records(names: Sequence[str], root: Path) -> list[Record]:
    """Returns the questions of a recipe's `probe`.

    Raises ValueError if none has accepted answers.
    """
    found: list[Record] = []
    for name in names:
        if name == FACTS:
            found += fact_records()
            continue
        usable = [record for record in readable_records(RecordFile(root / name)) if record.accept]
        if not usable:
            raise ValueError(
                f"`probe` names {root / name}, which has no record with accepted answers: add "
                '"accept", one list of phrases per answer'
            )
        found += usable
    return found


class Probe:
    """The questions, and the number of right answers before and during a run."""

    def __init__(
        self, records: Sequence[Record], processor: PVCProcessor, folder: Path, batch_size: int
    ) -> None:
        self.records, self.processor, self.batch_size = list(records), processor, batch_size
        self.path = folder / "probe.json"
        self.reported: set[str] = set()
        self.has_warned = False

    def ask_before(self, model: PVCForConditionalGeneration) -> None:
        """Counts the right answers before the first step."""
        right = self._count(model)
        self._write({"before": right, "total": len(self.records), "steps": {}})
        print_rank0(f"other questions: {right}/{len(self.records)} right before the first step")

    def ask(self, model: PVCForConditionalGeneration, step: int) -> int:
        """Returns the number of right answers at a step; warns once if it has clearly fallen."""
        right = self._count(model)
        counts = self.counts()
        counts["steps"] = {**counts["steps"], str(step): right}
        self._write(counts)
        if has_fallen(counts["before"], right) and not self.has_warned:
            self.has_warned = True
            line = f"{_counts(counts['before'], len(self.records))} before, {right} at step {step}"
            print_rank0(f"WARNING: other questions: {line}: {ADVICE}.")
        return right

    def summary(self, step: int) -> str:
        """Returns the counts before and at the step whose weights are kept, in a line."""
        counts = self.counts()
        total = len(self.records)
        before = counts["before"]
        after = counts["steps"].get(str(step))  # None if the probe was added later
        line = f"other questions: {_counts(before, total)} before, {_counts(after, total)} after"
        return f"{line}: {ADVICE}." if after is not None and has_fallen(before, after) else line

    def counts(self) -> dict[str, Any]:
        """Returns the counts so far; "before" is None in a run that was resumed without them."""
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"before": None, "total": len(self.records), "steps": {}}

    def _count(self, model: PVCForConditionalGeneration) -> int:
        answers = ask_first_questions(
            model, self.processor, self.records, self.reported, self.batch_size, label="probe"
        )
        pairs = zip(self.records, answers, strict=True)
        return sum(a is not None and judge(record, a) == "right" for record, a in pairs)

    def _write(self, counts: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(counts) + "\n", encoding="utf-8")


def has_fallen(before: int | None, after: int) -> bool:
    """Returns whether clearly fewer answers are right than before."""
    return before is not None and before - after >= max(MIN_FALLEN, FALLEN * before)


def _counts(right: int | None, total: int) -> str:
    return "not known" if right is None else f"{right}/{total}"
