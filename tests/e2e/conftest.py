"""A browser with the page, and a tiny assistant with files; several tests share them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from media_maker import write_video
from PIL import Image
from tiny import tiny_assistant

from vlm.assistant import Assistant

if TYPE_CHECKING:
    from page_driver import Server
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    " --disable-sync --use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
    " --auto-select-desktop-capture-source=Entire"
)


@pytest.fixture(scope="module")
def page_server() -> "Iterator[Server]":
    pytest.importorskip("playwright", reason="playwright is not installed")
    from page_driver import Server

    served = Server()
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One for each file: while it is open, an event loop runs in the thread of the tests."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()


@pytest.fixture
def troubles() -> list[str]:
    """What the page complained of, and what it asked of anybody outside."""
    return []


@pytest.fixture
def page(page_server: "Server", browser: "Browser", troubles: list[str]) -> "Iterator[Page]":
    """A fresh browser profile on a phone; the test fails if there were troubles."""
    from page_driver import visit

    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.on("request", lambda r: _watch(r.url, page_server.address, troubles))
    context.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
    context.on("weberror", lambda e: troubles.append(str(e.error)))
    tab = context.new_page()
    visit(tab, page_server)
    yield tab
    context.close()
    assert troubles == []


def _watch(url: str, address: str, troubles: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:")):
        troubles.append(f"asked for {url}")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures, a film of 5 s, and a file that is no film."""
    folder = tmp_path_factory.mktemp("media")
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    wide = rng.integers(0, 256, (60, 180, 3), dtype=np.uint8)
    Image.fromarray(wide).save(folder / "wide.png")
    write_video(folder / "clip.mp4", 150)
    (folder / "broken.mp4").write_bytes(b"not a video at all")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    """A tiny one of random weights."""
    made = tiny_assistant()
    yield made
    made.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), (200, 40, 40)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(10):
            picture = Image.new("RGB", (64, 48), (20 * i, 60, 60))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path
