"""PDF documents: each page is a picture; what cannot be read is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe, read_image

pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Two pages: red and upright, blue and wide."""
    pages = [Image.new("RGB", (300, 400), "red"), Image.new("RGB", (400, 200), "blue")]
    path = tmp_path / "two.pdf"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def test_each_page_is_a_picture(document: Path) -> None:
    info = probe(document)
    assert (info.kind, info.num_frames, info.container) == ("image", 2, "PDF document")
    first, second = (read_image(document, size=256, page=number) for number in (0, 1))
    assert (first.pixels.shape, second.pixels.shape) == ((256, 192, 3), (128, 256, 3))
    assert np.abs(first.pixels[100, 100].astype(int) - (255, 0, 0)).max() < 10
    assert np.abs(second.pixels[60, 100].astype(int) - (0, 0, 255)).max() < 10
    assert first.warnings == second.warnings == ()


def test_without_a_number_the_first_page_is_read_and_that_is_noted(document: Path) -> None:
    assert read_image(document).warnings == ("Only the first of 2 pages was used.",)


def test_what_cannot_be_read_is_refused_in_a_sentence(document: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(document.read_bytes()[:200])
    with pytest.raises(MediaError, match=r'^"broken\.pdf" begins like a PDF document but'):
        probe(broken)
    with pytest.raises(MediaError, match="has 2 pages; there is no page 3"):
        read_image(document, page=2)
    with pytest.raises(MediaError, match="only read isolated"):
        read_image(document, isolated=False)
