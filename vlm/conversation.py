"""A conversation as plain values: messages of texts, pictures and videos.

Nothing here knows a tokenizer, a template or a model. `vlm.processor` turns a conversation into
token ids and clips, for training and chat.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Text:
    """Text. `ids` are its tokens if a model generated it."""

    text: str
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Image:
    """A still picture as decoded."""

    pixels: np.ndarray  # uint8 [H, W, 3]
    looks: int | None = None  # None: the model's default
    max_tiles: int = 1
    words: tuple[str, ...] = ()  # lines of the experts (vlm/experts), one for each look


@dataclass(frozen=True, eq=False)
class Video:
    """Frames as decoded, with the time of each."""

    frames: np.ndarray  # uint8 [T, H, W, 3]
    times: np.ndarray  # float [T], seconds from the start of the video
    words: tuple[str, ...] = ()  # lines of the experts: one for each frame, one for the whole
    duration: float | None = None  # seconds, of the whole video; None if unknown


@dataclass(frozen=True, eq=False)
class Clip:
    """The input of the tower: one video, or one still picture with a number of looks."""

    frames: np.ndarray  # uint8 [T, S, S, 3]; a still picture has T = 1
    timesteps: tuple[float, ...]  # one for each look, in [0, 1)

    @property
    def looks(self) -> int:
        return len(self.timesteps)


@dataclass(frozen=True, eq=False)
class Media:
    """A picture or a video prepared for the tower: a tiled picture has one clip for each tile."""

    kind: Literal["image", "video"]
    clips: tuple[Clip, ...]
    times: tuple[float, ...] = ()  # seconds, one for each frame of a video
    words: tuple[str, ...] = ()  # lines of the experts, written as plain text behind the looks
    grid: tuple[int, int] = (1, 1)  # columns and rows that a picture is cut into
    duration: float | None = None  # seconds, of a whole video; None if unknown

    @property
    def looks(self) -> int:
        return sum(clip.looks for clip in self.clips)


Part = Text | Image | Video | Media


@dataclass(frozen=True)
class Message:
    """One turn of one role."""

    role: Role
    parts: tuple[Part, ...]
    has_loss: bool = True  # of an answer in training; False: it is context, with no labels

    def __post_init__(self) -> None:
        if self.role not in ("system", "user", "assistant"):
            raise ValueError(
                f"a message has the role {self.role!r}; known are system, user and assistant."
            )
        if self.role != "user" and any(not isinstance(part, Text) for part in self.parts):
            raise ValueError(f"the {self.role} can only send text; pictures belong to the user.")


@dataclass(frozen=True)
class Conversation:
    """Messages in order: an optional system message, then user and assistant in turns."""

    messages: tuple[Message, ...] = field(default=())

    def __post_init__(self) -> None:
        turns = self.messages[1:] if self.system is not None else self.messages
        for i, message in enumerate(turns):
            expected = "user" if i % 2 == 0 else "assistant"
            if message.role != expected:
                raise ValueError(
                    f"message {len(self.messages) - len(turns) + i + 1} comes from the"
                    f" {message.role}, but the {expected} is next."
                )

    @property
    def system(self) -> Message | None:
        first = self.messages[0] if self.messages else None
        return first if first is not None and first.role == "system" else None


def from_messages(
    messages: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Image | Video]
) -> Conversation:
    """Converts messages of the common form, such as
    `{"role": "user", "content": [{"type": "image", "image": "a.png"}]}`.

    `read` takes an image or video part and returns its pixels.
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
