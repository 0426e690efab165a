"""`python -m evaluation table` and `same`: many runs beside each other, and what two differ in.

Load neither a model nor torch.
"""

from collections.abc import Sequence
from pathlib import Path

from evaluation.reports.run_table import many_runs
from evaluation.reports.run_table_files import markdown, write_table
from evaluation.reports.scoring import run_folders
from evaluation.runs.card import unlike

MOST = 20  # lines of one benchmark that are printed


def table_command(folders: Sequence[Path], out: Path, mode: str | None) -> list[str]:
    """Writes the table of all runs and returns it as lines. Raises ValueError for other folders."""
    table = many_runs(folders, mode)
    paths = write_table(table, out)
    return [*markdown(table), "", *(f"Written: {path}" for path in paths)]


def same_command(first: Path, second: Path) -> tuple[list[str], bool]:
    """Returns lines on what two runs differ in, and whether they are the same in everything."""
    here = {path.name: path for path in run_folders(first)}
    there = {path.name: path for path in run_folders(second)}
    if len(here) == len(there) == 1:  # folders of single benchmarks may have any name
        there = dict(zip(here, there.values(), strict=True))
    lines, same = [f"A is {first}, B is {second}; lines of the cards that differ, as A | B."], True
    for name in [*here, *(name for name in there if name not in here)]:
        if name not in here or name not in there:
            lines += ["", f"{name}: only in {'B' if name in there else 'A'}."]
            same = False
            continue
        found = unlike(here[name], there[name])
        same = same and not found
        lines += ["", f"{name}: {f'{len(found)} lines differ' if found else 'the same'}."]
        lines += [f"  {line}" for line in found[:MOST]]
        if len(found) > MOST:
            lines.append(f"  ... and {len(found) - MOST} more")
    return lines, same
