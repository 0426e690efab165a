"""Submission files for leaderboards, written from the log of a run.

    python -m evaluation export out --format videomme
    python -m evaluation export out --format rrc --to docvqa_test.json

A file is written only from a complete run without failed samples: servers reject or misjudge gaps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.benchmarks import BENCHMARKS
from evaluation.json_files import write_json
from evaluation.reports.xlsx import write_tsv, write_xlsx
from evaluation.runs.log import LogRow


@dataclass(frozen=True)
class Format:
    """The submission format of one leaderboard."""

    title: str
    benchmarks: tuple[str, ...]  # whose runs it can be written from
    suffix: str
    write: Callable[[Sequence[LogRow], Path], None]
    split: str = ""  # the only one that the leaderboard takes; empty: any


def video_mme(rows: Sequence[LogRow], path: Path) -> None:
    """Writes a list with one object per video; `response` is the model's answer, verbatim.

    With skip_missing=True the authors' script reads `missing` of each video: all are here.
    """
    videos: dict[str, dict[str, Any]] = {}
    for row in rows:
        extra, category = row["extra"], row["category"]
        video = videos.setdefault(
            extra["video_id"],
            {
                "video_id": extra["video_id"],
                **{key: category[key] for key in ("duration", "domain", "sub_category")},
                "missing": False,
                "questions": [],
            },
        )
        video["questions"].append(
            {
                "question_id": row["id"],
                "task_type": category["task_type"],
                "question": extra["question"],
                "options": extra["options"],
                "answer": row["targets"][0] if row["targets"] else None,
                "response": row["raw"],
            }
        )
    write_json(path, list(videos.values()))


def rrc(rows: Sequence[LogRow], path: Path) -> None:
    """Writes the Robust Reading Competition's list: numeric ids, one entry per question."""
    entries = []
    for row in rows:
        number = str(row["extra"]["questionId"])
        if not number.isdecimal():
            raise ValueError(
                f"the server takes numbers as ids, but a question has the id {number!r}."
            )
        entries.append({"questionId": int(number), "answer": row["raw"]})
    write_json(path, sorted(entries, key=lambda entry: entry["questionId"]))


def mmbench_rows(rows: Sequence[LogRow]) -> list[dict[str, Any]]:
    """Returns the rows of OpenCompass's table by index; column E only if a question uses it."""
    found = []
    for row in rows:
        choices = dict(zip("ABCDE", row["options"], strict=False))
        found.append(
            {
                "index": row["extra"]["index"],
                "question": row["extra"]["question"],
                **{letter: choices.get(letter, "") for letter in "ABCD"},
                **({"E": choices.get("E", "")} if any(len(r["options"]) > 4 for r in rows) else {}),
                "prediction": row["raw"],
                **row["category"],
            }
        )
    return sorted(found, key=lambda row: row["index"])


def mmbench(rows: Sequence[LogRow], path: Path) -> None:
    """Writes OpenCompass's table: xlsx if the file name ends in .xlsx, else tab-separated."""
    table = mmbench_rows(rows)
    if path.suffix == ".xlsx":
        write_xlsx(path, table)
    else:
        write_tsv(path, table)


def longvideobench(rows: Sequence[LogRow], path: Path) -> None:
    """Writes question id -> letter, extracted in the mode "clean"; A if there is none.

    lmms-eval submits the raw answer, which is a letter if the model follows the instruction.
    """
    read = BENCHMARKS["longvideobench"].read
    write_json(path, {row["id"]: read(row, row["raw"], "clean") or "A" for row in rows})


def mlvu(rows: Sequence[LogRow], path: Path) -> None:
    """Writes a list of question_id, question_type and letter, which is empty if none is found."""
    read = BENCHMARKS["mlvu"].read
    write_json(
        path,
        [
            {
                "question_id": row["id"],
                "question_type": row["extra"]["question_type"],
                "option": read(row, row["raw"], "official") or read(row, row["raw"], "clean") or "",
            }
            for row in rows
        ],
    )


def textvqa(rows: Sequence[LogRow], path: Path) -> None:
    """Writes EvalAI's list of question_id and answer."""
    write_json(
        path,
        [{"question_id": row["extra"]["question_id"], "answer": row["raw"]} for row in rows],
    )


FORMATS: dict[str, Format] = {
    "videomme": Format("Video-MME's authors", ("videomme",), ".json", video_mme),
    "rrc": Format("the RRC server, challenge 17", ("docvqa", "infovqa"), ".json", rrc, "test"),
    "mmbench": Format("OpenCompass, as xlsx", ("mmbench",), ".xlsx", mmbench),
    "mmbench-tsv": Format("OpenCompass, as a table", ("mmbench",), ".tsv", mmbench),
    "longvideobench": Format("LongVideoBench", ("longvideobench",), ".json", longvideobench),
    "mlvu": Format("MLVU's test", ("mlvu",), ".json", mlvu),
    "textvqa": Format("EvalAI, TextVQA", ("textvqa",), ".json", textvqa),
}


def export_run(folder: Path, name: str, to: Path | None = None) -> list[Path]:
    """Writes the file of each run that the format fits. Raises ValueError if there is none."""
    from evaluation.reports.scoring import run_folders, scored

    if name not in FORMATS:
        raise ValueError(f"there is no format {name!r}; known are {', '.join(FORMATS)}.")
    chosen = FORMATS[name]
    runs = [scored(run) for run in run_folders(folder)]
    fitting = [run for run in runs if run.benchmark.name in chosen.benchmarks]
    if not fitting:
        raise ValueError(
            f"{folder} holds no run of {' or '.join(chosen.benchmarks)}, which the format {name}"
            " requires."
        )
    if to is not None and len(fitting) > 1:
        raise ValueError(
            f"{folder} holds {len(fitting)} runs that fit --to, one file; export them one by one."
        )
    written = []
    for run in fitting:
        if run.state == "partial":
            raise ValueError(
                f"{run.folder} is incomplete: {run.asked - len(run.answered)} of {run.asked}"
                " questions have no answer; repeat the run's command to resume it."
            )
        if run.state == "limited":
            raise ValueError(
                f"{run.folder} covers {run.asked} of {run.total} questions, but leaderboards"
                " require all of them; repeat the run without --limit."
            )
        split = run.identity["asked"]["split"]
        if chosen.split and split != chosen.split:
            raise ValueError(
                f"{run.folder} is a run of the split {split}, but {chosen.title} takes"
                f" {chosen.split} only; repeat the run with --split {chosen.split}."
            )
        path = to or run.folder / f"{run.benchmark.name}_submission{chosen.suffix}"
        chosen.write(run.rows, path)
        written.append(path)
    return written
