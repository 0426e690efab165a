"""Makes all training and scoring data of the embedded model: `python -m data.embedded OUT`.

Downloads pictures (data.prepare.assets, data.prepare.photos), renders the synthetic worlds, lets
the experts look at some of them, writes the image-free records, the text-only conversations and the
multi-topic conversations built from all three. The recipes in training/recipes/ read these files.
"""

import argparse
import subprocess
import sys
from itertools import islice
from pathlib import Path

from data.complete_file import completed
from data.embedded.folder import DEFAULT_FOLDER
from data.embedded.multi_topic import RecordSources, multi_topic_records
from data.records import record_to_json, write_records
from data.sources.record_file import RecordFile
from data.synthetic.classifications import classification_records
from vlm.ending import end

WORLDS = {"pretrain": 10000, "instruct": 10000}
CLASSIFICATIONS = {"pretrain": 12000, "instruct": 12000}
FINDINGS = {  # number of records, seed
    "findings.jsonl": (18000, 1),
    "findings-more.jsonl": (18000, 3),
    "findings-last.jsonl": (8000, 5),
}
SEEN = {  # the same with stand-ins for their media
    "findings-seen.jsonl": (9000, 2),
    "findings-seen-more.jsonl": (5000, 6),
}
WITH_WORDS = {  # worlds that experts look at: from, to, who looks; the reader takes long
    "words.jsonl": (0, 400, "kinds,things,text"),
    "words-unread.jsonl": (450, 850, "kinds,things"),
}
MULTI_TOPIC, MULTI_TOPIC_SEED = 3000, 21
HELD_SEED = 7


def build(out: Path, workers: int = 2) -> None:
    """Makes every source in order of dependency; keeps existing files."""
    _run("data.prepare.assets")
    _run("data.prepare.photos")
    for seed, (stage, num) in enumerate(WORLDS.items(), start=1):
        _worlds(out / stage, stage, seed, workers, num)
    _worlds(out / "held", "held", HELD_SEED, workers)
    for seed, (stage, num) in enumerate(CLASSIFICATIONS.items(), start=11):
        path = out / f"concepts-{stage}.jsonl"
        if not path.exists():
            write_records(path, classification_records(num, seed, stage))  # type: ignore[arg-type]
    for name, part in WITH_WORDS.items():
        if not (out / "instruct" / name).exists():
            _words(out / "instruct/records.jsonl", out / "instruct" / name, *part)
    for name, (num, seed) in (FINDINGS | SEEN).items():
        if not (out / name).exists():
            made = ["--num", str(num), "--seed", str(seed)]
            made += ["--stand-ins", str(out / "stand-ins")] if name in SEEN else []
            _run("data.embedded.findings", "write", str(out / name), *made)
    if not (out / "chat-tables.jsonl").exists():
        _run("data.prepare.chat", "--out", str(out))
    if not (out / "joined.jsonl").exists():
        names = ("instruct/words.jsonl", "concepts-instruct.jsonl", "chat.jsonl")
        sources = RecordSources(*(RecordFile(out / name) for name in names))
        records = multi_topic_records(sources, MULTI_TOPIC, MULTI_TOPIC_SEED)
        write_records(out / "joined.jsonl", (record_to_json(record, out) for record in records))


def _worlds(folder: Path, stage: str, seed: int, workers: int, num: int | None = None) -> None:
    if (folder / "records.jsonl").exists():
        return
    count = [] if num is None else ["--num", str(num)]
    options = ["--stage", stage, "--seed", str(seed), "--workers", str(workers)]
    _run("data.synthetic", str(folder), *options, *count)


def _words(source: Path, out: Path, start: int, stop: int, experts: str) -> None:
    part = out.with_name(f"{out.stem}-part.jsonl")
    with completed(part) as unfinished, source.open(encoding="utf-8") as lines:
        unfinished.write_text("".join(islice(lines, start, stop)), encoding="utf-8")
    _run("data", "words", str(part), str(out), "--experts", experts)
    part.unlink()


def _run(module: str, *arguments: str) -> None:
    """Runs another command in its own process; exits if it fails."""
    if subprocess.run([sys.executable, "-m", module, *arguments]).returncode:
        sys.exit(f"python -m data.embedded: stopped because {module} failed (see above)")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m data.embedded",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "out",
        type=Path,
        nargs="?",
        default=DEFAULT_FOLDER,
        help=f"output folder (default: {DEFAULT_FOLDER})",
    )
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    build(arguments.out, arguments.workers)


if __name__ == "__main__":
    end(main)
