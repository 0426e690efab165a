"""Drives the page in a real browser, with an assistant whose answers are scripted."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fake_assistant import FakeAssistant
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from fastapi import FastAPI

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not broken


class Serving:
    """An application of the page, served from a thread of this process on a port of its own."""

    def __init__(self, app: "FastAPI") -> None:
        import uvicorn

        from app.serve.listening import listen

        listener = listen("127.0.0.1", 0)
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none")
        self.uvicorn = uvicorn.Server(config)
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        self.thread = threading.Thread(target=self.uvicorn.run, args=([listener],), daemon=True)
        self.thread.start()  # who connects earlier waits in the listener's queue

    def close(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(60)


class Server(Serving):
    """The page with a scripted assistant."""

    def __init__(self) -> None:
        from app.page.kept.sessions import Sessions
        from app.page.web.server import build_app

        self.assistant = FakeAssistant()
        self.sessions = Sessions()
        app = build_app(self.assistant, sessions=self.sessions)
        self.uploads = app.state.uploads
        self.blocks = next(route.app.blocks for route in app.routes if hasattr(route.app, "blocks"))
        super().__init__(app)


def visit(tab: Page, server: Serving) -> None:
    tab.goto(server.address)
    begun(tab)


def begun(tab: Page) -> None:
    """Waits until the page answers to its buttons and keys."""
    expect(tab.locator("#composer textarea")).to_be_editable()
    tab.evaluate("revisit.then((page) => page.begun)")


def ask(tab: Page, text: str, *files: Path) -> None:
    if files:
        tab.locator("#composer input[type=file]").set_input_files([str(file) for file in files])
        expect(tab.locator("#composer .thumbnail-item")).to_have_count(len(files))
    tab.locator("#composer textarea").fill(text)
    tab.keyboard.press("Enter")


def finished(tab: Page, count: int = 1) -> None:
    """Waits for that many answers, and for the text box to be free again."""
    expect(tab.locator("#chat .facts")).to_have_count(count)
    expect(tab.locator("#composer textarea")).to_be_editable()


def restart(server: Server) -> None:
    """Makes the server forget all conversations and uploads, as a restart does."""
    server.sessions.__init__()  # type: ignore[misc]
    server.uploads._kept = {
        path: kept for path, kept in server.uploads._kept.items() if not kept.visitors
    }
