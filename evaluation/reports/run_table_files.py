"""A table of many runs as Markdown, as CSV and as one HTML page."""

import csv
import io
from pathlib import Path

from evaluation.json_files import replace_file
from evaluation.reports.costs import COLUMNS, cost_cells
from evaluation.reports.run_table import Cell, Table
from evaluation.reports.templates import template

LEGEND = (
    "Values are percentages with 95 % intervals. ▲ and ▼: better or worse than {first} by more than"
    " chance (the interval of the paired difference excludes zero). -: no result. †: only part of"
    " the questions are answered. ‡: other questions or another extraction mode than {first}, so"
    " not comparable."
)


def markdown(table: Table) -> list[str]:
    """Returns the lines of a Markdown table of values, and of one of costs per answer."""
    head = ["benchmark", *table.runs]
    rows = [
        [_label(table, name), *(text(table.cells.get((name, run))) for run in table.runs)]
        for name in table.benchmarks
    ]
    costs = [
        [table.title(name), run, *cost_cells(cell.cost)]
        for name in table.benchmarks
        for run in table.runs
        if (cell := table.cells.get((name, run))) is not None
    ]
    return [
        *_aligned([head, *rows]),
        "",
        legend(table),
        "",
        *_aligned([["cost per answer", "run", *COLUMNS], *costs]),
    ]


def csv_text(table: Table) -> str:
    """Returns one line per benchmark and run; empty fields where there is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ("value", "low", "high", "n", "mark", "mode", "state", "same_questions")
    costs = ("input_tokens", "output_tokens", "visual_tokens", "seconds")
    writer.writerow(("benchmark", "run", "model", *columns, *costs))
    for name in table.benchmarks:
        for run, model in zip(table.runs, table.models, strict=True):
            cell = table.cells.get((name, run))
            if cell is None:
                continue
            low, high = cell.interval or (None, None)
            mark = {"▲": "better", "▼": "worse"}.get(cell.mark, "")
            facts = (cell.value, low, high, cell.n, mark, cell.mode, cell.state, not cell.unlike)
            spent = [
                _rounded(None if cell.cost is None else getattr(cell.cost, key)) for key in costs
            ]
            writer.writerow([_safe(one) for one in (name, run, model, *facts, *spent)])
    return out.getvalue()


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)


def html(table: Table) -> str:
    """Returns one self-contained page without scripts."""
    page = template("run_table.html.jinja", value=text, costs=cost_cells)
    return page.render(table=table, columns=COLUMNS, legend=legend(table))


def write_table(table: Table, folder: Path) -> list[Path]:
    """Writes table.md, table.csv and table.html into a folder; returns their paths."""
    files = {
        "table.md": "\n".join(markdown(table)) + "\n",
        "table.csv": csv_text(table),
        "table.html": html(table),
    }
    for name, content in files.items():
        replace_file(folder / name, [content.encode("utf-8", "replace")])
    return [folder / name for name in files]


def legend(table: Table) -> str:
    return LEGEND.format(first=table.runs[0])


def text(cell: Cell | None) -> str:
    """Formats a cell as "61.1 (58.0 to 64.2) ▲"; a dash without a result."""
    if cell is None:
        return ""
    if cell.value is None:
        return "-" + " †" * (cell.state != "complete")
    interval = (
        "" if cell.interval is None else f" ({cell.interval[0]:.1f} to {cell.interval[1]:.1f})"
    )
    return f"{cell.value:.1f}{interval}{f' {cell.mark}' if cell.mark else ''}{' ‡' * cell.unlike}"


def _label(table: Table, name: str) -> str:
    modes = {cell.mode for (one, _), cell in table.cells.items() if one == name}
    return f"{table.title(name)} ({', '.join(sorted(modes))})"


def _aligned(rows: list[list[str]]) -> list[str]:
    rows = [[cell.replace("|", "/") for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]
    rule = f"| {' | '.join('-' * width for width in widths)} |"
    return [lines[0], rule, *lines[1:]]


def _safe(value: object) -> object:
    """Keeps a name from being read as a formula by a spreadsheet."""
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )
