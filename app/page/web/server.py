"""Serves the page, by default to this machine only, with headers that disarm hostile text."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from types import FrameType

import gradio as gr
import uvicorn
from fastapi import FastAPI, HTTPException, Response
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.page.asking.messages import FRAMES_PATH
from app.page.kept.live import LiveStreams
from app.page.kept.sessions import Sessions
from app.page.kept.uploads import Uploads, delete_private_folder, private_folder
from app.page.ui import build_page
from app.page.web.gate import Gate
from app.page.web.live_routes import add_live
from app.page.web.scripts import ASSETS, HEAD, add_scripts
from app.replier import Replier
from app.serve.by_path import ByPath
from vlm.media.confined.limits import DEFAULT_LIMITS

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_FILE_SIZE = DEFAULT_LIMITS.file_bytes  # more could not be read
HOUR = 3600  # seconds
EXPIRED = "This frame has expired."
LAST_WORDS = 1.0  # seconds answers have to end at shutdown

# Gradio's page needs an inline script, compiled event handlers (the two 'unsafe-') and a blob for
# its recorder. Fetching from, sending to and framing by other sites is forbidden.
POLICY = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}


class SafeHeaders:
    """ASGI middleware that adds HEADERS to every response.

    Starlette's BaseHTTPMiddleware would hide a closed tab from Gradio.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_safe if scope["type"] == "http" else send)


def build_app(
    assistant: Replier,
    host: str = "127.0.0.1",
    auth: tuple[str, str] | None = None,
    sessions: Sessions | None = None,
    at_once: int = 1,
    advice: str = "",
) -> FastAPI:
    """Builds the page as an ASGI application; it answers `at_once` questions at a time."""
    sessions, uploads, ending = sessions or Sessions(), Uploads(private_folder()), asyncio.Event()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def end() -> None:
            """Stops the answers, then closes open streams after LAST_WORDS."""
            sessions.stop_all()
            loop.call_soon_threadsafe(loop.call_later, LAST_WORDS, ending.set)

        app.state.end = end
        cleaning = asyncio.create_task(_delete_old_files(uploads))
        yield
        cleaning.cancel()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.end, app.state.uploads = sessions.stop_all, uploads
    app.add_middleware(Gate, uploads=uploads, ending=ending)
    if host in LOOPBACK:  # against DNS rebinding
        app.add_middleware(
            TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]", "::1"]
        )

    app.add_middleware(SafeHeaders)

    @app.get(f"/{FRAMES_PATH}/{{key}}/{{index}}.jpg")
    def picture(key: str, index: int) -> Response:
        strip = sessions.strip(key)
        if strip is None or not 0 <= index < len(strip.pictures):
            raise HTTPException(404, EXPIRED)
        return _jpeg(strip.pictures[index])

    @app.get(f"/{FRAMES_PATH}/{{key}}/boxes/{{index}}.jpg")
    def picture_with_boxes(key: str, index: int) -> Response:
        strip = sessions.strip(key)
        if strip is None or not 0 <= index < len(strip.pictures):
            raise HTTPException(404, EXPIRED)
        boxed = strip.boxed(index)
        if boxed is None:
            raise HTTPException(404, "No expert looked at this frame.")
        return _jpeg(boxed)

    live = LiveStreams(assistant)
    add_scripts(app)
    add_live(app, live)
    blocks = build_page(assistant, sessions, uploads, live, at_once, advice)
    blocks.has_launched = True  # without this Gradio skips its own upload check
    return gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name=host,
        auth=auth,
        favicon_path=str(ASSETS / "icon.png"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size=MAX_FILE_SIZE,
        theme=_theme(),
        css_paths=[ASSETS / "page.css"],
        head=HEAD,
    )


def _jpeg(picture: bytes) -> Response:
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(picture, media_type="image/jpeg", headers=headers)


class _Server(uvicorn.Server):
    """Lets running answers end at shutdown."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_exit()
        super().handle_exit(sig, frame)


def serve(app: FastAPI | ByPath, listening: socket.socket) -> None:
    """Serves on a listening socket until SIGINT or SIGTERM.

    Running answers end as if stopped, open connections close after two seconds, and this server's
    files are deleted.
    """
    config = uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=2)
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        _Server(config, lambda: app.state.end()).run([listening])
    finally:
        delete_private_folder()
        signal.signal(signal.SIGTERM, before)


async def _delete_old_files(uploads: Uploads) -> None:
    while True:
        await asyncio.sleep(HOUR)
        await asyncio.to_thread(uploads.delete_old)


def _theme() -> gr.themes.Base:
    """Neutral grays, one teal, and system fonts; nothing is fetched."""
    sans = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=sans,
        font_mono=mono,
    )
