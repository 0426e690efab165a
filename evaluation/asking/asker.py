"""What answers a benchmark's questions: a loaded model, or a peer behind an address.

`evaluation.asking.answerer` loads a model; `evaluation.asking.server` asks a peer over HTTP. Both
get the same questions, frames and prompts, so a difference of results is one of models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vlm.config import PromptConfig

if TYPE_CHECKING:  # they need torch
    import torch

    from evaluation.asking.prompts import Answer, GenerateSettings, Prompt
    from vlm.conversation import Conversation
    from vlm.experts.expert_words import ExpertWords
    from vlm.inference.budget import Plan
    from vlm.media.decode import MediaInfo


@dataclass(frozen=True)
class View:
    """How media are decoded for a model."""

    default_frames: int  # of a video
    image_size: int  # pixels: the side of the squares, or else the short side of frames
    chat: PromptConfig  # by which the chat chooses frames
    squares: bool = True  # frames are shrunk to squares at once, as the tower sees them
    as_trained: bool = False  # those are made as in training, from larger frames


class Asker(Protocol):
    """Answers prompts in batches."""

    batch_size: int
    settings: "GenerateSettings"
    words: "ExpertWords | None"

    @property
    def view(self) -> View: ...

    @property
    def device(self) -> "torch.device": ...

    def template(self) -> str:
        """Returns a hash of how conversations are written."""
        ...

    def with_settings(self, settings: "GenerateSettings") -> "Asker":
        """Returns the same model, asked differently."""
        ...

    def plan(self, conversation: "Conversation", infos: "Sequence[MediaInfo]") -> "Plan | None":
        """Plans the files that come to the last turn as the chat does; None if it cannot know.

        Raises PromptTooLong if not even the smallest plan fits.
        """
        ...

    def answer(self, prompts: "Sequence[Prompt]") -> "list[Answer]":
        """Returns one answer each, in order; a prompt that failed has an `error`."""
        ...
