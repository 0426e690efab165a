"""What is asked and answered: settings, a prompt with its media, an answer with its cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vlm.config import MAX_LOOKS, MAX_TILES
from vlm.conversation import Conversation, Image
from vlm.inference.settings import Settings


@dataclass(frozen=True)
class GenerateSettings:
    """How media are shown and questions answered. None is the model's default."""

    num_frames: int | None = None  # of a video; used by the decoder
    max_tiles: int | None = None  # that a picture is cut into, at most
    looks: int | None = None  # at a picture, or at each of its tiles
    max_new_tokens: int = 64
    media: bool = True  # False: blind, without pictures and videos
    words_only: bool = False  # the experts' words in place of pictures and videos
    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0
    seed: int = 0
    until: tuple[str, ...] = ()  # an answer ends before the first of these
    repetition_penalty: float = 1.0  # over the answer so far; 1 turns it off
    frame_by_frame: bool = False  # the tower takes a video as it comes in (online)
    clips: int = 1  # of a video whose scores are averaged (encoders)
    crops: int = 1  # of each clip

    def __post_init__(self) -> None:
        # The assistant's settings refuse impossible values.
        Settings(
            self.num_frames,
            self.looks,
            self.max_tiles,
            self.max_new_tokens,
            self.temperature,
            self.top_p,
            repetition_penalty=self.repetition_penalty,
        )
        for name, most in (("looks", MAX_LOOKS), ("max_tiles", MAX_TILES)):
            value = getattr(self, name)
            if value is not None and value > most:
                raise ValueError(f"{name} is {value}; it must be at most {most}.")


@dataclass(frozen=True, eq=False)
class Prompt:
    """A question whose media have been decoded."""

    id: str
    conversation: Conversation
    reply: str = ""  # the given beginning of the answer; the model continues it
    given: Mapping[str, Any] = field(default_factory=dict)  # facts for an encoder: frames, size
    max_new_tokens: int | None = None  # fewer than those of the settings, where there is no room


class SettledImage(Image):
    """A picture whose looks and tiles were reduced to fit; settings leave them."""


@dataclass(frozen=True)
class Answer:
    """The answer to a prompt, and its cost."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    visual_tokens: int = 0
    seconds_prefill: float = 0.0  # encoding and reading: a row's share of its batch
    seconds_decode: float = 0.0
    error: str = ""  # one sentence if there is no answer
    ids: tuple[int, ...] = ()  # the generated tokens, for a question that goes on from the answer
