"""An encoder in the place of a model: the same runner, log, manifest and page as the assistant's.

The runner decodes, shares questions between processes, logs each answer at once and continues a
stopped run; this answers.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import torch

from evaluation.asking.asker import View
from evaluation.asking.prompts import Answer, GenerateSettings, Prompt
from evaluation.benchmarks.tasks.base import TaskBenchmark
from evaluation.encoders.loaded import LoadedEncoder
from evaluation.encoders.predict import PREDICT, Asked, num_pieces
from vlm.config import PromptConfig
from vlm.conversation import Conversation, Text, Video
from vlm.experts.expert_words import ExpertWords
from vlm.media.decode import MediaInfo
from vlm.presets import preset_config


@dataclass
class EncoderAsker:
    """Answers the questions of one benchmark at a time (`on`)."""

    encoder: LoadedEncoder
    clips: int = 1
    crops: int = 1
    batch_size: int = 1
    settings: GenerateSettings = GenerateSettings()
    words: ExpertWords | None = None
    task: str = ""
    classes: tuple[str, ...] = ()

    def on(self, benchmark: TaskBenchmark, classes: tuple[str, ...]) -> "EncoderAsker":
        """Returns the asker of one benchmark. Raises ValueError if no head fits."""
        self.encoder.check(benchmark.encoder_task, classes)
        other = copy(self)
        other.task, other.classes = benchmark.encoder_task, classes
        if not benchmark.has_views:
            other.clips = other.crops = 1
        return other

    @property
    def view(self) -> View:
        chat = PromptConfig(**preset_config("embedded").prompt)
        frames = self.encoder.num_frames * self.clips
        size = self.encoder.config.image_size
        return View(frames, size, chat, squares=self.crops == 1, as_trained=True)

    @property
    def device(self) -> torch.device:
        return self.encoder.device

    def template(self) -> str:
        """Hashes the classes, the only text that an encoder reads."""
        return hashlib.sha256(repr((self.task, self.classes)).encode()).hexdigest()

    def with_settings(self, settings: GenerateSettings) -> "EncoderAsker":
        """Returns the same encoder, asked differently."""
        other = copy(self)
        other.settings = settings
        return other

    def plan(self, conversation: Conversation, infos: Sequence[MediaInfo]) -> None:
        """An encoder has no context that a conversation could exceed."""

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Returns one answer each, in order; a question that cannot be answered has an `error`."""
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> Answer:
        started = time.perf_counter()
        parts = prompt.conversation.messages[-1].parts
        videos = [part for part in parts if isinstance(part, Video)]
        if not videos:
            return Answer("", error="an encoder has nothing to answer from without media.")
        texts = tuple(part.text for part in parts if isinstance(part, Text))
        num_frames = (self.settings.num_frames or self.view.default_frames) // self.clips
        asked = Asked(
            videos[0], texts, dict(prompt.given), self.classes, num_frames, self.clips, self.crops
        )
        try:
            with torch.inference_mode():
                found = PREDICT[self.task](self.encoder, asked)
            text = json.dumps(found, ensure_ascii=False, allow_nan=False)
        except ValueError as error:  # NaN scores as well
            return Answer("", error=str(error))
        seconds = time.perf_counter() - started
        views = self.task in ("recognition", "retrieval")
        length = num_frames if views else self.encoder.num_frames
        tokens = num_pieces(self.task, asked, length) * self.encoder.num_tokens(length)
        return Answer(text, visual_tokens=tokens, seconds_prefill=seconds)
