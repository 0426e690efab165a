"""Documents of a question: their pages come one by one, stop ends it, notes name what is left."""

import threading
from pathlib import Path

import pytest
from PIL import Image

from app.page.asking import documents
from app.page.asking.documents import MAX_PAGES, with_pages
from app.page.kept.uploads import Uploads
from vlm.media.confined.limits import MediaCancelled, MediaError

pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    (tmp_path / "kept").mkdir()
    return Uploads(tmp_path / "kept")


def pdf(uploads: Uploads, name: str, num_pages: int) -> Path:
    path = uploads.folder / name
    pages = [Image.new("RGB", (30, 40), (i, 0, 0)) for i in range(num_pages)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    uploads.begin()
    uploads.end("somebody", [str(path)])
    return path


def rendered(files: list[Path], uploads: Uploads) -> tuple[list[tuple[str, float]], tuple]:
    steps, pages = [], with_pages(files, uploads, threading.Event())
    while True:
        try:
            steps.append(next(pages))
        except StopIteration as ended:
            return steps, ended.value


def test_a_long_document_shows_each_page_and_says_what_is_left_out(uploads: Uploads) -> None:
    path, photo = pdf(uploads, "long.pdf", 200), uploads.folder / "photo.png"
    steps, (files, notes) = rendered([photo, path], uploads)
    assert steps[0] == ("Opening long.pdf", 0.0)
    assert steps[2] == (f"Reading long.pdf: page 2 of {MAX_PAGES}", 1 / MAX_PAGES)
    assert [file.name for file in files[:3]] == ["photo.png", *_names(1, 2)]
    assert len(files) == 1 + MAX_PAGES
    assert notes == ("long.pdf: the first 8 of 200 pages.",)
    assert all(uploads.may_use("somebody", str(file)) for file in files[1:])


def _names(*numbers: int) -> list[str]:
    return [f"long, page {number}.png" for number in numbers]


def test_several_documents_share_the_pictures_of_a_question(uploads: Uploads) -> None:
    paths = [pdf(uploads, f"{name}.pdf", 9) for name in "abcd"]
    _, (files, notes) = rendered(paths, uploads)
    assert len(files) == 20
    assert notes[0] == "a.pdf: the first 5 of 9 pages."


def test_stop_ends_it_between_pages(uploads: Uploads) -> None:
    stop = threading.Event()
    pages = with_pages([pdf(uploads, "long.pdf", 3)], uploads, stop)
    assert [next(pages)[0] for _ in range(3)][-1].startswith("Reading long.pdf: page 2")
    stop.set()
    with pytest.raises(MediaCancelled):
        next(pages)


def test_a_document_that_takes_too_long_is_refused(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LONGEST", -1.0)
    with pytest.raises(MediaError, match='"slow.pdf" took longer than'):
        rendered([pdf(uploads, "slow.pdf", 2)], uploads)
