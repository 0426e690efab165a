"""The input and output of a reply: the state of a conversation, and the events.

All of them are values. A reply never changes a state, it returns the next one. A question can
therefore be retried, edited or branched from an earlier state, and a reply that failed or was
stopped leaves the state as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vlm.experts.findings import Findings
from vlm.inference.budget import Plan
from vlm.inference.caches import Encoded
from vlm.inference.decoding.sampler import Logprob
from vlm.inference.visual.media_source import MediaSource


@dataclass(frozen=True, eq=False)
class Turn:
    """A question with its files, and the answer."""

    text: str
    files: tuple[str, ...] = ()  # names
    answer: str = ""
    stopped: bool = False  # the answer is incomplete
    media: tuple[Encoded, ...] = field(default=(), repr=False)  # the files as the model sees them
    answer_ids: tuple[int, ...] = field(default=(), repr=False)  # the tokens it was generated with
    before: tuple[str, ...] = ()  # text before each file; without it, the files come first


@dataclass(frozen=True, eq=False)
class State:
    """A conversation so far."""

    turns: tuple[Turn, ...] = ()
    system: str | None = None  # None: the model's own

    def without_last(self) -> "State":
        """Returns the state before the last question, from which a retry or an edit starts."""
        return replace(self, turns=self.turns[:-1])


@dataclass(frozen=True, eq=False)
class Asked:
    """An earlier question and its answer from elsewhere, whose files have not been seen yet."""

    text: str
    files: tuple[MediaSource, ...] = ()
    answer: str = ""
    before: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Seen:
    """A file as the model saw it."""

    name: str
    kind: Literal["image", "video"]
    frames: Sequence[np.ndarray]  # uint8 [H, W, 3]; a picture's tiles, thumbnail last
    times: tuple[float, ...] | None  # seconds, one for each frame of a video
    warnings: tuple[str, ...] = ()
    findings: tuple[Findings, ...] = ()  # of the experts, for a picture or for each frame
    words: tuple[str, ...] = ()  # what the model read of them


@dataclass(frozen=True)
class Usage:
    """The cost of a reply."""

    prompt_tokens: int
    reused_tokens: int  # of the prompt, whose keys and values were cached
    new_tokens: int
    visual_tokens: int  # of the prompt
    context_left: int
    seconds_to_first_token: float  # from the question, decoding and encoding included
    tokens_per_second: float  # after the first token
    decoded_files: int
    encoded_clips: int
    seconds_experts: float = 0.0  # of the seconds to the first token


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
    """Media are being encoded, look by look."""

    done: int
    total: int


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer."""

    piece: str
    logprobs: tuple[Logprob, ...] = ()  # of its tokens, if `Settings.num_logprobs` asks for them


@dataclass(frozen=True, eq=False)
class Finished:
    """The end of a reply. If stopped before the first word, `state` is the one passed in."""

    state: State
    text: str
    seen: tuple[Seen, ...]
    usage: Usage
    stopped: bool
    cut: bool = False  # the answer reached its most tokens


@dataclass(frozen=True, eq=False)
class Decided:
    """The end of a decision in place of an answer."""

    options: tuple[str, ...]
    logprobs: tuple[float, ...]  # of each option as the answer, by the model's own logits
    seen: tuple[Seen, ...]
    usage: Usage


Event = Planned | Decoding | Encoding | TextDelta | Finished | Decided
