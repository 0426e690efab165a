"""Masks in COCO's run-length form, packed and unpacked by pycocotools.

pycocotools trusts its input: runs that do not add up to the picture make it write outside of it. So
`checked` reads the runs itself before anything from a file is unpacked.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.tasks.annotations import Rle

MAX_PIXELS = 2**26  # of a mask; more than any frame of a public set
MAX_PIECES = 6  # characters of one run, which is at most MAX_PIXELS


def pack(mask: NDArray[np.bool_]) -> Rle:
    """Packs a mask [H, W]."""
    from pycocotools import mask as coco

    packed = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    height, width = mask.shape
    return Rle(height, width, packed["counts"])


def unpack(rle: Rle) -> NDArray[np.bool_]:
    """Unpacks a mask, bool [H, W]."""
    from pycocotools import mask as coco

    return coco.decode(as_coco(rle)).astype(bool)


def as_coco(rle: Rle) -> dict[str, Any]:
    """Returns the form that pycocotools takes."""
    return {"size": [rle.height, rle.width], "counts": rle.counts}


def as_json(rle: Rle) -> dict[str, Any]:
    """Returns the form that a JSON file has."""
    return {"size": [rle.height, rle.width], "counts": rle.counts.decode("ascii")}


def checked(value: Any, size: tuple[int, int] | None = None) -> Rle:
    """Reads a mask from JSON: {"size": [H, W], "counts": text or list of runs}.

    Raises ValueError, a phrase that follows the name of the mask, for anything else, and for a mask
    that has not the given `size`.
    """
    if not isinstance(value, dict) or not {"size", "counts"} <= value.keys():
        raise ValueError('must be {"size": [height, width], "counts": ...}')
    height, width = _size(value["size"])
    if size is not None and (height, width) != size:
        raise ValueError(f"is {height} x {width} pixels, but its video {size[0]} x {size[1]}")
    counts = value["counts"]
    if isinstance(counts, list):
        return _from_runs(counts, height, width)
    if isinstance(counts, str):
        try:
            counts = counts.encode("ascii")
        except UnicodeEncodeError:
            raise ValueError("has counts that are not COCO's text") from None
    if not isinstance(counts, bytes):
        raise ValueError('has "counts" that are neither text nor a list')
    _check_runs(_runs(counts), height * width)
    return Rle(height, width, counts)


def _size(value: Any) -> tuple[int, int]:
    whole = isinstance(value, list | tuple) and len(value) == 2
    if not whole or any(type(side) is not int or side < 1 for side in value):
        raise ValueError('has a "size" that is not [height, width]')
    height, width = value
    if height * width > MAX_PIXELS:
        raise ValueError(f"is {height} x {width} pixels, more than {MAX_PIXELS:,}")
    return height, width


def _from_runs(runs: list[Any], height: int, width: int) -> Rle:
    if any(type(run) is not int for run in runs):
        raise ValueError('has "counts" that are not whole numbers')
    _check_runs(runs, height * width)
    from pycocotools import mask as coco

    packed = coco.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    return Rle(height, width, packed["counts"])


def _check_runs(runs: list[int], num_pixels: int) -> None:
    if any(run < 0 for run in runs) or sum(runs) != num_pixels:
        raise ValueError(f"has runs that do not add up to its {num_pixels:,} pixels")


def _runs(counts: bytes) -> list[int]:
    """Returns the lengths of the runs in COCO's text.

    Six bits a character: five of the value, lowest first, and whether it goes on. From the fourth
    run on, the value is the difference from the run before the last.
    """
    pieces = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    lasts = np.flatnonzero((pieces & 0x20) == 0)
    if ((pieces < 0) | (pieces > 63)).any() or not pieces.size or pieces[-1] & 0x20:
        raise ValueError("has counts that are not COCO's text")
    firsts = np.concatenate([[0], lasts[:-1] + 1])
    lengths = lasts - firsts + 1
    if lengths.max() > MAX_PIECES:
        raise ValueError("has counts that are not COCO's text")
    places = 5 * (np.arange(pieces.size) - np.repeat(firsts, lengths))
    values = np.add.reduceat((pieces & 0x1F) << places, firsts)
    values -= np.where(pieces[lasts] & 0x10, np.int64(1) << 5 * lengths, 0)
    values[1::2] = values[1::2].cumsum()
    values[2::2] = values[2::2].cumsum()
    return values.tolist()
