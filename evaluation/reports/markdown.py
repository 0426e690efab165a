"""Lines of Markdown as a page needs them: tables apart from text."""

from collections.abc import Iterator, Sequence

Rows = list[list[str]]  # the head first


def blocks(lines: Sequence[str]) -> Iterator[tuple[Rows, str]]:
    """Yields each table as rows and each run of other lines as text; the other of the two is empty.

    Only what a benchmark's `tables` writes is known: a line that begins with a bar is a row, and
    the one of dashes below the head is left out. A bar within a cell is written as `\\|`.
    """
    rows: Rows = []
    text: list[str] = []
    for line in [*lines, ""]:
        is_row = line.startswith("|")
        if rows and not is_row:
            yield rows, ""
            rows = []
        if text and (is_row or not line):
            yield [], "\n".join(text)
            text = []
        if is_row:
            cells = _cells(line)
            if any(cell.strip("-: ") for cell in cells):
                rows.append(cells)
        elif line:
            text.append(line)


def _cells(line: str) -> list[str]:
    parts = line.strip().strip("|").replace("\\|", "\0").split("|")
    return [part.strip().replace("\0", "|") for part in parts]
