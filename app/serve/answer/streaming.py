"""Server-sent events: JSON lines, a comment while nothing comes, and a last word."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.serve.errors import APIError

PING_SECONDS = 5.0
PING = ": working\n\n"
DONE = "data: [DONE]\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Format = Callable[[Mapping[str, Any]], str]


class Events(StreamingResponse):
    """Ends when its reader takes nothing for some seconds; its answer ends with it."""

    def __init__(self, lines: AsyncGenerator[str, None], seconds: float) -> None:
        super().__init__(lines, media_type="text/event-stream", headers=HEADERS)
        self._lines, self._seconds = lines, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_soon(message: Message) -> None:
            await asyncio.wait_for(send(message), self._seconds)

        with contextlib.suppress(TimeoutError):
            async with contextlib.aclosing(self._lines):
                await super().__call__(scope, receive, send_soon)


def data_line(item: Mapping[str, Any]) -> str:
    """Formats an object as one event without a name."""
    return f"data: {json.dumps(item, ensure_ascii=False)}\n\n"


def named_event(item: Mapping[str, Any]) -> str:
    """Formats an object as an event named like its type, as Responses does."""
    return f"event: {item['type']}\n{data_line(item)}"


async def stream(
    items: AsyncGenerator[Mapping[str, Any], None],
    seconds: float,
    form: Format = data_line,
    done: str = DONE,
) -> Events:
    """Returns a response once the first item is there, so that early errors have a status.

    It gives up on a reader that takes nothing for so many `seconds`.
    """
    first = await anext(items)
    return Events(_events(first, items, form, done), seconds)


async def _events(
    first: Mapping[str, Any],
    items: AsyncGenerator[Mapping[str, Any], None],
    form: Format,
    done: str,
) -> AsyncGenerator[str, None]:
    """Yields the lines. A failure becomes an event, since the status has been sent."""
    async with contextlib.aclosing(items):
        yield form(first)
        coming = asyncio.ensure_future(anext(items))
        try:
            while True:
                ready, _ = await asyncio.wait((coming,), timeout=PING_SECONDS)
                if not ready:
                    yield PING
                    continue
                yield form(coming.result())
                coming = asyncio.ensure_future(anext(items))
        except StopAsyncIteration:
            pass
        except APIError as error:
            yield form({"type": "error", **error.body})
        finally:
            coming.cancel()
            await asyncio.wait((coming,))
        yield done
