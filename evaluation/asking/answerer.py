"""A loaded model that answers many questions: batch by batch, each as if it were alone.

    answerer = Answerer.load("embedded", batch_size=8, settings=GenerateSettings(max_new_tokens=16))
    answers = answerer.answer([Prompt("q1", conversation), ...])

How the questions are shown is decided here; `vlm.inference.batch` answers them.
"""

import hashlib
import resource
import sys
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from evaluation.asking.asker import View
from evaluation.asking.described import described, words_for_media
from evaluation.asking.online import FrameByFrame
from evaluation.asking.prompts import Answer, GenerateSettings, Prompt, SettledImage
from evaluation.runs import provenance
from vlm.conversation import Conversation, Image, Message, Text
from vlm.experts.expert_words import ExpertWords, expert_words
from vlm.inference.batch import BatchAnswer, BatchAnswerer, BatchPrompt
from vlm.inference.budget import Plan
from vlm.inference.caches import MediaCache
from vlm.inference.model_facts import ModelFacts
from vlm.inference.planning import plan_files
from vlm.inference.settings import Settings
from vlm.inference.visual.looking import VisualEncoder
from vlm.loading import load_folder
from vlm.media.decode import MediaInfo
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor


class Answerer:
    """A model and its processor, ready to answer prompts."""

    def __init__(
        self,
        model: PVCForConditionalGeneration,
        processor: PVCProcessor,
        batch_size: int = 1,
        settings: GenerateSettings | None = None,
        card: dict[str, Any] | None = None,
        context: int | None = None,
        words: ExpertWords | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"the batch size is {batch_size}; it must be 1 or more.")
        self.model = model.eval()
        self.processor = processor
        self.batch_size = batch_size
        self.settings = settings or GenerateSettings()
        self.card = card or {}
        self.facts = ModelFacts.of(model, processor, context)
        self.words = words
        self.encoder = VisualEncoder(model, processor, MediaCache(256 * 2**20))

    @classmethod
    def load(
        cls,
        path_or_name: str | Path = "embedded",
        batch_size: int = 1,
        settings: GenerateSettings | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        context: int | None = None,
        experts: Sequence[str] | None = None,
        **options: Any,
    ) -> "Answerer":
        """Loads the model of this repository ("embedded"), or one from a folder of your own.

        `experts` and `options` are those of `Assistant.load`.
        """
        model, processor, card = load_folder(
            path_or_name, dtype, device, context=context, **options
        )
        announce = options.get("announce") or (lambda sentence: None)
        words = expert_words(model, processor, experts, announce)
        return cls(model, processor, batch_size, settings, card, context, words)

    @property
    def view(self) -> View:
        prompt = self.processor.prompt_config
        return View(prompt.default_frames, self.processor.image_processor.image_size, prompt)

    @property
    def device(self) -> torch.device:
        return self.model.device

    def template(self) -> str:
        """Hashes the tokens of a short conversation: the chat template and the tokenizer."""
        return provenance.template_hash(self.processor)

    def with_settings(self, settings: GenerateSettings) -> "Answerer":
        """Returns the same model, asked differently; encoded media are shared."""
        other = copy(self)
        other.settings = settings
        if settings.frame_by_frame:  # with a cache of its own: the tokens differ by rounding
            other.encoder = FrameByFrame(self.model, self.processor, MediaCache(256 * 2**20))
        return other

    def plan(self, conversation: Conversation, infos: Sequence[MediaInfo]) -> Plan:
        """Plans the files that come to the last turn as the chat does. Raises PromptTooLong."""
        written = self.processor.render(self._shown(conversation), True)
        with_words = self.words is not None
        return plan_files(
            self.processor, self.facts.context, written, infos, self._settings(), with_words
        )

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Returns one answer each, in order. A prompt that cannot be answered gets an `error`."""
        answers: list[Answer | None] = [None] * len(prompts)
        ready: list[tuple[int, BatchPrompt]] = []
        for place, prompt in enumerate(prompts):
            try:
                rendered = self._render(prompt)
            except ValueError as error:
                answers[place] = Answer("", error=str(error))
                continue
            longest = prompt.max_new_tokens or self.settings.max_new_tokens
            if len(rendered.ids) + longest > self.facts.context:
                answers[place] = Answer(
                    "",
                    len(rendered.ids),
                    error=f"the prompt takes {len(rendered.ids)} tokens and the answer up to"
                    f" {longest}, but the model reads {self.facts.context};"
                    " ask for fewer frames or tiles.",
                )
            else:
                ready.append((place, rendered))
        limits = [prompts[place].max_new_tokens for place, _ in ready]
        given = self._answered([rendered for _, rendered in ready], limits)
        image_token_id = self.processor.writer.image_token_id
        for (place, rendered), answer in zip(ready, given, strict=True):
            if answer.error:
                answers[place] = Answer("", error=answer.error)
                continue
            answers[place] = Answer(
                answer.text,
                len(rendered.ids),
                answer.num_tokens,
                list(rendered.ids).count(image_token_id),
                answer.seconds_prefill,
                answer.seconds_decode,
                ids=answer.ids,
            )
        assert all(answer is not None for answer in answers)
        return [answer for answer in answers if answer is not None]

    def _answered(
        self, prompts: Sequence[BatchPrompt], limits: Sequence[int | None]
    ) -> list[BatchAnswer]:
        """Answers prompts with the same limit of tokens together."""
        answers: dict[int, BatchAnswer] = {}
        for limit in dict.fromkeys(limits):
            places = [place for place, other in enumerate(limits) if other == limit]
            given = self._answerer(limit).answer([prompts[place] for place in places])
            answers |= dict(zip(places, given, strict=True))
        return [answers[place] for place in range(len(prompts))]

    def _shown(self, conversation: Conversation) -> Conversation:
        """Returns a conversation as it is written: as set, with the experts' words."""
        shown = described(self.as_set(conversation), self.words)
        return words_for_media(shown, self.processor) if self.settings.words_only else shown

    def _render(self, prompt: Prompt) -> BatchPrompt:
        rendered = self.processor.render(self._shown(prompt.conversation), True)
        plain = self.processor.writer.plain
        ids = rendered.ids + plain(prompt.reply, plain.adds_space_after(rendered.ids))
        seed = hashlib.blake2b(f"{self.settings.seed} {prompt.id}".encode(), digest_size=7).digest()
        return BatchPrompt(ids, rendered.media, int.from_bytes(seed, "big"))

    def _settings(self, max_new_tokens: int | None = None) -> Settings:
        chosen = self.settings
        return Settings(
            num_frames=chosen.num_frames,
            looks=chosen.looks,
            max_tiles=chosen.max_tiles,
            max_new_tokens=max_new_tokens or chosen.max_new_tokens,
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            repetition_penalty=chosen.repetition_penalty,
        )

    def _answerer(self, max_new_tokens: int | None) -> BatchAnswerer:
        settings = self._settings(max_new_tokens)
        until = self.settings.until
        return BatchAnswerer(self.encoder, self.facts, settings, self.batch_size, until)

    def as_set(self, conversation: Conversation) -> Conversation:
        """Applies looks, tiles and `media` of the settings to a conversation."""
        chosen = self.settings
        max_tiles = chosen.max_tiles or self.processor.prompt_config.default_tiles

        def keep(message: Message) -> Message:
            parts = []
            for part in message.parts:
                if isinstance(part, Image) and not isinstance(part, SettledImage):
                    part = replace(part, looks=chosen.looks or part.looks, max_tiles=max_tiles)
                if chosen.media or isinstance(part, Text):
                    parts.append(part)
            return Message(message.role, tuple(parts))

        return Conversation(tuple(keep(message) for message in conversation.messages))


def peak_memory(device: torch.device) -> int:
    """Returns the peak bytes allocated on a GPU, or else the peak memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024
