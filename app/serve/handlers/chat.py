"""POST /v1/chat/completions."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.serve.answer.completion import (
    Completion,
    choice_of,
    logprobs_of,
    media_of,
    reason_of,
    usage_of,
)
from app.serve.answer.streaming import stream
from app.serve.request.body import read_json
from app.serve.request.chat import ChatRequest, parse_chat
from app.serve.service import Service
from vlm.assistant import Finished, Planned, TextDelta
from vlm.inference.decoding.sampler import Logprob


async def chat_completions(service: Service, request: Request, owner: str) -> Response:
    """Answers a conversation, whole or as a stream."""
    asked = parse_chat(await read_json(request, service.limits), service.limits)
    service.check_model(asked.model)
    completion = Completion(service.model, asked.include_usage)
    if asked.stream:
        chunks = _chunks(service, request, owner, asked, completion)
        return await stream(chunks, service.limits.idle_seconds)
    return JSONResponse(await _whole(service, request, owner, asked, completion))


async def _whole(
    service: Service, request: Request, owner: str, asked: ChatRequest, completion: Completion
) -> dict[str, Any]:
    ends: dict[int, Finished] = {}
    logprobs: dict[int, list[Logprob]] = {i: [] for i in range(asked.num_choices)}
    notes: Sequence[str] = ()
    async with service.running(request, owner, asked.dialog) as running:
        async for index, event in running.answers(asked.settings, asked.num_choices):
            if isinstance(event, Planned):
                notes = event.plan.notes
            elif isinstance(event, TextDelta):
                logprobs[index] += event.logprobs
            elif isinstance(event, Finished):
                ends[index] = event
        late = running.watch.late
    tokenizer = service.assistant.tokenizer
    choices = [
        choice_of(i, ends[i], reason_of(ends[i], late), logprobs_of(logprobs[i], tokenizer))
        for i in range(asked.num_choices)
    ]
    usage = usage_of([ends[i].usage for i in range(asked.num_choices)])
    return completion.whole(choices, usage, **media_of(ends[0].seen, notes))


async def _chunks(
    service: Service, request: Request, owner: str, asked: ChatRequest, completion: Completion
) -> AsyncGenerator[dict[str, Any], None]:
    """Yields the chunks: role, text, reason, and the usage if it is asked for."""
    tokenizer = service.assistant.tokenizer
    ends: dict[int, Finished] = {}
    notes: Sequence[str] = ()
    async with service.running(request, owner, asked.dialog) as running:
        answers = running.answers(asked.settings, asked.num_choices)
        async with contextlib.aclosing(answers):
            async for index, event in answers:
                if isinstance(event, Planned):
                    notes = event.plan.notes
                    yield completion.chunk(index, {"role": "assistant", "content": ""})
                elif isinstance(event, TextDelta):
                    logprobs = logprobs_of(event.logprobs, tokenizer)
                    yield completion.chunk(index, {"content": event.piece}, logprobs)
                elif isinstance(event, Finished):
                    ends[index] = event
                    reason = reason_of(event, running.watch.late)
                    more = media_of(event.seen, notes) if index == 0 else {}
                    yield completion.chunk(index, {}, reason=reason, **more)
    if asked.include_usage:
        usage = usage_of([ends[i].usage for i in range(asked.num_choices)])
        yield completion.usage_chunk(usage)
