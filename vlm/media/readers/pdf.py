"""Reads a page of a PDF document as a picture, with PDFium.

A PDF is a program for a large interpreter, so it is only read in a process of its own. This build
of PDFium runs no scripts, and nothing in a document is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.readers.images import frame_message
from vlm.media.source import Source

LONG_SIDE = 2048  # pixels of a page: small print on A4 stays legible
MAX_BYTES = 256 * 2**20


@contextmanager
def open_document(source: Source, request: Request) -> Iterator[Any]:
    """Yields the document. Raises MediaError if it cannot be read here."""
    if not request.isolated:
        raise MediaError(f"{source.name} is a PDF document; these are only read isolated.")
    try:
        import pypdfium2
    except ImportError:
        raise MediaError(
            f"{source.name} is a PDF document; run pip install pypdfium2, or send its pages as"
            " pictures."
        ) from None
    if source.size > MAX_BYTES:
        raise MediaError(
            f"{source.name} has {source.size / 2**20:.0f} MB; a document may have"
            f" {MAX_BYTES / 2**20:.0f} MB. Send its pages as pictures."
        )
    try:
        with closing(pypdfium2.PdfDocument(os.pread(source.fd, source.size, 0))) as document:
            if len(document) == 0:
                raise MediaError(f"{source.name} has no pages.")
            yield document
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise MediaError(
                f"{source.name} is protected by a password; save it without one."
            ) from error
        raise MediaError(
            f"{source.name} begins like a PDF document but cannot be read; it is damaged or"
            " incomplete. Copy or upload it again."
        ) from error


def probe_document(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields one "info" message, a picture of the first page's size; `num_frames` are the pages."""
    with open_document(source, request) as document:
        width, height = document[0].get_size()
        scale = _scale(width, height, LONG_SIDE)
        yield (
            {
                "event": "info",
                "kind": "image",
                "width": max(1, round(width * scale)),
                "height": max(1, round(height * scale)),
                "duration": 0.0,
                "num_frames": len(document),
                "fps": 0.0,
                "container": source.kind.name,
                "codec": "pdf",
                "warnings": [],
            },
            b"",
        )


def read_page(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields "start", one "frame", "end"."""
    with open_document(source, request) as document:
        number, count = request.page or 0, len(document)
        if number >= count:
            raise MediaError(f"{source.name} has {count} pages; there is no page {number + 1}.")
        page = document[number]
        width, height = page.get_size()
        scale = _scale(width, height, min(request.size or LONG_SIDE, LONG_SIDE))
        picture = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
        check()
    warnings = []
    if request.page is None and count > 1:
        warnings.append(f"Only the first of {count} pages was used.")
    start = {"event": "start", "total": 1, "turns": 0, "mirror": False, "duration": 0.0}
    yield {**start, "backend": "pdfium"}, b""
    yield frame_message(picture, 0.0)
    yield {"event": "end", "damaged": [], "warnings": warnings}, b""


def _scale(width: float, height: float, long_side: int) -> float:
    """Returns pixels for each point of a page; a page of no size is drawn as one pixel."""
    return min(long_side / max(width, height, 1.0), 20.0)
