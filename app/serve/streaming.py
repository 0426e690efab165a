"""Server-sent events: JSON lines, a comment while nothing comes, and a last word."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import StreamingResponse

from app.serve.errors import APIError

PING_SECONDS = 5.0
PING = ": working\n\n"
DONE = "data: [DONE]\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Format = Callable[[Mapping[str, Any]], str]


def data_line(item: Mapping[str, Any]) -> str:
    """Formats an object as one event without a name."""
    return f"data: {json.dumps(item, ensure_ascii=False)}\n\n"


def named_event(item: Mapping[str, Any]) -> str:
    """Formats an object as an event named like its type, as Responses does."""
    return f"event: {item['type']}\n{data_line(item)}"


async def stream(
    items: AsyncIterator[Mapping[str, Any]], form: Format = data_line, done: str = DONE
) -> StreamingResponse:
    """Returns a response once the first item is there, so that early errors have a status."""
    first = await anext(items)
    return StreamingResponse(
        _events(first, items, form, done), media_type="text/event-stream", headers=HEADERS
    )


async def _events(
    first: Mapping[str, Any], items: AsyncIterator[Mapping[str, Any]], form: Format, done: str
) -> AsyncIterator[str]:
    """Yields the lines. A failure becomes an event, since the status has been sent."""
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
    yield done
