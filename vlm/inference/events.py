"""What goes into a reply and what comes out of it: the state of a conversation, and the events.

All of them are values. Replying never changes a state, it hands back the next one; so a question
can be asked again, edited or branched by going back to an earlier state, and a reply that failed or
was stopped leaves what was there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vlm.inference.budget import Plan
from vlm.inference.caches import Encoded


@dataclass(frozen=True, eq=False)
class Turn:
    """A question with its files, and the answer."""

    text: str
    files: tuple[str, ...] = ()  # names
    answer: str = ""
    stopped: bool = False  # the answer is only its beginning
    media: tuple[Encoded, ...] = field(default=(), repr=False)  # the files, as the model sees them
    answer_ids: tuple[int, ...] = field(default=(), repr=False)  # the tokens it was written with


@dataclass(frozen=True, eq=False)
class State:
    """A conversation so far."""

    turns: tuple[Turn, ...] = ()

    def without_last(self) -> "State":
        """Before the last question: where a retry or an edit begins."""
        return State(self.turns[:-1])


@dataclass(frozen=True, eq=False)
class Seen:
    """A file as the model saw it."""

    name: str
    kind: Literal["image", "video"]
    frames: Sequence[np.ndarray]  # uint8 [H, W, 3]; of a picture its tiles, the whole last
    times: tuple[float, ...] | None  # seconds, one for each frame of a video
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """What a reply took."""

    prompt_tokens: int
    reused_tokens: int  # of the prompt: their keys and values were known from before
    new_tokens: int
    visual_tokens: int  # of the prompt: places of pictures
    context_left: int
    seconds_to_first_token: float  # from the question, reading and looking included
    tokens_per_second: float  # after the first token
    decoded_files: int
    encoded_clips: int


@dataclass(frozen=True)
class Planned:
    """The budget, before anything is decoded."""

    plan: Plan


@dataclass(frozen=True)
class Decoding:
    """Frames of a file are being decoded."""

    name: str
    done: int
    total: int


@dataclass(frozen=True)
class Encoding:
    """Pictures go through the tower, look by look."""

    done: int
    total: int


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer."""

    piece: str


@dataclass(frozen=True, eq=False)
class Finished:
    """The end of a reply. `stopped` before the first word, the state is the one that was given."""

    state: State
    text: str
    seen: tuple[Seen, ...]
    usage: Usage
    stopped: bool


Event = Planned | Decoding | Encoding | TextDelta | Finished
