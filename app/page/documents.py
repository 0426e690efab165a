"""The pages of PDF documents, as pictures in place of the document."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from app.page.uploads import Uploads
from app.sanitize import for_label
from vlm.media.decode import probe, read_image

MAX_PAGES = 8


def with_pages(files: Sequence[Path], uploads: Uploads) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Returns the files with a picture of each page in place of a PDF document, and notes.

    Raises ValueError if a document cannot be read or its pages find no room.
    """
    found: list[Path] = []
    notes: list[str] = []
    for path in files:
        if path.suffix.lower() != ".pdf":
            found.append(path)
            continue
        count = probe(path).num_frames
        found += [_page(path, number, count, uploads) for number in range(min(count, MAX_PAGES))]
        if count > MAX_PAGES:
            notes.append(f"{for_label(path.name)}: the first {MAX_PAGES} of {count} pages.")
    return tuple(found), tuple(notes)


def _page(path: Path, number: int, count: int, uploads: Uploads) -> Path:
    file = io.BytesIO()
    Image.fromarray(read_image(path, page=number).pixels).save(file, "PNG")
    name = f"{path.stem}.png" if count == 1 else f"{path.stem}, page {number + 1}.png"
    return uploads.derive(path, name, file.getvalue())
