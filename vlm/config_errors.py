"""Checks values from JSON, YAML or a command line against types; every error is one sentence.

pydantic does the checking. Its report of several lines becomes a sentence that names the field,
what it must be (with the bounds of the type) and what was given:

    tower.dim must be a whole number from 1 to 1048576, not "wide"

The sentence has no file name and no final period: the caller knows where the values come from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vlm.unknown_name import did_you_mean

MAX_QUOTED = 60  # characters of a wrong value
MISSING = object()
Schema = Mapping[str, Any]  # of JSON Schema


def checked(kind: Any, value: Any, where: str = "", strict: bool = True) -> Any:
    """Returns `value` as an instance of the type `kind`; a JSON list becomes a tuple.

    `kind` is any type that pydantic knows: `Annotated[int, Field(ge=1)]`, `float | None`, a
    dataclass. `where` is the dotted name of the value, "" for the whole file. `strict` refuses
    texts for numbers and numbers for texts. Raises ValueError with one sentence.
    """
    adapter = adapter_of(kind)
    try:
        if strict:  # only JSON has lists for tuples in strict mode
            return adapter.validate_json(json.dumps(value, default=str), strict=True)
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValueError(sentence(error, adapter, value, where)) from None


@cache
def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """pydantic's validator of a type, built once."""
    return TypeAdapter(kind)


def sentence(error: ValidationError, adapter: TypeAdapter[Any], given: Any, where: str = "") -> str:
    """Returns the first problem of a validation error in one sentence.

    `given` is the validated value, `where` its dotted name.
    """
    problem = error.errors(include_url=False)[0]
    root: Schema = adapter.json_schema()
    name, schema, value = where, root, given
    for step in problem["loc"]:
        inner = _field(root, schema, step)
        if inner is None:
            if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
                return unknown_field(_joined(name, step), *_fields(root, schema))
            continue  # pydantic's name for a member of a union
        name, schema, value = _joined(name, step), inner, _item(value, step)
    if value is MISSING:
        return f"{name} is missing"
    if problem["type"] == "value_error":  # raised by the dataclass itself, in its own words
        reason = str(problem["ctx"]["error"])
        return f"{name}: {reason}" if name else reason
    return f"{name or 'it'} must be {expected(schema, root)}, not {quoted(value)}"


def unknown_field(name: str, kind: str, known: Iterable[str]) -> str:
    """Returns a sentence for a field that `kind` does not have."""
    fields = list(known)
    guess = did_you_mean(name.rpartition(".")[2], fields).removesuffix(".")
    return f"{name} is not a field of {kind}; its fields are {', '.join(fields)}{guess}"


def expected(schema: Schema, root: Schema | None = None) -> str:
    """What a value of this JSON schema is, in words: "a whole number from 1 to 8"."""
    schema = _resolved(root or schema, schema)
    if "anyOf" in schema:
        return " or ".join(expected(one, root) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        members = schema.get("enum", [schema.get("const")])
        known = ", ".join(str(member) or '""' for member in members)
        return f"one of {known}" if "enum" in schema else known
    kind = schema.get("type", "")
    if kind == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        of = {"integer": "whole numbers", "number": "numbers", "string": "texts"}
        what = of.get(_resolved(root or schema, items[0]).get("type", ""), "entries")
        count = f"{len(items)} " if "prefixItems" in schema else ""
        return f"a list of {count}{what}"
    words = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "object": "an object",
    }
    return words.get(kind, str(kind)) + _range(schema)


def quoted(value: Any) -> str:
    """Returns a value as JSON writes it, cut to a length that fits a sentence."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) < MAX_QUOTED else text[: MAX_QUOTED - 3] + "..."


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    limits = {
        "minimum": "of at least",
        "exclusiveMinimum": "above",
        "maximum": "of at most",
        "exclusiveMaximum": "below",
    }
    given = [f"{words} {_number(schema[key])}" for key, words in limits.items() if key in schema]
    return f" {' and '.join(given)}" if given else ""


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _joined(name: str, step: str | int) -> str:
    return f"{name}.{step}" if name else str(step)


def _item(value: Any, step: str | int) -> Any:
    if isinstance(step, int) and not isinstance(value, (list, tuple)):
        return value  # a single entry in place of a list
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return MISSING


def _resolved(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _members(root: Schema, schema: Schema) -> list[Schema]:
    """Returns the schema itself, or the members of a union."""
    schema = _resolved(root, schema)
    return [_resolved(root, one) for one in schema.get("anyOf", [schema])]


def _field(root: Schema, schema: Schema, step: str | int) -> Schema | None:
    """Returns the schema of a field or list entry; None if there is no such field.

    A list of a fixed length is described as a whole, not by its entries.
    """
    for member in _members(root, schema):
        if isinstance(step, int) and "items" in member and "prefixItems" not in member:
            return member["items"]
        if step in member.get("properties", {}):
            return member["properties"][step]
    return None


def _fields(root: Schema, schema: Schema) -> tuple[str, list[str]]:
    """Returns the name of a dataclass and those of its fields."""
    for member in _members(root, schema):
        if "properties" in member:
            return member.get("title", "object"), list(member["properties"])
    return "object", []
