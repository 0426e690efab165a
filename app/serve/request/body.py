"""Reads the body of a request: bounded in size, depth and patience, whole characters only."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from app.sanitize import whole_characters
from app.serve.errors import APIError, invalid
from app.serve.limits import ServeLimits


class Room:
    """Bounds the bytes of all bodies that are read or wait at a time. Used by one event loop."""

    def __init__(self, num_bytes: int) -> None:
        self.free = num_bytes

    @contextlib.contextmanager
    def take(self, request: Request, most: int) -> Iterator[None]:
        """Takes room for one body of at most `most` bytes. Raises APIError with 429 if full."""
        length = request.headers.get("content-length", "")
        wanted = min(int(length), most) if length.isdecimal() else most
        if not _is_json(request):  # uploads go to the disk, other requests have no body
            wanted = 0
        if wanted > self.free:
            sentence = "too many large requests are in progress. Try again in 5 s."
            raise APIError(429, sentence, code="rate_limit_exceeded", retry_after=5)
        self.free -= wanted
        try:
            yield
        finally:
            self.free += wanted


def patient(receive: Receive, seconds: float) -> Receive:
    """Returns `receive` that gives up on a body of which nothing comes for so many seconds.

    Raises APIError then. What follows the body, the client's disconnect, is waited for.
    """
    whole = False

    async def bounded() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            sentence = f"nothing of the body came for {seconds:g} s."
            raise APIError(408, sentence, code="body_timeout") from None
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return bounded


async def read_json(request: Request, limits: ServeLimits) -> Any:
    """Returns the JSON of a request. Raises APIError if it is none, or too large."""
    if not _is_json(request):  # other sites can send forms and plain text without asking
        raise APIError(415, "the body must be JSON: send Content-Type: application/json.")
    body = await read_bytes(request, limits.body)
    return await asyncio.to_thread(_parse, body, limits.depth)


async def read_bytes(request: Request, most: int) -> bytes:
    """Returns the body. Raises APIError if it exceeds `most` bytes, before reading the rest."""
    too_large = APIError(
        413,
        f"the body exceeds {most / 2**20:.0f} MB; send large files to /v1/files.",
        code="request_too_large",
    )
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise too_large
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                raise too_large
    except ClientDisconnect:
        raise APIError(400, "the request was cut off.") from None
    return bytes(body)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json"


def _parse(body: bytes, depth: int) -> Any:
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise invalid("the body is not valid JSON.", code="invalid_json") from None
    return _checked(value, depth)


def _checked(value: Any, depth: int) -> Any:
    """Returns the value with lone surrogates replaced, which no text can be written with."""
    if depth == 0:
        raise invalid("the body has too many lists and objects inside each other.")
    if isinstance(value, str):
        return value if value.isascii() else whole_characters(value)
    if isinstance(value, list):
        return [_checked(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {key: _checked(item, depth - 1) for key, item in value.items()}
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
