"""Toy questions as log rows, for tests of the benchmarks."""

import json
from pathlib import Path
from typing import Any

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Options, Question
from vlm.conversation import Text, Video


def toy_questions(toys: Path, name: str, **options: Any) -> list[Question]:
    return BENCHMARKS[name].questions(toys / name, Options(**options))


def toy_row(question: Question, raw: str = "") -> dict[str, Any]:
    return {
        "id": question.id,
        "group": question.group,
        "raw": raw,
        "options": list(question.options),
        "targets": list(question.targets),
        "category": question.category,
        "extra": json.loads(json.dumps(question.extra)),
    }


def toy_scores(name: str, question: Question, raw: str) -> dict[str, float | None]:
    benchmark, line = BENCHMARKS[name], toy_row(question, raw)
    return {
        mode: benchmark.score(line, benchmark.read(line, raw, mode), mode)
        for mode in benchmark.modes
    }


def toy_prompt(name: str, question: Question, seen: tuple[Video, ...] = (), **options: Any) -> str:
    turn = BENCHMARKS[name].compose(question, seen, Options(**options))
    return "".join(part.text for part in turn.parts if isinstance(part, Text))
