"""The page and the API on one port, `chat --api`, in a real browser and over HTTP at once."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image
from served import MODEL, image_part, picture
from tiny import tiny_assistant

from app.page.web.server import build_app
from app.serve.by_path import ByPath
from app.serve.listening import listen
from app.serve.service import Service

CHROMIUM = "/usr/bin/chromium"
pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
]

from playwright.sync_api import Browser, expect  # noqa: E402


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    assistant = tiny_assistant()
    service = Service(assistant, MODEL, tmp_path)
    app = ByPath(build_app(assistant, at_once=2), service, "127.0.0.1")
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(60)
    assistant.close()


def test_a_visitor_and_a_program_are_answered_at_once(
    address: str, tmp_path: Path, browser: Browser
) -> None:
    Image.new("RGB", (64, 48), (200, 40, 40)).save(tmp_path / "photo.png")
    troubles: list[str] = []
    found: list[dict[str, Any]] = []

    def program() -> None:
        content = [image_part(picture()), {"type": "text", "text": "Go on."}]
        body = {"messages": [{"role": "user", "content": content}], "max_tokens": 100}
        with httpx.Client(timeout=120, trust_env=False) as client:
            for _ in range(3):
                found.append(client.post(f"{address}/v1/chat/completions", json=body).json())

    with browser.new_page() as tab:
        tab.set_default_timeout(60_000)
        tab.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        tab.on("request", lambda r: None if _is_own(r.url, address) else troubles.append(r.url))
        tab.goto(address)
        box = tab.locator("#composer textarea")
        expect(box).to_be_editable(timeout=60_000)
        thread = threading.Thread(target=program)
        thread.start()
        photo = str(tmp_path / "photo.png")
        tab.locator("#composer input[type=file]").set_input_files([photo])
        expect(tab.locator("#composer .thumbnail-item")).to_have_count(1, timeout=60_000)
        box.fill("What is it?")
        tab.keyboard.press("Enter")
        expect(tab.locator("#chat .facts")).to_have_count(1, timeout=60_000)
        thread.join()
        for path in ("/v1/models", "/health", "/metrics"):
            assert tab.request.get(f"{address}{path}").ok
    assert troubles == []
    assert len(found) == 3
    assert all(answer["choices"][0]["message"]["content"] for answer in found)


def _is_own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))
