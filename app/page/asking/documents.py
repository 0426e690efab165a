"""The pages of PDF documents, as pictures in place of the document.

A document is a stranger's program for a large interpreter. Its pages are rendered one by one in a
process of its own, while the page shows how far it is, and before its question joins the line: a
document that takes long holds nobody else up.
"""

import io
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from PIL import Image

from app.page.kept.uploads import Uploads
from app.sanitize import for_label
from vlm.media.confined.child import Child
from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe, read_image
from vlm.media.source import display_name

MAX_PAGES = 8  # of a document
MAX_PICTURES = 20  # with one question
LONGEST = 120.0  # seconds for the pages of a document

Progress = tuple[str, float]  # the current step, and the completed fraction, 0 to 1
WithPages = tuple[tuple[Path, ...], tuple[str, ...]]


def is_document(path: Path) -> bool:
    """Returns whether a file's pages are shown in its place, by its name."""
    return path.suffix.lower() == ".pdf"


def with_pages(
    files: Sequence[Path], uploads: Uploads, stop: threading.Event
) -> Generator[Progress, None, WithPages]:
    """Yields the progress; returns the files with pictures of its pages for each document, and
    notes.

    Raises MediaError if a document cannot be read, MediaCancelled after `stop`, and ValueError if
    its pages find no room.
    """
    found: list[Path] = []
    notes: list[str] = []
    documents = sum(map(is_document, files))
    for path in files:
        if not is_document(path):
            found.append(path)
            continue
        most = min(MAX_PAGES, max((MAX_PICTURES - len(files)) // documents + 1, 1))
        pages, count = yield from _pages(path, most, uploads, stop)
        found += pages
        if count > len(pages):
            notes.append(f"{for_label(path.name)}: the first {len(pages)} of {count:,} pages.")
    return tuple(found), tuple(notes)


def _pages(
    path: Path, most: int, uploads: Uploads, stop: threading.Event
) -> Generator[Progress, None, tuple[list[Path], int]]:
    """Returns pictures of the first pages, and the number of all."""
    label, pages, began = for_label(path.name, 40), [], time.monotonic()
    yield f"Opening {label}", 0.0
    # The process ends with its document, so what takes it over can only forge its own pages.
    with closing(Child("image", reuse=True)) as child:
        count = probe(path, cancel=stop, child=child).num_frames
        shown = min(count, most)
        for number in range(shown):
            yield f"Reading {label}: page {number + 1} of {shown}", number / shown
            if time.monotonic() - began > LONGEST:
                raise MediaError(
                    f"{display_name(path)} took longer than {LONGEST:.0f} seconds to read; send"
                    " its pages as pictures."
                )
            picture = read_image(path, cancel=stop, child=child, page=number).pixels
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "PNG")
            name = f"{path.stem}.png" if count == 1 else f"{path.stem}, page {number + 1}.png"
            pages.append(uploads.derive(path, name, file.getvalue()))
    return pages, count
