"""PVC's signature experiment: does looking again help? `python -m evaluation looks`.

The same questions about pictures full of text and small detail with one look, two, three and four
at each picture; the same questions about videos with ever more frames. Models named by --beside,
say one trained without progressive encoding, are asked the same. Every answer is written at once
into OUT/looks.jsonl, so that a run that was stopped goes on; then come OUT/looks.md, looks.json,
looks.png and looks.svg.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from data.records import Record, read_records
from data.samples.first_question import first_question
from data.scoring import judge
from data.wilson import format_share
from evaluation.asking.answerer import Answerer, GenerateSettings, Prompt
from evaluation.looks.plot import Point, plot
from evaluation.runs.provenance import model_hash
from vlm.weights.io.files import cache_dir, sha256
from vlm.weights.sources import resolve

TASKS = ("number", "word", "heading", "total", "shop", "field", "detail", "odd", "small")
LEFT_OUT = ("cannot see",)  # whose answer no frame can show
KINDS = {"looks": "image", "frames": "video"}  # what is counted, and what of
MAX_NEW_TOKENS = 28


def looks(arguments: argparse.Namespace) -> int:
    """Runs the experiment, prints its table and says where the plot lies; returns the exit code."""
    points = run(arguments)
    out: Path = arguments.out
    lines = table(points)
    sys.stdout.write("\n".join(lines) + "\n")
    (out / "looks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    numbers = json.dumps([asdict(point) for point in points], indent=1)
    (out / "looks.json").write_text(numbers + "\n", encoding="utf-8")

    plot(points, [out / "looks.png", out / "looks.svg"])
    sys.stderr.write(f"The plot is {out / 'looks.png'}, and looks.svg beside it.\n")
    return 0


def run(arguments: argparse.Namespace) -> list[Point]:
    """Asks what was not asked yet, and counts. ValueError, one sentence, for what cannot be."""
    for name in ("looks", "frames"):
        if any(number < 1 for number in getattr(arguments, name)):
            raise ValueError(f"--{name} takes numbers from 1 on.")
    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError("--limit takes a number from 1 on.")
    folder = arguments.data or cache_dir() / "training" / "held"
    path = folder / "records.jsonl"
    if not path.is_file():
        raise ValueError(f"there is no {path}; python -m data.embedded makes it.")
    records = list(read_records(path))
    asked = {kind: chosen(records, medium, arguments.limit) for kind, medium in KINDS.items()}
    if not any(asked.values()):
        raise ValueError(f"{path} holds no question this experiment could ask.")
    models = named([arguments.model, *arguments.beside])
    arguments.out.mkdir(parents=True, exist_ok=True)
    points = []
    for label, name in models.items():
        answerer = _load(name, arguments, sha256(path))
        for kind, questions in asked.items():
            for number in getattr(arguments, kind):
                verdicts = answered(answerer, label, kind, number, questions, arguments.out)
                points.append(Point(label, kind, number, sum(verdicts), len(verdicts)))
    return points


def named(models: Sequence[str]) -> dict[str, str]:
    """Label -> model, from NAME=DIR, or from a folder whose own name is the label."""
    found: dict[str, str] = {}
    for model in models:
        label, _, name = model.rpartition("=")
        label = label or Path(name).name
        if label in found:
            raise ValueError(f"two models are called {label!r}; tell them apart with NAME=DIR.")
        resolve(name)  # what is none is told before the first is asked for an hour
        found[label] = name
    return found


def chosen(records: Sequence[Record], medium: str, limit: int | None) -> list[Record]:
    """Questions about one picture of text or small detail, or about one video."""
    counts: dict[str, int] = {}
    found = []
    for record in records:
        if len(record.media) != 1 or record.media[0].kind != medium or not record.accept:
            continue
        wanted = record.task in TASKS if medium == "image" else record.task not in LEFT_OUT
        counts[record.task] = counts.get(record.task, 0) + wanted
        if wanted and (limit is None or counts[record.task] <= limit):
            found.append(record)
    return found


def answered(
    answerer: Answerer, label: str, kind: str, number: int, records: Sequence[Record], out: Path
) -> list[bool]:
    """Is each answer right, at this number of looks or frames? What is known is not asked again."""
    log = out / "looks.jsonl"
    asked = {**answerer.card["asked"], "kind": kind, "number": number}
    known = {line["id"]: line["raw"] for line in logged(log) if {**line, **asked} == line}
    left = [record for record in records if record.id not in known]
    asking = answerer.with_settings(settings(kind, number))
    bar = tqdm(
        total=len(records),
        initial=len(records) - len(left),
        desc=f"{label}, {number} {kind if number > 1 else kind.removesuffix('s')}",
        unit="question",
    )
    with bar, log.open("a", encoding="utf-8") as file:
        for start in range(0, len(left), answerer.batch_size):
            batch = left[start : start + answerer.batch_size]
            given = asking.answer([Prompt(r.id, first_question(r, number)) for r in batch])
            for record, answer in zip(batch, given, strict=True):
                if answer.error:
                    raise ValueError(f"question {record.id}: {answer.error}")
                known[record.id] = answer.text
                line = {**asked, "id": record.id, "task": record.task, "raw": answer.text}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            bar.update(len(batch))
    return [judge(record, known[record.id]) == "right" for record in records]


def settings(kind: str, number: int) -> GenerateSettings:
    """How a picture, or a video, is to be seen."""
    if kind == "looks":
        return GenerateSettings(looks=number, max_new_tokens=MAX_NEW_TOKENS)
    return GenerateSettings(num_frames=number, max_new_tokens=MAX_NEW_TOKENS)


def logged(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of the log. One cut short by a kill is dropped, and asked again."""
    if not path.is_file():
        return
    whole, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(whole) + 1 if whole else 0)
    for line in whole.splitlines():
        yield json.loads(line)


def table(points: Sequence[Point]) -> list[str]:
    """Markdown: one table for looks, one for frames, a column for each model."""
    labels = list(dict.fromkeys(point.label for point in points))
    titles = {"looks": "right on text and small detail", "frames": "right on videos"}
    lines: list[str] = []
    for kind, title in titles.items():
        row = {
            (p.number, p.label): format_share(p.right, p.total) for p in points if p.kind == kind
        }
        if not row:
            continue
        heads = [title if len(labels) == 1 else f"{title}, {label}" for label in labels]
        lines += ["", f"| {kind} | {' | '.join(heads)} |", "|---" * (len(labels) + 1) + "|"]
        for number in dict.fromkeys(number for number, _ in row):
            lines.append(f"| {number} | {' | '.join(row[number, label] for label in labels)} |")
    return lines[1:]


def _load(name: str, arguments: argparse.Namespace, data: str) -> Answerer:
    """A model whose card says what its answers are known by."""
    dtype = getattr(torch, arguments.dtype) if arguments.dtype else None
    answerer = Answerer.load(name, arguments.batch_size, dtype=dtype)
    asked = {"model": model_hash(answerer.model)[:16], "data": data[:16]}
    answerer.card = {**answerer.card, "asked": asked}
    return answerer
