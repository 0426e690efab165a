"""A table of tensors as lines of text; layers that are alike share a line."""

import re
from collections.abc import Iterable, Iterator, Sequence

from vlm.weights.io.rename import Shape

TableRow = tuple[str, str, str]  # a name, its shape, the new name
NUMBER = re.compile(r"(?<=layers\.|blocks\.)\d+")


def table(rows: Sequence[TableRow]) -> Iterator[str]:
    """Yields a line for each row, in columns."""
    if not rows:
        return
    name_width = min(max(len(row[0]) for row in rows), 78)
    shape_width = max(len(row[1]) for row in rows)
    for name, shape, becomes in rows:
        line = f"  {name:<{name_width}}  {shape:<{shape_width}}"
        yield f"{line}  -> {becomes}" if becomes else line.rstrip()


def collapsed(rows: Iterable[TableRow]) -> list[TableRow]:
    """Merges rows that differ in the layer number only: `layers.{0..15}.attn`."""
    groups: dict[tuple[str, ...], list[TableRow]] = {}
    for row in rows:
        groups.setdefault(tuple(_blank(part) for part in row), []).append(row)
    return [tuple(_span([r[i] for r in group]) for i in range(3)) for group in groups.values()]  # type: ignore[misc]


def shape_text(shape: Shape) -> str:
    """Formats a shape: "2 x 3"."""
    return " x ".join(map(str, shape)) or "one number"


def _blank(text: str) -> str:
    return NUMBER.sub("#", text)


def _span(texts: Sequence[str]) -> str:
    """Merges texts that differ in the layer number."""
    if len(set(texts)) == 1:
        return texts[0]
    numbers = [int(match[0]) for text in texts if (match := NUMBER.search(text))]
    low, high = min(numbers), max(numbers)
    whole = set(numbers) == set(range(low, high + 1))
    span = f"{{{low}..{high}}}" if whole else "{" + ",".join(map(str, sorted(set(numbers)))) + "}"
    return NUMBER.sub(span, texts[0])
