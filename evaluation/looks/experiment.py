"""PVC's signature experiment: do more looks improve answers? `python -m evaluation looks`.

Asks the same questions about images of text and small detail with one to four looks per image, and
the same questions about videos with increasing numbers of frames. Models given by --beside, such as
one trained without progressive encoding, get the same questions. Answers are appended to
OUT/looks.jsonl at once, from which a stopped run resumes; results are OUT/looks.md, looks.json,
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
from evaluation.runs.lock import only_writer
from evaluation.runs.provenance import model_hash
from vlm.weights.io.files import cache_dir, sha256
from vlm.weights.sources import resolve

TASKS = ("number", "word", "heading", "total", "shop", "field", "detail", "odd", "small")
EXCLUDED = ("cannot see",)  # no frame shows its answer
KINDS = {"looks": "image", "frames": "video"}  # variable -> medium
MAX_NEW_TOKENS = 28


def run_looks(arguments: argparse.Namespace) -> int:
    """Runs the experiment, prints its table and writes its files; returns the exit code."""
    out: Path = arguments.out
    with only_writer(out):
        return _write(measure(arguments), out)


def _write(points: Sequence[Point], out: Path) -> int:
    lines = table(points)
    sys.stdout.write("\n".join(lines) + "\n")
    (out / "looks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    numbers = json.dumps([asdict(point) for point in points], indent=1)
    (out / "looks.json").write_text(numbers + "\n", encoding="utf-8")

    plot(points, [out / "looks.png", out / "looks.svg"])
    sys.stderr.write(f"Plots: {out / 'looks.png'} and looks.svg.\n")
    return 0


def measure(arguments: argparse.Namespace) -> list[Point]:
    """Asks the remaining questions and counts. Raises ValueError for invalid arguments."""
    for name in ("looks", "frames"):
        if any(number < 1 for number in getattr(arguments, name)):
            raise ValueError(f"--{name} takes numbers of 1 or more.")
    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError(f"--limit is {arguments.limit}; it must be 1 or more.")
    folder = arguments.data or cache_dir() / "training" / "held"
    path = folder / "records.jsonl"
    if not path.is_file():
        raise ValueError(f"there is no {path}; generate it with python -m data.embedded.")
    records = list(read_records(path))
    selected = {
        kind: select_records(records, medium, arguments.limit) for kind, medium in KINDS.items()
    }
    if not any(selected.values()):
        raise ValueError(f"{path} holds no questions for this experiment.")
    models = label_models([arguments.model, *arguments.beside])
    arguments.out.mkdir(parents=True, exist_ok=True)
    points = []
    for label, name in models.items():
        answerer = _load(name, arguments, sha256(path))
        for kind, questions in selected.items():
            for number in getattr(arguments, kind):
                verdicts = ask(answerer, label, kind, number, questions, arguments.out)
                points.append(Point(label, kind, number, sum(verdicts), len(verdicts)))
    return points


def label_models(models: Sequence[str]) -> dict[str, str]:
    """Returns label -> model from NAME=DIR or a folder whose name becomes the label."""
    found: dict[str, str] = {}
    for model in models:
        label, _, name = model.rpartition("=")
        label = label or Path(name).name
        if label in found:
            raise ValueError(
                f"two models are named {label!r}; give them distinct names with NAME=DIR."
            )
        resolve(name)  # fails on unknown models before an hour is spent on the first one
        found[label] = name
    return found


def select_records(records: Sequence[Record], medium: str, limit: int | None) -> list[Record]:
    """Returns questions about one image of text or small detail, or about one video."""
    counts: dict[str, int] = {}
    found = []
    for record in records:
        if len(record.media) != 1 or record.media[0].kind != medium or not record.accept:
            continue
        included = record.task in TASKS if medium == "image" else record.task not in EXCLUDED
        counts[record.task] = counts.get(record.task, 0) + included
        if included and (limit is None or counts[record.task] <= limit):
            found.append(record)
    return found


def ask(
    answerer: Answerer, label: str, kind: str, number: int, records: Sequence[Record], out: Path
) -> list[bool]:
    """Returns whether each answer is right, after asking the questions missing in the log."""
    log = out / "looks.jsonl"
    key = {**answerer.card["asked"], "kind": kind, "number": number}
    known = {line["id"]: line["raw"] for line in read_answers(log) if {**line, **key} == line}
    remaining = [record for record in records if record.id not in known]
    configured = answerer.with_settings(generate_settings(kind, number))
    bar = tqdm(
        total=len(records),
        initial=len(records) - len(remaining),
        desc=f"{label}, {number} {kind if number > 1 else kind.removesuffix('s')}",
        unit="question",
    )
    with bar, log.open("a", encoding="utf-8") as file:
        for start in range(0, len(remaining), answerer.batch_size):
            batch = remaining[start : start + answerer.batch_size]
            answers = configured.answer([Prompt(r.id, first_question(r, number)) for r in batch])
            for record, answer in zip(batch, answers, strict=True):
                if answer.error:
                    raise ValueError(f"question {record.id}: {answer.error}")
                known[record.id] = answer.text
                line = {**key, "id": record.id, "task": record.task, "raw": answer.text}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            bar.update(len(batch))
    return [judge(record, known[record.id]) == "right" for record in records]


def generate_settings(kind: str, number: int) -> GenerateSettings:
    """Returns the settings for a number of looks per image or frames per video."""
    if kind == "looks":
        return GenerateSettings(looks=number, max_new_tokens=MAX_NEW_TOKENS)
    return GenerateSettings(num_frames=number, max_new_tokens=MAX_NEW_TOKENS)


def read_answers(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the lines of the log after truncating an incomplete last one."""
    if not path.is_file():
        return
    complete, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(complete) + 1 if complete else 0)
    for line in complete.splitlines():
        yield json.loads(line)


def table(points: Sequence[Point]) -> list[str]:
    """Returns Markdown: one table for looks, one for frames, with a column per model."""
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
    """Loads a model; its card gets the hashes under which its answers are logged."""
    dtype = getattr(torch, arguments.dtype) if arguments.dtype else None
    answerer = Answerer.load(name, arguments.batch_size, dtype=dtype)
    hashes = {"model": model_hash(answerer.model)[:16], "data": data[:16]}
    if answerer.words is not None:
        hashes["experts"] = answerer.words.key
    answerer.card = {**answerer.card, "asked": hashes}
    return answerer
