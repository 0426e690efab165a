"""Tables for leaderboards, as xlsx and TSV.

Strings are written as strings: an answer such as "=1+1", "007" or "None" reaches the reader as the
model gave it, and never becomes a formula, a link or a number.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

CREATED = datetime(1980, 1, 1)  # a fixed date: equal tables give equal bytes
LONGEST = 32_767  # characters in a cell, the limit of the format
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xlsx(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes one sheet; its first row holds the column names.

    Characters that XML cannot represent are dropped. Raises ValueError if a text exceeds the
    format's limit.
    """
    import xlsxwriter  # needed for this export alone

    names = columns(rows)
    table: list[list[str | int | float]] = [list(names)]
    for line, row in enumerate(rows, 1):
        table.append([_cell(row.get(name, ""), name, line) for name in names])
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": CREATED})
        sheet = workbook.add_worksheet()
        for line, values in enumerate(table):
            for column, value in enumerate(values):
                # Never sheet.write(), which turns strings into formulas, links and numbers.
                if isinstance(value, str):
                    sheet.write_string(line, column, value)
                else:
                    sheet.write_number(line, column, value)


def write_tsv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the same table tab-separated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns(rows), delimiter="\t", restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the names of all columns, in order of first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any, name: str, line: int) -> str | int | float:
    """Returns numbers unchanged and anything else as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = NOT_XML.sub("", str(value or ""))
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as every XML parser reads them
    if len(text) > LONGEST:
        raise ValueError(
            f"row {line} has {len(text):,} characters in {name!r}, but an xlsx cell holds at most"
            f" {LONGEST:,}; export as TSV instead."
        )
    return text
