"""POST, GET and DELETE /v1/responses: conversations that the server keeps."""

import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.serve.answer.completion import media_of, usage_of
from app.serve.answer.response_store import Kept
from app.serve.answer.streaming import named_event, stream
from app.serve.errors import APIError
from app.serve.request.body import read_json
from app.serve.request.responses import ResponsesRequest, parse_responses
from app.serve.service import Service
from vlm.assistant import Finished, Planned, State, TextDelta


async def create_response(service: Service, request: Request, owner: str) -> Response:
    """Answers, whole or as a stream of typed events, and keeps the conversation."""
    asked = parse_responses(await read_json(request, service.limits), service.limits)
    service.check_model(asked.model)
    state = State()
    if asked.previous is not None:
        state = State(_kept(service, asked.previous, owner, "previous_response_id").state.turns)
    answer = _Answer(service.model, asked)
    events = _events(service, request, owner, answer, state)
    if asked.stream:
        return await stream(events, service.limits.idle_seconds, named_event, done="")
    async with contextlib.aclosing(events):
        async for event in events:
            last = event
    return JSONResponse(last["response"])


async def get_response(service: Service, request: Request, owner: str) -> Response:
    """Returns a kept answer."""
    return JSONResponse(_kept(service, request.path_params["id"], owner).record)


async def delete_response(service: Service, request: Request, owner: str) -> Response:
    """Forgets a kept answer; those that continue it stay."""
    key = request.path_params["id"]
    _kept(service, key, owner)
    service.responses.delete(key, owner)
    return JSONResponse({"id": key, "object": "response", "deleted": True})


def _kept(service: Service, key: str, owner: str, param: str = "id") -> Kept:
    kept = service.responses.get(key, owner)
    if kept is None:
        sentence = f"there is no response {key!r:.100}; it may have been dropped. Send all turns."
        raise APIError(404, sentence, code="response_not_found", param=param)
    return kept


async def _events(
    service: Service, request: Request, owner: str, answer: "_Answer", state: State
) -> AsyncGenerator[dict[str, Any], None]:
    """Yields the events of a response; the last one holds the whole response."""
    asked = answer.asked
    notes: Sequence[str] = ()
    async with service.running(request, owner, asked.dialog, state) as running:
        found = running.answers(asked.settings, 1)
        async with contextlib.aclosing(found):
            async for _, event in found:
                if isinstance(event, Planned):
                    notes = event.plan.notes
                    for opening in answer.opening():
                        yield opening
                elif isinstance(event, TextDelta):
                    yield answer.delta(event.piece)
                elif isinstance(event, Finished):
                    cut = event.cut or (event.stopped and running.watch.late)
                    record = answer.record(event, cut, media_of(event.seen, notes))
                    if asked.store:
                        service.responses.put(Kept(owner, record, event.state))
                    for closing in answer.closing(event.text, record):
                        yield closing


@dataclass
class _Answer:
    """The objects of one response."""

    model: str
    asked: ResponsesRequest
    id: str = field(default_factory=lambda: f"resp_{secrets.token_hex(16)}")
    item: str = field(default_factory=lambda: f"msg_{secrets.token_hex(16)}")
    created: int = field(default_factory=lambda: int(time.time()))
    number: int = 0

    def opening(self) -> list[dict[str, Any]]:
        begun = self._response("in_progress", [], None, None)
        return [
            self._event("response.created", response=begun),
            self._event("response.in_progress", response=begun),
            self._event(
                "response.output_item.added",
                output_index=0,
                item=self._message("in_progress", []),
            ),
            self._place("response.content_part.added", part=_text("")),
        ]

    def delta(self, piece: str) -> dict[str, Any]:
        return self._place("response.output_text.delta", delta=piece, logprobs=[])

    def closing(self, text: str, record: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            self._place("response.output_text.done", text=text, logprobs=[]),
            self._place("response.content_part.done", part=_text(text)),
            self._event("response.output_item.done", output_index=0, item=record["output"][0]),
            self._event(f"response.{record['status']}", response=record),
        ]

    def record(self, end: Finished, cut: bool, more: dict[str, Any]) -> dict[str, Any]:
        """Returns the whole response."""
        usage = usage_of([end.usage])
        status = "incomplete" if cut else "completed"
        counted = {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": usage["prompt_tokens_details"],
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        }
        message = self._message(status, [_text(end.text)])
        reason = {"reason": "max_output_tokens"} if cut else None
        return {**self._response(status, [message], counted, reason), **more}

    def _response(
        self,
        status: str,
        output: list[dict[str, Any]],
        usage: dict[str, Any] | None,
        incomplete: dict[str, Any] | None,
    ) -> dict[str, Any]:
        settings = self.asked.settings
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": incomplete,
            "instructions": self.asked.instructions,
            "max_output_tokens": settings.max_new_tokens,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": False,
            "previous_response_id": self.asked.previous,
            "store": self.asked.store,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "text": {"format": {"type": "text"}},
            "tool_choice": "none",
            "tools": [],
            "truncation": "disabled",
            "usage": usage,
            "metadata": self.asked.metadata,
        }

    def _message(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "message",
            "id": self.item,
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def _place(self, kind: str, **fields: Any) -> dict[str, Any]:
        place = {"item_id": self.item, "output_index": 0, "content_index": 0}
        return self._event(kind, **place, **fields)

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.number += 1
        return {"type": kind, "sequence_number": self.number - 1, **fields}


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
