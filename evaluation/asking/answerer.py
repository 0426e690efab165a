"""A loaded model that answers many questions: batch by batch, each as if it were alone.

    answerer = Answerer.load("embedded", batch_size=8, settings=GenerateSettings(max_new_tokens=16))
    answers = answerer.answer([Prompt("q1", conversation), ...])

In float32 the greedy answers are those of batch size 1 (`evaluation.asking.batch_decoding` says
how). In half precision a batch may now and then decide otherwise; use batch size 1 where that
matters.
"""

import hashlib
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evaluation.asking.batch_decoding import BatchRow, clock, decode
from vlm.conversation import Conversation, Image, Media, Message, Text
from vlm.inference.caches import Encoded, MediaCache, media_digest
from vlm.inference.generation import processors
from vlm.inference.settings import Settings
from vlm.loading import load_folder
from vlm.model import PVCForConditionalGeneration, fuse
from vlm.processor import PVCProcessor
from vlm.prompt.safe_tokenizer import special_ids

TILES_AT_ONCE = 16  # pictures that go through the tower together


@dataclass(frozen=True)
class GenerateSettings:
    """How questions are shown and answered. None is what the model was made for."""

    num_frames: int | None = None  # of a video; for whoever decodes it
    max_tiles: int | None = None  # into which a picture may be cut
    looks: int | None = None  # at a picture, or at each of its tiles
    max_new_tokens: int = 64
    media: bool = True  # False: blind, pictures and videos are left out
    temperature: float = 0.0  # 0 takes the likeliest token every time
    top_p: float = 1.0
    seed: int = 0
    until: tuple[str, ...] = ()  # an answer ends before the first of these

    def __post_init__(self) -> None:
        # The assistant's settings know what is impossible.
        Settings(
            self.num_frames,
            self.looks,
            self.max_tiles,
            self.max_new_tokens,
            self.temperature,
            self.top_p,
        )


@dataclass(frozen=True, eq=False)
class Prompt:
    """A question whose media have been read."""

    id: str
    conversation: Conversation
    reply: str = ""  # put into the model's mouth: its answer goes on from there


