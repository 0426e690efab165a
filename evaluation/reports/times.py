"""Writes the column of times into the table of benchmarks in docs/evaluation.md.

    python -m evaluation.reports.times OUT docs/evaluation.md

OUT is a run with `--limit`, on a machine that does nothing else: a cell gets the mean seconds per
answer (reading media, encoding, reading the prompt, writing) and the number of answers.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from evaluation.json_files import replace_file
from evaluation.reports.costs import cost_of
from evaluation.reports.scoring import run_folders
from evaluation.runs.log import read_log
from vlm.ending import end

COLUMN = "seconds per answer"
NAMES = re.compile(r"`([a-z0-9_]+)`")


def measured(run: Path) -> dict[str, str]:
    """Returns benchmark -> cell of a run. Raises ValueError if the folder holds none."""
    found = {}
    for folder in run_folders(run):
        rows = [row for row in read_log(folder) if not row["error"]]
        cost = cost_of(rows)
        if cost is not None:
            found[folder.name] = f"{cost.seconds:.1f} (n = {len(rows):,})"
    return found


def filled(document: str, cells: Mapping[str, str]) -> str:
    """Returns the document with the last column of its table filled where a cell is given.

    Raises ValueError if no table has the column.
    """
    lines, inside, seen = [], False, False
    for line in document.splitlines(keepends=True):
        is_row = line.startswith("|")
        inside = is_row and (inside or line.rstrip().endswith(f"| {COLUMN} |"))
        seen = seen or inside
        first = line.split("|")[1] if is_row else ""
        found = [cells[name] for name in NAMES.findall(first) if name in cells]
        if inside and found:
            front = line.rstrip().removesuffix("|").rpartition("|")[0]
            line = f"{front}| {', '.join(found)} |\n"
        lines.append(line)
    if not seen:
        raise ValueError(f"the document has no table whose last column is {COLUMN!r}.")
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Fills the table of a document. Returns the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m evaluation.reports.times OUT docs/evaluation.md\n")
        return 2
    path = Path(arguments[1])
    try:
        text = filled(path.read_text(encoding="utf-8"), measured(Path(arguments[0])))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"python -m evaluation.reports.times: {error}\n")
        return 2
    replace_file(path, [text.encode()])
    return 0


if __name__ == "__main__":
    end(lambda: main(sys.argv[1:]))
