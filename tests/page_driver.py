"""Drives the page in a real browser, with an assistant whose answers are scripted."""

import socket
import threading
import time
from pathlib import Path

from fake_assistant import FakeAssistant
from playwright.sync_api import Page, expect

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not broken


class Server:
    """The page, served from a thread of this process."""

    def __init__(self) -> None:
        import uvicorn

        from app.page.server import build_app, free_port
        from app.page.sessions import Sessions

        self.assistant = FakeAssistant()
        self.sessions = Sessions()
        port = free_port("127.0.0.1", 17860)
        app = build_app(self.assistant, sessions=self.sessions)
        self.uploads = app.state.uploads
        self.blocks = next(route.app.blocks for route in app.routes if hasattr(route.app, "blocks"))
        config = uvicorn.Config(
            app, port=port, log_level="error", timeout_graceful_shutdown=1, ws="none"
        )
        self.uvicorn = uvicorn.Server(config)
        self.address = f"http://127.0.0.1:{port}/"
        self.thread = threading.Thread(target=self.uvicorn.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("the page's server did not start")

    def close(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(10)


def visit(tab: Page, server: Server) -> None:
    tab.goto(server.address)
    expect(tab.locator("#composer textarea")).to_be_editable()


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