@dataclass(frozen=True)
class Answer:
    """What the model said, and what it took."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    visual_tokens: int = 0
    seconds_prefill: float = 0.0  # looking and reading: a row's share of its batch
    seconds_decode: float = 0.0
    error: str = ""  # one sentence where there is no answer


@dataclass(eq=False)
class _Pending:
    """A question on its way through `answer`."""

    place: int
    asked: Prompt
    ids: list[int]
    media: tuple[Media, ...]
    seconds_prefill: float = 0.0


class Answerer:
    """A model and its processor, ready to be asked."""

    def __init__(
        self,
        model: PVCForConditionalGeneration,
        processor: PVCProcessor,
        batch_size: int = 1,
        settings: GenerateSettings | None = None,
        card: dict[str, Any] | None = None,
        context: int | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"the batch size is {batch_size}; it must be 1 or more.")
        self.model = model.eval()
        self.processor = processor
        self.batch_size = batch_size
        self.settings = settings or GenerateSettings()
        self.card = card or {}
        self.media = MediaCache(256 * 2**20)
        text_config = model.config.get_text_config()
        most: int = text_config.max_position_embeddings
        self.context = min(context or most, most)
        eos = model.generation_config.eos_token_id if model.generation_config else None
        ends = eos if isinstance(eos, list) else [] if eos is None else [eos]
        self.eos_ids = frozenset({processor.writer.end_of_turn, *ends})
        beyond = range(len(processor.tokenizer), text_config.vocab_size)
        special = special_ids(processor.tokenizer) - self.eos_ids
        self.suppressed_ids = sorted(special.union(beyond))
        self._model_key = repr((model.config.to_dict(), str(model.dtype)))

    @classmethod
    def load(
        cls,
        path_or_name: str | Path = "embedded",
        batch_size: int = 1,
        settings: GenerateSettings | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        context: int | None = None,
        **options: Any,
    ) -> "Answerer":
        """The model of this repository ("embedded"), or one from a folder of your own.

        `options` are those of `vlm.loading.load_folder`.
        """
        model, processor, card = load_folder(
            path_or_name, dtype, device, context=context, **options
        )
        return cls(model, processor, batch_size, settings, card, context)

    def with_settings(self, settings: GenerateSettings) -> "Answerer":
        """The same model, asked in another way; what it has seen is shared."""
        other = Answerer(
            self.model, self.processor, self.batch_size, settings, self.card, self.context
        )
        other.media = self.media
        return other

    def answer(self, asked: Sequence[Prompt]) -> list[Answer]:
        """One answer each, in order. What cannot be answered says why in `error`."""
        answers: list[Answer | None] = [None] * len(asked)
        pending = []
        for place, item in enumerate(asked):
            try:
                rendered = self.processor.render(self.shown(item.conversation), True)
            except ValueError as error:
                answers[place] = Answer("", error=str(error))
                continue
            plain = self.processor.writer.plain
            ids = rendered.ids + plain(item.reply, plain.leads(rendered.ids))
            if len(ids) + self.settings.max_new_tokens > self.context:
                answers[place] = Answer(
                    "",
                    len(ids),
                    error=f"the prompt takes {len(ids)} tokens and the answer up to"
                    f" {self.settings.max_new_tokens}, but the model reads {self.context}; ask for"
                    " fewer frames or tiles.",
                )
            else:
                pending.append(_Pending(place, item, ids, rendered.media))
        # Neighbours of the same length leave little to pad.
        pending.sort(key=lambda waiting: len(waiting.ids))
        for start in range(0, len(pending), self.batch_size):
            batch = pending[start : start + self.batch_size]
            for done, answer in zip(batch, self._answer_batch(batch), strict=True):
                answers[done.place] = answer
        assert all(answer is not None for answer in answers)
        return [answer for answer in answers if answer is not None]

    def shown(self, conversation: Conversation) -> Conversation:
        """The conversation as the settings want it seen."""
        chosen = self.settings
        max_tiles = chosen.max_tiles or self.processor.prompt_config.default_tiles

        def keep(message: Message) -> Message:
            parts = []
            for part in message.parts:
                if isinstance(part, Image):
                    part = replace(part, looks=chosen.looks or part.looks, max_tiles=max_tiles)
                if chosen.media or isinstance(part, Text):
                    parts.append(part)
            return Message(message.role, tuple(parts))

        return Conversation(tuple(keep(message) for message in conversation.messages))

    @torch.inference_mode()
    def _answer_batch(self, batch: Sequence[_Pending]) -> list[Answer]:
        try:
            return self._answer_rows(batch)
        except torch.OutOfMemoryError:
            # Not tried again in here: while it is handled, the error holds on to the tensors.
            half = len(batch) // 2
        if half == 0:
            return [Answer("", error="there is not enough memory for this question.")]
        return self._answer_batch(batch[:half]) + self._answer_batch(batch[half:])

    def _answer_rows(self, batch: Sequence[_Pending]) -> list[Answer]:
        """Reads a batch at once; rows that came out close are read again alone."""
        rows = [BatchRow(self._embed(item), self._generator(item.asked)) for item in batch]
        temperature, top_p = self.settings.temperature, self.settings.top_p
        timing = decode(
            self.model.language_model,
            rows,
            processors(
                Settings(temperature=temperature, top_p=top_p, repetition_penalty=1.0),
                self.suppressed_ids,
            ),
            self.eos_ids,
            self.settings.max_new_tokens,
            self._said_enough,
        )
        answers: list[Answer] = []
        read = sum(len(row.prompt) for row in rows)
        written = max(sum(len(row.tokens) for row in rows), 1)
        for item, row in zip(batch, rows, strict=True):
            if row.near_tie and len(rows) > 1 and self.model.dtype == torch.float32:
                answers += self._answer_batch([item])
                continue
            answers.append(
                Answer(
                    self._text(row.tokens),
                    len(item.ids),
                    len(row.tokens),
                    item.ids.count(self.processor.writer.image_token_id),
                    item.seconds_prefill + timing.prefill * len(row.prompt) / read,
                    timing.decode * len(row.tokens) / written,
                )
            )
        return answers

    def _embed(self, item: _Pending) -> Tensor:
        """The prompt of one question, [L, D]."""
        started = clock(self.model.device)
        ids = torch.tensor([item.ids], device=self.model.device)
        embeddings = self.model.get_input_embeddings()(ids)
        if item.media:
            visual = torch.cat([self._look(media) for media in item.media])
            embeddings = fuse(embeddings, ids, visual, self.model.config.image_token_id)
        item.seconds_prefill = clock(self.model.device) - started
        return embeddings[0]

    def _look(self, media: Media) -> Tensor:
        """Visual tokens [looks * M, D] of one picture or video, the same in every batch.

        Several questions about one video are often neighbours: it is encoded once.
        """
        key = media_digest(media, self._model_key)
        known = self.media.get(key)
        if known is None:
            tokens = torch.cat(self._encode(media))
            order = self.processor.look_order([media])
            if order is not None:
                M = self.processor.tokens_per_look
                tokens = tokens.unflatten(0, (-1, M))[order].flatten(0, 1)
            known = Encoded(media, key, tokens)
            self.media.put(key, known)
        return known.tokens

    def _encode(self, media: Media) -> list[Tensor]:
        pixel_values = self.processor.pixel_values
        if media.kind == "video":
            (clip,) = media.clips
            pixels = pixel_values(clip.frames).to(self.model.device)
            return list(self.model.encode_steps(pixels, clip.looks, list(clip.timesteps)))
        pieces = []
        for start in range(0, len(media.clips), TILES_AT_ONCE):
            clips = media.clips[start : start + TILES_AT_ONCE]
            pixels = pixel_values(np.concatenate([clip.frames for clip in clips]))
            looks = [clip.looks for clip in clips]
            times = [step for clip in clips for step in clip.timesteps]
            pieces.append(
                self.model.encode(pixels.to(self.model.device), [1] * len(clips), looks, times)
            )
        return pieces

    def _generator(self, asked: Prompt) -> torch.Generator | None:
        """Draws of its own for each question, so that its neighbours do not matter."""
        if self.settings.temperature == 0:
            return None
        seed = hashlib.blake2b(f"{self.settings.seed} {asked.id}".encode(), digest_size=7).digest()
        return torch.Generator().manual_seed(int.from_bytes(seed, "big"))

    def _said_enough(self, row: BatchRow) -> bool:
        if not self.settings.until:
            return False
        text = self._decoded(row.tokens)
        return any(stop in text for stop in self.settings.until)

    def _text(self, tokens: Sequence[int]) -> str:
        text = self._decoded(tokens)
        ends = [text.find(stop) for stop in self.settings.until if stop in text]
        return text[: min(ends)].strip() if ends else text.strip()

    def _decoded(self, tokens: Sequence[int]) -> str:
        return self.processor.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that was allocated on a GPU, or that this process ever held elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024
