"""Clients that put a server under load, and the hostile files they send."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.chat import write_clip


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


def hostile_files(folder: Path) -> list[bytes]:
    """Returns files that no decoder may trust: none can be read."""
    path = folder / "good.mp4"
    write_clip(path, seconds=2)
    good = path.read_bytes()
    seed = np.random.default_rng(0)
    return [
        seed.bytes(50_000),
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/film.ts\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        good[:2000],
        good[:32] + seed.bytes(len(good)),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x01" + bytes(200),
    ]
