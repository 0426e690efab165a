"""Clients that put a server under load, and the hostile files they send."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np


@dataclass(frozen=True)
class Answer:
    """A request's end. `seconds` until its last byte."""

    status: int
    text: str
    complete: bool  # the stream ended with [DONE], and without an error
    seconds: float


@dataclass(frozen=True)
class Client:
    """Asks for streams of `tokens` tokens."""

    http: httpx.AsyncClient
    tokens: int

    async def text(self, question: str) -> Answer:
        return await self._ask(question)

    async def film(self, content: bytes) -> Answer:
        """Asks about 8 frames of a film."""
        url = f"data:video/mp4;base64,{base64.b64encode(content).decode()}"
        part = {"type": "video_url", "video_url": {"url": url}, "num_frames": 8}
        return await self._ask([part, {"type": "text", "text": "What happens?"}])

    async def health(self) -> float:
        """Returns the seconds of one look at /health."""
        started = time.perf_counter()
        answer = await self.http.get("/health")
        assert answer.status_code == 200
        return time.perf_counter() - started

    async def _ask(self, content: Any) -> Answer:
        body = {
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self.tokens,
            "stream": True,
        }
        started = time.perf_counter()
        text, done, failed = "", False, False
        async with self.http.stream("POST", "/v1/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if line == "data: [DONE]":
                    done = True
                elif line.startswith("data: "):
                    chunk = json.loads(line[6:])
                    failed |= "error" in chunk
                    for choice in chunk.get("choices", ()):
                        text += choice["delta"].get("content", "")
        return Answer(
            response.status_code, text, done and not failed, time.perf_counter() - started
        )


def percentile(answers: Sequence[Answer], share: float) -> float:
    """Returns a percentile of the seconds."""
    return float(np.percentile([answer.seconds for answer in answers], share))


def write_films(folder: Path, count: int) -> list[bytes]:
    """Returns small films of a square that moves, each with a color and a length of its own."""
    films = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        _write_film(path, 24 * (number + 1), (200, 60 * number, 40))
        films.append(path.read_bytes())
    return films


def _write_film(path: Path, num_frames: int, color: tuple[int, int, int]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for i in range(num_frames):
            pixels = np.full((240, 320, 3), 90, np.uint8)
            pixels[80:160, 2 * i : 2 * i + 80] = color
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def again(film: bytes, number: int) -> bytes:
    """Returns a film with bytes at its end that no reader shows, so that no cache knows it."""
    return film + number.to_bytes(8, "big")


def hostile_files(folder: Path) -> list[bytes]:
    """Returns files that no decoder may trust: none can be read."""
    (good,) = write_films(folder, 1)
    seed = np.random.default_rng(0)
    return [
        seed.bytes(50_000),
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/film.ts\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        good[:2000],
        good[:32] + seed.bytes(len(good)),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x01" + bytes(200),
    ]
