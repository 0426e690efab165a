"""A client's messages as a question: system text, earlier turns, and what is asked last."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.serve.errors import invalid
from app.serve.limits import ServeLimits
from app.serve.request.fields import Fields
from app.serve.request.parts import MediaPart, Part, parse_content

ROLES = ("system", "developer", "user", "assistant")
BETWEEN = "\n\n"  # of messages of one role that follow each other


@dataclass
class UserTurn:
    """A question: the text before each medium, the media, the text after the last of them."""

    before: list[str] = field(default_factory=list)
    media: list[MediaPart] = field(default_factory=list)
    text: str = ""
    answer: str | None = None  # None: the question to answer

    def add(self, parts: Sequence[Part]) -> None:
        """Appends the parts of a message."""
        if self.text and parts:
            self.text += BETWEEN
        for i, part in enumerate(parts):
            if isinstance(part, MediaPart):
                self.before.append(self.text)
                self.media.append(part)
                self.text = ""
            else:
                joined = i > 0 and isinstance(parts[i - 1], str)
                self.text += ("\n" if joined else "") + part


@dataclass
class Dialog:
    """All messages of a request. The last turn is the one to answer."""

    system: str | None
    turns: list[UserTurn]

    @property
    def media(self) -> list[MediaPart]:
        return [part for turn in self.turns for part in turn.media]


def parse_messages(items: Sequence[Any], limits: ServeLimits, where: str = "messages") -> Dialog:
    """Reads messages. Raises APIError if they do not end with a question."""
    if len(items) > limits.messages:
        raise invalid(f"{where} has {len(items)} items; at most {limits.messages} fit.", where)
    system: list[str] = []
    turns: list[UserTurn] = []
    for i, item in enumerate(items):
        place = f"{where}[{i}]"
        message = Fields(item, place)
        role = message.choice("role", ROLES)
        message.ignore(["name", "type", "id", "status", "annotations"])  # as answers carry them
        message.refuse(["tool_calls", "function_call", "refusal", "audio", "reasoning_content"])
        content = message.raw("content")
        message.end()
        parts = parse_content(content, message.place("content"), limits)
        if role != "user" and any(isinstance(part, MediaPart) for part in parts):
            raise invalid(f"{place}: only the user can send media, not the {role}.", place)
        words = BETWEEN.join(part for part in parts if isinstance(part, str))
        if role in ("system", "developer"):
            if turns:
                raise invalid(f"{place}: a {role} message must come first.", place)
            system.append(words)
        elif role == "assistant":
            if not turns:
                raise invalid(f"{place}: an answer must follow a question.", place)
            last = turns[-1]
            last.answer = words if last.answer is None else last.answer + BETWEEN + words
        else:
            if not turns or turns[-1].answer is not None:
                turns.append(UserTurn())
            turns[-1].add(parts)
    if not turns or turns[-1].answer is not None:
        raise invalid(f"the last of {where} must come from the user.", where)
    dialog = Dialog(BETWEEN.join(system) if system else None, turns)
    _check_size(dialog, limits, where)
    return dialog


def _check_size(dialog: Dialog, limits: ServeLimits, where: str) -> None:
    texts = [text for turn in dialog.turns for text in (*turn.before, turn.text, turn.answer or "")]
    length = sum(map(len, texts)) + len(dialog.system or "")
    if length > limits.text:
        raise invalid(
            f"{where} has {length:,} characters; at most {limits.text:,} fit.",
            where,
            "context_length_exceeded",
        )
    if len(dialog.media) > limits.media:
        raise invalid(f"{where} has {len(dialog.media)} files; at most {limits.media} fit.", where)
    last = dialog.turns[-1]
    if not last.media and not last.text.strip():
        raise invalid(f"the last of {where} is empty.", where)
