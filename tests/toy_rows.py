"""Toy questions as log rows, for tests of the benchmarks."""

import json
from pathlib import Path
from typing import Any

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Options, Question
from vlm.conversation import Text, Video


def asked(toys: Path, name: str, **options: Any) -> list[Question]:
    return BENCHMARKS[name].questions(toys / name, Options(**options))


def row(question: Question, raw: str = "") -> dict[str, Any]:
    return {
        "id": question.id,
        "group": question.group,
        "raw": raw,
        "options": list(question.options),
        "targets": list(question.targets),
        "category": question.category,
        "extra": json.loads(json.dumps(question.extra)),
    }


def scored(name: str, question: Question, raw: str) -> dict[str, float | None]:
    benchmark, line = BENCHMARKS[name], row(question, raw)
    return {
        mode: benchmark.score(line, benchmark.read(line, raw, mode), mode)
        for mode in benchmark.modes
    }


def words(name: str, question: Question, seen: tuple[Video, ...] = (), **options: Any) -> str:
    turn = BENCHMARKS[name].compose(question, seen, Options(**options))
    return "".join(part.text for part in turn.parts if isinstance(part, Text))
