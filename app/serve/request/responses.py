"""The fields of POST /v1/responses."""

from dataclasses import dataclass
from typing import Any

from app.serve.errors import invalid
from app.serve.limits import ServeLimits
from app.serve.request.chat import parse_schema, parse_settings
from app.serve.request.fields import Fields
from app.serve.request.messages import Dialog, parse_messages
from vlm.assistant import Settings

WITHOUT_EFFECT = (
    "user",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "parallel_tool_calls",
    "stream_options",
)
UNSUPPORTED = (
    "tools",
    "tool_choice",
    "background",
    "conversation",
    "include",
    "max_tool_calls",
    "prompt",
    "reasoning",
    "top_logprobs",
)


@dataclass(frozen=True)
class ResponsesRequest:
    """What a response is asked for."""

    dialog: Dialog
    settings: Settings
    model: str | None
    previous: str | None
    instructions: str | None
    stream: bool
    store: bool
    metadata: dict[str, Any]


def parse_responses(value: Any, limits: ServeLimits) -> ResponsesRequest:
    """Reads the JSON of a response. Raises APIError that names the wrong field."""
    fields = Fields(value)
    given = fields.raw("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise invalid("input must be a string or a list of messages.", "input", "invalid_type")
    dialog = parse_messages(given, limits, "input")
    instructions = fields.text("instructions", None)
    if instructions is not None:
        system = [instructions] if dialog.system is None else [instructions, dialog.system]
        dialog.system = "\n\n".join(system)
    fields.choice("truncation", ("disabled", "auto"), "disabled")
    text = Fields(fields.raw("text", {}), "text")
    text.ignore(["verbosity"])
    schema = parse_schema(Fields(text.raw("format", {}), "text.format"))
    text.end()
    metadata = fields.raw("metadata", {})
    if not isinstance(metadata, dict):
        raise invalid("metadata must be an object.", "metadata", "invalid_type")
    asked = ResponsesRequest(
        dialog,
        parse_settings(fields, limits, None, schema),
        fields.text("model", None),
        fields.text("previous_response_id", None),
        instructions,
        fields.flag("stream"),
        fields.flag("store", True),
        metadata,
    )
    fields.ignore(WITHOUT_EFFECT)
    fields.refuse(UNSUPPORTED, neutral=("auto", "none", 0))
    fields.end()
    return asked
