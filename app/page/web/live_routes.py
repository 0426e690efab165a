"""The routes to which a browser sends its live picture."""

import asyncio
import json
import math

import numpy as np
from fastapi import FastAPI, HTTPException, Request

from app.page.kept.live import ENDED, LONGEST_SIDE, LiveStreams, Watch
from app.sanitize import whole_characters

LIVE = "live"
MAX_WATCH = 2000  # bytes
NO_FRAME = "A frame has width x height x 3 bytes and a time in seconds."
NO_WATCH = "To wait for something takes a question and a threshold from 0 to 1."


def add_live(app: FastAPI, streams: LiveStreams) -> None:
    """Adds the routes; `app.page.web.gate` admits only names of the right form."""

    @app.post(f"/{LIVE}/{{name}}/frame")
    async def frame(name: str, width: int, height: int, time: float, request: Request) -> dict:
        if not (min(width, height) > 0 and max(width, height) <= LONGEST_SIDE):
            raise HTTPException(400, NO_FRAME)
        size = 3 * width * height
        if request.headers.get("content-length") != str(size) or not 0 <= time < math.inf:
            raise HTTPException(400, NO_FRAME)
        body = await request.body()
        if len(body) != size:
            raise HTTPException(400, NO_FRAME)
        pixels = np.frombuffer(body, np.uint8).reshape(height, width, 3)
        try:
            return await asyncio.to_thread(streams.see, name, pixels, time)
        except KeyError:
            raise HTTPException(404, ENDED) from None
        except ValueError as error:
            raise HTTPException(409, str(error)) from None

    @app.post(f"/{LIVE}/{{name}}/watch")
    async def watch(name: str, request: Request) -> dict:
        if not streams.follows(name):
            raise HTTPException(404, ENDED)
        try:
            streams.watch(name, _watch(await _small(request)))
        except KeyError:
            raise HTTPException(404, ENDED) from None
        except ValueError:
            raise HTTPException(400, NO_WATCH) from None
        return {}

    @app.post(f"/{LIVE}/{{name}}/end")
    async def end(name: str) -> dict:
        streams.end(name)
        return {}


async def _small(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MAX_WATCH:
        raise ValueError(NO_WATCH)
    return await request.body()


def _watch(body: bytes) -> Watch | None:
    """Reads {"question": ..., "threshold": ...}; null ends the waiting."""
    given = json.loads(body)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ValueError(NO_WATCH)
    question, threshold = given.get("question"), given.get("threshold")
    if not isinstance(question, str) or not question.strip():
        raise ValueError(NO_WATCH)
    if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise ValueError(NO_WATCH)
    return Watch(whole_characters(question).strip(), float(threshold))
