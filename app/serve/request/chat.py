"""The fields of a chat completion."""

import json
from dataclasses import dataclass, replace
from typing import Any

from app.serve.errors import APIError, invalid
from app.serve.limits import ServeLimits
from app.serve.request.fields import Fields
from app.serve.request.messages import Dialog, parse_messages
from vlm.assistant import Settings
from vlm.inference.decoding.grammar import ANY_JSON

DEFAULT_TOKENS = 1024  # the budget shortens it to what the context leaves
MAX_TOP_LOGPROBS = 20

# They change nothing about an answer of this server.
WITHOUT_EFFECT = (
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "parallel_tool_calls",
)
UNSUPPORTED = (
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "audio",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "prediction",
    "web_search_options",
    "verbosity",
    "guided_json",
)


@dataclass(frozen=True)
class ChatRequest:
    """What a chat completion asks for."""

    dialog: Dialog
    settings: Settings
    model: str | None
    num_choices: int = 1
    stream: bool = False
    include_usage: bool = False


def parse_chat(value: Any, limits: ServeLimits) -> ChatRequest:
    """Reads the JSON of a chat completion. Raises APIError that names the wrong field."""
    fields = Fields(value)
    model = fields.text("model", None)
    dialog = parse_messages(fields.items("messages"), limits)
    stream = fields.flag("stream")
    options = Fields(fields.raw("stream_options", {}), "stream_options")
    include_usage = options.flag("include_usage")
    options.ignore(["include_obfuscation"])
    options.end()
    if "stream_options" in fields and not stream:
        raise invalid("stream_options needs stream to be true.", "stream_options")
    num_choices = fields.integer("n", 1, limits.choices, 1)
    modalities = fields.items("modalities", ["text"])
    if modalities != ["text"]:
        raise APIError(400, "this server answers with text only.", param="modalities")
    schema = parse_schema(Fields(fields.raw("response_format", {}), "response_format"))
    settings = parse_settings(fields, limits, _num_logprobs(fields), schema)
    fields.ignore(WITHOUT_EFFECT)
    fields.refuse(UNSUPPORTED, neutral=(0, "none", "auto"))
    fields.end()
    return ChatRequest(dialog, settings, model, num_choices, stream, include_usage)


def parse_schema(form: Fields) -> str | None:
    """Reads the form of the answer: text, any JSON object, or JSON of a schema.

    Chat completions nest the schema in `json_schema`, Responses do not.
    """
    kind = form.choice("type", ("text", "json_object", "json_schema"), "text")
    schema = None
    if kind == "json_object":
        schema = ANY_JSON
    elif kind == "json_schema":
        nested = (
            Fields(form.raw("json_schema"), form.place("json_schema"))
            if ("json_schema" in form)
            else form
        )
        given = nested.raw("schema")
        if not isinstance(given, dict):
            raise invalid(f"{nested.place('schema')} must be an object.", nested.place("schema"))
        nested.ignore(["name", "description", "strict"])
        nested.end()
        schema = json.dumps(given)
    form.end()
    return schema


def parse_settings(
    fields: Fields, limits: ServeLimits, num_logprobs: int | None, schema: str | None
) -> Settings:
    """Reads how to sample and how closely to look, the same for chat completions and Responses."""
    penalty = None if schema is None else 1.0  # JSON repeats its quotes and commas
    names = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    most = [fields.integer(name, 1, 2**31) for name in names]
    longest = next((number for number in most if number is not None), DEFAULT_TOKENS)
    media = parse_media_settings(fields)
    seed = fields.integer("seed", -(2**63), 2**63 - 1)
    return replace(
        media,
        max_new_tokens=min(longest, limits.new_tokens),
        temperature=_temperature(fields),
        top_p=fields.real("top_p", 1e-6, 1),
        repetition_penalty=fields.real("repetition_penalty", 0.01, 100, penalty),
        seed=None if seed is None else seed % 2**63,
        stop=_stops(fields, limits),
        schema=schema,
        num_logprobs=num_logprobs,
    )


def parse_media_settings(fields: Fields) -> Settings:
    """Reads how closely to look at all media; each part may choose for itself."""
    return Settings(
        num_frames=fields.integer("num_frames", 1, 10**6, _media_options(fields)),
        looks=fields.integer("looks", 1, 10**6),
        max_tiles=fields.integer("tiles", 1, 10**6),
    )


def _temperature(fields: Fields) -> float | None:
    """Returns the temperature; below a thousandth it is greedy. None: the model's own."""
    temperature = fields.real("temperature", 0, 2)
    return temperature if temperature is None or temperature >= 1e-3 else 0.0


def _stops(fields: Fields, limits: ServeLimits) -> tuple[str, ...]:
    given = fields.raw("stop", [])
    stops = [given] if isinstance(given, str) else given
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise invalid("stop must be a string or a list of strings, none empty.", "stop")
    if len(stops) > limits.stops or any(len(stop) > limits.stop for stop in stops):
        sentence = f"stop takes at most {limits.stops} strings of {limits.stop} characters."
        raise invalid(sentence, "stop")
    return tuple(stops)


def _num_logprobs(fields: Fields) -> int | None:
    wanted = fields.flag("logprobs")
    top = fields.integer("top_logprobs", 0, MAX_TOP_LOGPROBS)
    if top is not None and not wanted:
        raise invalid("top_logprobs needs logprobs to be true.", "top_logprobs")
    return (top or 0) if wanted else None


def _media_options(fields: Fields) -> int | None:
    """Reads vLLM's `media_io_kwargs`, of which the number of frames is known."""
    kinds = Fields(fields.raw("media_io_kwargs", {}), "media_io_kwargs")
    video = Fields(kinds.raw("video", {}), "media_io_kwargs.video")
    num_frames = video.integer("num_frames", 1, 10**6)
    video.end()
    kinds.end()
    return num_frames
