"""Answers to many prompts, batch by batch, each as if it were alone: evaluation, checks, samples.

In float32 greedy answers are those of batch size 1: rows with a near tie are decoded again alone
(see `decoding.batch_decoding`). In half precision a batch may now and then decide otherwise;
use batch size 1 where that matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlm.conversation import Conversation, Media
from vlm.inference.caches import MediaCache
from vlm.inference.decoding.batch_decoding import BatchRow, clock, decode
from vlm.inference.decoding.sampler import processors
from vlm.inference.model_facts import ModelFacts
from vlm.inference.settings import Settings
from vlm.inference.visual.looking import VisualEncoder
from vlm.model import PVCForConditionalGeneration
from vlm.plural import plural
from vlm.processor import PVCProcessor


@dataclass(frozen=True, eq=False)
class BatchPrompt:
    """A rendered prompt."""

    ids: Sequence[int]
    media: tuple[Media, ...] = ()
    seed: int = 0  # of its own draws, so that its neighbors do not matter


@dataclass(frozen=True)
class BatchAnswer:
    """The answer to one prompt, and its share of what the batch took."""

    text: str
    num_tokens: int = 0
    seconds_prefill: float = 0.0  # encoding and reading
    seconds_decode: float = 0.0
    error: str = ""  # one sentence if there is no answer
    ids: tuple[int, ...] = ()  # the generated tokens


class BatchAnswerer:
    """Answers prompts in batches of at most `batch_size`, neighbors of about equal length.

    Answers end before the first of `until`.
    """

    def __init__(
        self,
        encoder: VisualEncoder,
        facts: ModelFacts,
        settings: Settings,
        batch_size: int = 1,
        until: tuple[str, ...] = (),
    ) -> None:
        self.encoder, self.facts = encoder, facts
        self.model, self.tokenizer = encoder.model, encoder.processor.tokenizer
        self.settings = settings
        self.batch_size = batch_size
        self.until = until

    @torch.inference_mode()
    def answer(self, prompts: Sequence[BatchPrompt]) -> list[BatchAnswer]:
        """Returns one answer for each prompt, in order."""
        answers: list[BatchAnswer | None] = [None] * len(prompts)
        # Neighbors of the same length leave little to pad.
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place].ids))
        for start in range(0, len(prompts), self.batch_size):
            places = order[start : start + self.batch_size]
            batch = self._answer_batch([prompts[place] for place in places])
            for place, answer in zip(places, batch, strict=True):
                answers[place] = answer
        assert all(answer is not None for answer in answers)
        return [answer for answer in answers if answer is not None]

    def _answer_batch(self, batch: Sequence[BatchPrompt]) -> list[BatchAnswer]:
        """Halves a batch that does not fit into memory.

        Raises ValueError instead if the weights are sharded: all processes gather them together,
        so one that takes more steps than the others would wait for them without end.
        """
        try:
            return self._answer_rows(batch)
        except torch.OutOfMemoryError as error:
            if is_sharded(self.model):
                raise ValueError(
                    f"there is not enough memory to answer {plural(len(batch), 'question')} at"
                    " once, and with sharded weights no process can take fewer than the others:"
                    " lower the batch size."
                ) from error
            # Tried again outside this block: while it is handled, the error holds the tensors.
            half = len(batch) // 2
        if half == 0:
            return [BatchAnswer("", error="there is not enough memory for this question.")]
        return self._answer_batch(batch[:half]) + self._answer_batch(batch[half:])

    def _answer_rows(self, batch: Sequence[BatchPrompt]) -> list[BatchAnswer]:
        """Decodes a batch at once, and rows with a near tie again alone."""
        embedded = [self._embed(prompt) for prompt in batch]
        rows = [
            BatchRow(embeddings, self._generator(prompt))
            for prompt, (embeddings, _) in zip(batch, embedded, strict=True)
        ]
        timing = decode(
            self.model.language_model,
            rows,
            processors(self.settings, self.facts.suppressed_ids),
            self.facts.eos_ids,
            self.settings.max_new_tokens,
            self._is_complete,
        )
        answers: list[BatchAnswer] = []
        read = sum(len(row.prompt) for row in rows)
        written = max(sum(len(row.tokens) for row in rows), 1)
        for prompt, row, (_, seconds) in zip(batch, rows, embedded, strict=True):
            if row.near_tie and len(rows) > 1 and self.model.dtype == torch.float32:
                answers += self._answer_batch([prompt])
                continue
            answers.append(
                BatchAnswer(
                    self._text(row.tokens),
                    len(row.tokens),
                    seconds + timing.prefill * len(row.prompt) / read,
                    timing.decode * len(row.tokens) / written,
                    ids=tuple(row.tokens),
                )
            )
        return answers

    def _embed(self, prompt: BatchPrompt) -> tuple[Tensor, float]:
        """Returns the embeddings of a prompt [L, D], and the seconds that took."""
        started = clock(self.model.device)
        media = [self.encoder.encode(media) for media in prompt.media]
        embeddings = self.encoder.embed(prompt.ids, media)[0]
        return embeddings, clock(self.model.device) - started

    def _generator(self, prompt: BatchPrompt) -> torch.Generator | None:
        if self.settings.sampling().temperature == 0:
            return None
        return torch.Generator().manual_seed(prompt.seed)

    def _is_complete(self, row: BatchRow) -> bool:
        if not self.until:
            return False
        text = self._decoded(row.tokens)
        return any(stop in text for stop in self.until)

    def _text(self, tokens: Sequence[int]) -> str:
        text = self._decoded(tokens)
        ends = [text.find(stop) for stop in self.until if stop in text]
        return text[: min(ends)].strip() if ends else text.strip()

    def _decoded(self, tokens: Sequence[int]) -> str:
        return self.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )


def is_sharded(model: nn.Module) -> bool:
    """Returns whether other processes hold a part of the weights (FSDP, of either kind)."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return False
    from torch.distributed.fsdp import FSDPModule, FullyShardedDataParallel
    from torch.distributed.tensor import DTensor

    return any(
        isinstance(part, FSDPModule | FullyShardedDataParallel) for part in model.modules()
    ) or any(isinstance(parameter, DTensor) for parameter in model.parameters())


def greedy_answers(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    conversations: Sequence[Conversation],
    max_new_tokens: int,
    batch_size: int = 16,
) -> list[str]:
    """Returns the most likely answer to each conversation."""
    rendered = [processor.render(conversation, True) for conversation in conversations]
    answerer = BatchAnswerer(
        VisualEncoder(model, processor, MediaCache(0)),
        ModelFacts.of(model, processor),
        Settings(max_new_tokens=max_new_tokens, repetition_penalty=1.0),
        batch_size,
    )
    answers = answerer.answer([BatchPrompt(item.ids, item.media) for item in rendered])
    for answer in answers:
        if answer.error:
            raise ValueError(answer.error)
    return [answer.text for answer in answers]
