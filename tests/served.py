"""A running server of the tiny assistant, for tests of the API."""

import asyncio
import base64
import contextlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image
from tiny import tiny_assistant

from app.serve.keys import Keys
from app.serve.limits import ServeLimits
from app.serve.listening import listen
from app.serve.routes import build_api
from app.serve.service import Service
from vlm.assistant import Assistant

MODEL = "tiny"


class Served:
    """A server, its service, and a client without a key."""

    def __init__(self, service: Service, address: str) -> None:
        self.service, self.address = service, address
        self.client = httpx.Client(base_url=address, timeout=120, trust_env=False)

    def chat(self, content: Any, **fields: Any) -> httpx.Response:
        """Asks one question."""
        body = {"messages": [{"role": "user", "content": content}], "max_tokens": 8, **fields}
        return self.client.post("/v1/chat/completions", json=body)


@contextlib.contextmanager
def served(
    folder: Path,
    limits: ServeLimits | None = None,
    keys: tuple[str, ...] = (),
    assistant: Assistant | None = None,
    media_hosts: tuple[str, ...] = (),
    model: str = MODEL,
    media_folder: Path | None = None,
) -> Iterator[Served]:
    """Yields a server on a free port of loopback."""
    own = assistant or tiny_assistant()
    service = Service(
        own,
        model,
        folder,
        Keys(keys),
        limits or ServeLimits(),
        media_hosts,
        media_folder=media_folder,
    )
    listening = listen("127.0.0.1", 0)
    app = build_api(service)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    served = Served(service, f"http://127.0.0.1:{listening.getsockname()[1]}")
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join(60)
        served.client.close()
        if assistant is None:
            own.close()


def picture(color: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (48, 32)) -> str:
    """A PNG of one color as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), color, np.uint8)).save(buffer, "PNG")
    return data_url(buffer.getvalue(), "image/png")


def data_url(content: bytes, kind: str = "video/mp4") -> str:
    """Bytes as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def image_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def video_part(url: str, **options: Any) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": url}, **options}
