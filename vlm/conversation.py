"""A conversation as plain values: messages of texts, pictures and videos.

Nothing here knows a tokenizer, a template or a model. `vlm.processor` turns a conversation into
token ids and clips, in training and in the chat alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Text:
    """Words. `ids` are the tokens a model wrote them with, where a model wrote them."""

    text: str
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Image:
    """A still picture as it was read."""

    pixels: np.ndarray  # uint8 [H, W, 3]
    looks: int | None = None  # how often it is looked at; None: what the model was made for
    max_tiles: int = 1


@dataclass(frozen=True, eq=False)
class Video:
    """Frames as they were read, and when each was seen."""

    frames: np.ndarray  # uint8 [T, H, W, 3]
    times: np.ndarray  # float [T], seconds from the start of the video


@dataclass(frozen=True, eq=False)
class Clip:
    """What the tower is given: one video, or one still picture that is looked at `looks` times."""

    frames: np.ndarray  # uint8 [T, S, S, 3]; a still picture is said once, T = 1
    timesteps: tuple[float, ...]  # one for each look, from 0 to below 1

    @property
    def looks(self) -> int:
        return len(self.timesteps)


@dataclass(frozen=True, eq=False)
class Media:
    """A picture or a video made ready for the tower: a tiled picture has one clip for each tile."""

    kind: Literal["image", "video"]
    clips: tuple[Clip, ...]
    times: tuple[float, ...] = ()  # seconds, one for each frame of a video

    @property
    def looks(self) -> int:
        return sum(clip.looks for clip in self.clips)


Part = Text | Image | Video | Media


@dataclass(frozen=True)
class Message:
    """What one side says in one turn."""

    role: Role
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if self.role not in ("system", "user", "assistant"):
            raise ValueError(
                f"a message has the role {self.role!r}; known are system, user and assistant."
            )
        if self.role != "user" and any(not isinstance(part, Text) for part in self.parts):
            raise ValueError(f"the {self.role} can only send text; pictures belong to the user.")


@dataclass(frozen=True)
class Conversation:
    """Messages in order: an optional system message, then user and assistant by turns."""

    messages: tuple[Message, ...] = field(default=())

    def __post_init__(self) -> None:
        turns = self.messages[1:] if self.system is not None else self.messages
        for i, message in enumerate(turns):
            expected = "user" if i % 2 == 0 else "assistant"
            if message.role != expected:
                raise ValueError(
                    f"message {len(self.messages) - len(turns) + i + 1} comes from the"
                    f" {message.role}, but here the {expected} should speak."
                )

    @property
    def system(self) -> Message | None:
        first = self.messages[0] if self.messages else None
        return first if first is not None and first.role == "system" else None


def from_messages(
    messages: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Image | Video]
) -> Conversation:
    """Messages in the common form, `{"role": ..., "content": [{"type": "image", "image": ...}]}`.

    `read` gets each image or video part as it stands and hands back its pixels.
    """
    return Conversation(tuple(_message(message, read) for message in messages))


def _message(
    message: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Image | Video]
) -> Message:
    content = message["content"]
    if isinstance(content, str):
        return Message(message["role"], (Text(content),))
    parts: list[Part] = []
    for part in content:
        kind = part.get("type")
        if kind == "text":
            parts.append(Text(part["text"]))
        elif kind in ("image", "video"):
            parts.append(read(part))
        else:
            raise ValueError(
                f"a message has a part of type {kind!r}; known are text, image and video."
            )
    return Message(message["role"], tuple(parts))
