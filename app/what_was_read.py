"""What the model read of a file: the experts' lines, and the text that the reader found.

Text in a picture is a stranger's: here it stays plain text, on the page and in a terminal.
"""

import html
from collections.abc import Iterable, Sequence

from app.sanitize import for_label
from vlm.experts.findings import Findings

MAX_LINES = 200  # of a list on the page
LONGEST = 1000  # characters of a line


def words_read(words: Iterable[str]) -> list[str]:
    """Returns the lines that the model read, each one short line without control codes."""
    return [line for line in (for_label(word, LONGEST) for word in words) if line]


def text_found(findings: Iterable[Findings]) -> list[str]:
    """Returns the rows of text in all frames, each once, in the order of reading."""
    rows = (line.text for found in findings for line in found.lines or ())
    return words_read(dict.fromkeys(rows))


def read_html(words: Sequence[str], findings: Sequence[Findings]) -> str:
    """Renders both lists, folded; "" if no expert looked at the file."""
    if not findings and not words:
        return ""
    lists = _list("Beside its visual tokens", words_read(words))
    lists += _list("Text found", text_found(findings))
    return f'<details class="read"><summary>What the model read</summary>{lists}</details>'


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    shown = "".join(f'<li dir="auto">{html.escape(line)}</li>' for line in lines[:MAX_LINES])
    if len(lines) > MAX_LINES:
        shown += f"<li>and {len(lines) - MAX_LINES:,} more</li>"
    return f"<h4>{html.escape(title)}</h4><ul>{shown}</ul>"
