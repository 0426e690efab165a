"""POST /v1/decisions: probabilities of given answers in place of prose, also over time.

{"messages": [...], "decision": {"type": "yes_no"}}
{"messages": [...], "decision": {"type": "choice", "options": ["open", "closed"]}}
{"messages": [...], "decision": {"type": "score", "low": 1, "high": 5}, "every": 1.0}
"""

import secrets
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.decisions import Decision, windows
from app.serve.answer.completion import media_of, usage_of
from app.serve.errors import APIError, invalid
from app.serve.request.body import read_json
from app.serve.request.chat import parse_media_settings
from app.serve.request.fields import Fields
from app.serve.request.messages import parse_messages
from app.serve.service import Running, Service
from vlm.assistant import Decided

MAX_WINDOWS = 600


async def create_decision(service: Service, request: Request, owner: str) -> Response:
    """Decides once, or for each step of a film's time."""
    fields = Fields(await read_json(request, service.limits))
    service.check_model(fields.text("model", None))
    dialog = parse_messages(fields.items("messages"), service.limits)
    decision = _decision(Fields(fields.raw("decision", {}), "decision"))
    every = fields.number("every", 0.1, 3600)
    settings = parse_media_settings(fields)
    fields.ignore(["user", "metadata"])
    fields.end()
    films = [part for part in dialog.turns[-1].media if part.kind != "image"]
    if every is not None and (len(films) != 1 or len(dialog.media) != 1):
        raise invalid("every needs one video, in the last message.", "every")
    async with service.running(request, owner, dialog) as running:
        sections: list[tuple[float, float] | None] = [None]
        if every is not None:
            sections = [*await _sections(running, float(every))]
        decided = []
        for section in sections:
            async for _, event in running.decisions(settings, decision.options, section):
                if isinstance(event, Decided):
                    decided.append(event)
    calibration = service.calibration
    body: dict[str, Any] = {
        "id": f"decision-{secrets.token_hex(12)}",
        "object": "decision",
        "created": int(time.time()),
        "model": service.model,
    }
    if every is None:
        body |= decision.answer(decided[0], calibration) | media_of(decided[0].seen, ())
    else:
        body["series"] = [
            {"start": section[0], "end": section[1], **decision.answer(one, calibration)}
            for section, one in zip(sections, decided, strict=True)
            if section is not None
        ]
    return JSONResponse(body | {"usage": usage_of([one.usage for one in decided])})


async def _sections(running: Running, every: float) -> list[tuple[float, float]]:
    """Returns the steps of the only film's time, or of the section its part names."""
    source = running.question.files[0]
    duration = await running.duration(source)
    if duration is None:
        raise invalid("every needs a video.", "every")
    first, last = source.start or 0.0, min(source.end or duration, duration)
    steps = windows(max(last - first, 0.0), every)
    if len(steps) > MAX_WINDOWS:
        sentence = f"every gives {len(steps)} decisions; at most {MAX_WINDOWS} are taken."
        raise invalid(sentence, "every")
    return [(first + start, first + end) for start, end in steps]


def _decision(fields: Fields) -> Decision:
    kind = fields.choice("type", ("yes_no", "choice", "score"))
    options = fields.items("options", [])
    low, high = fields.integer("low", 0, 1000), fields.integer("high", 0, 1000)
    fields.end()
    if not all(isinstance(option, str) for option in options):
        raise invalid("decision.options must be strings.", "decision.options")
    try:
        return Decision.of(kind, options, low, high)
    except ValueError as error:
        raise APIError(400, str(error), code="invalid_value", param="decision") from None
