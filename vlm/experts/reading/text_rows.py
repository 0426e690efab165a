"""The order of reading: pieces of text become rows, rows of columns are read column by column.

Of a receipt "Coffee" and "2.50" belong together, though they stand far apart; of a page in two
columns the neighbors do not. Pieces of one row are joined, by " | " across a wide gap. A gutter
counts as the gap between two columns only if both sides are prose.
"""

from statistics import median

from vlm.experts.findings import Box, Line

SEPARATOR = " | "
GAP = 0.3  # line heights; a wider gap is a SEPARATOR, for the detector joins words itself
OVERLAP = 0.5  # of the lower piece's height, for two pieces to share a row
SIZES = 2.2  # the letters of a row differ at most this much
PROSE = 18  # characters; the median piece of a column of prose is longer
MIN_ROWS = 3  # of a column


def join_rows(pieces: list[Line], aspect: float) -> list[Line]:
    """Orders and joins pieces; `aspect` is the frame's width divided by its height."""
    for column in _columns(sorted(pieces, key=lambda p: p.box[1])):
        if len(column) < len(pieces):
            return [row for part in _parts(pieces, column) for row in join_rows(part, aspect)]
    rows = _rows(pieces)
    return [_join(row, aspect) for row in rows]


def _rows(pieces: list[Line]) -> list[list[Line]]:
    """Groups pieces of the same height on the page, from top to bottom, each from left to right."""
    rows: list[list[Line]] = []
    for piece in sorted(pieces, key=lambda p: _middle(p.box)):
        row = next((row for row in reversed(rows[-4:]) if _same_row(row, piece)), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    for row in rows:
        row.sort(key=lambda p: p.box[0])
    return sorted(rows, key=lambda row: median(_middle(p.box) for p in row))


def _same_row(row: list[Line], piece: Line) -> bool:
    for other in row:
        shared = min(other.box[3], piece.box[3]) - max(other.box[1], piece.box[1])
        lower = min(other.box[3] - other.box[1], piece.box[3] - piece.box[1])
        sizes = max(other.height, piece.height) / max(min(other.height, piece.height), 1e-6)
        across = min(other.box[2], piece.box[2]) - max(other.box[0], piece.box[0])
        narrow = min(other.box[2] - other.box[0], piece.box[2] - piece.box[0])
        if across > 0.3 * narrow:  # above each other
            return False
        if shared < OVERLAP * lower or sizes > SIZES:
            return False
    return True


def _join(row: list[Line], aspect: float) -> Line:
    text = row[0].text
    for before, piece in zip(row, row[1:], strict=False):
        gap = (piece.box[0] - before.box[2]) * aspect / max(before.height, piece.height)
        text += (SEPARATOR if gap > GAP else " ") + piece.text
    lefts, tops, rights, bottoms = zip(*(p.box for p in row), strict=True)
    weights = [max(len(p.text), 1) for p in row]
    confidence = sum(p.confidence * w for p, w in zip(row, weights, strict=True)) / sum(weights)
    box = min(lefts), min(tops), max(rights), max(bottoms)
    return Line(text, confidence, box, max(p.height for p in row))


def _columns(pieces: list[Line]) -> list[list[Line]]:
    """Two columns of prose if a gutter separates them over several rows, else all as one.

    Pieces across the gutter (a title above, a line below) are in neither.
    """
    best: list[list[Line]] = []
    for x in sorted({round(p.box[0], 3) for p in pieces}):
        left = [p for p in pieces if p.box[2] <= x]
        right = [p for p in pieces if p.box[0] >= x - 0.002]
        sides = [_beside(left, right), _beside(right, left)]
        if min(map(len, sides)) < MIN_ROWS or any(not _is_prose(side) for side in sides):
            continue
        if sum(map(len, sides)) > sum(map(len, best)):
            best = sides
    return best


def _beside(pieces: list[Line], others: list[Line]) -> list[Line]:
    """Those pieces within the vertical extent that both sides share."""
    if not pieces or not others:
        return []
    top = max(min(p.box[1] for p in pieces), min(p.box[1] for p in others))
    bottom = min(max(p.box[3] for p in pieces), max(p.box[3] for p in others))
    return [p for p in pieces if p.box[1] >= top - p.height and p.box[3] <= bottom + p.height]


def _is_prose(pieces: list[Line]) -> bool:
    return median(len(p.text) for p in pieces) > PROSE


def _parts(pieces: list[Line], column: list[Line]) -> list[list[Line]]:
    """What is above a column, the column, what is beside it, what is below."""
    top, bottom = min(p.box[1] for p in column), max(p.box[3] for p in column)
    rest = [p for p in pieces if p not in column]
    above = [p for p in rest if _middle(p.box) < top]
    below = [p for p in rest if _middle(p.box) > bottom]
    beside = [p for p in rest if p not in above and p not in below]
    first, second = sorted(
        (column, beside), key=lambda part: min((p.box[0] for p in part), default=1)
    )
    return [part for part in (above, first, second, below) if part]


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2
