"""Answers token by token, from any transformers causal language model, as a generator.

Choosing tokens is left to transformers' logits processors. What is ours is the loop: the prompt
goes in by chunks, so that a stop is heard while a long one is read; the cache is handed in and
filled, so that the next turn can go on from it; whoever consumes the generator may simply stop.
"""

import inspect
from collections.abc import Iterator, Sequence
from threading import Event

import torch
from torch import Tensor
from transformers import (
    DynamicCache,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from vlm.inference.settings import Settings

# Tokens of a prompt that are read in one call: it bounds memory, and the time until a stop takes
# effect. The memory estimate counts with it.
PREFILL_CHUNK = 256


def processors(settings: Settings, never: Sequence[int] = ()) -> LogitsProcessorList:
    """transformers' own, in the order of its `generate`."""
    chosen = LogitsProcessorList()
    if never:
        chosen.append(SuppressTokensLogitsProcessor(list(never)))
    if settings.repetition_penalty != 1.0:
        chosen.append(RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    if settings.temperature > 0:
        if settings.temperature != 1.0:
            chosen.append(TemperatureLogitsWarper(settings.temperature))
        if settings.top_p < 1.0:
            chosen.append(TopPLogitsWarper(settings.top_p))
    return chosen


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Somebody pressed stop."""


@torch.inference_mode()
def prefill(
    language_model: PreTrainedModel,
    embeddings: Tensor,
    cache: DynamicCache,
    stop: Event | None = None,
    chunk: int = PREFILL_CHUNK,
) -> Tensor:
    """Reads the prompt's embeddings [1, L, D] into the cache; returns the logits [1, V] after it.

    Raises `Stopped` between two chunks; the cache then holds the chunks that were read.
    """
    only_last = _only_last(language_model)
    for start in range(0, embeddings.shape[1], chunk):
        if stop is not None and stop.is_set():
            raise Stopped
        out = language_model(
            inputs_embeds=embeddings[:, start : start + chunk],
            past_key_values=cache,
            use_cache=True,
            **only_last,
        )
    return out.logits[:, -1].float()


@torch.inference_mode()
def generate(
    language_model: PreTrainedModel,
    logits: Tensor,
    cache: DynamicCache,
    settings: Settings,
    *,
    end: frozenset[int],
    never: Sequence[int] = (),
    stop: Event | None = None,
) -> Iterator[int]:
    """Yields the tokens after `logits` [1, V], until one of `end`, which is not yielded.

    `never` are tokens that may not be chosen, such as placeholders of pictures. Raises `Stopped`
    between two tokens. The cache holds all tokens but perhaps the last.
    """
    only_last = _only_last(language_model)
    choose = processors(settings, never)
    generator = torch.Generator(device=logits.device)
    if settings.seed is None:
        generator.seed()
    else:
        generator.manual_seed(settings.seed)
    answer = torch.empty(1, 0, dtype=torch.long, device=logits.device)  # [1, L]
    while True:
        scores = choose(answer, logits)
        if settings.temperature > 0:
            token = torch.multinomial(scores.softmax(-1), 1, generator=generator)  # [1, 1]
        else:
            token = scores.argmax(-1, keepdim=True)
        chosen = int(token)
        if chosen in end:
            return
        yield chosen
        answer = torch.cat([answer, token], dim=1)
        if answer.shape[1] >= settings.max_new_tokens:
            return
        if stop is not None and stop.is_set():
            raise Stopped
        out = language_model(input_ids=token, past_key_values=cache, use_cache=True, **only_last)
        logits = out.logits[:, -1].float()


def _only_last(language_model: PreTrainedModel) -> dict[str, int]:
    """Asks for the last position's logits alone, where the model can: a vocabulary is wide."""
    accepted = inspect.signature(language_model.forward).parameters
    return {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}


class Detokenizer:
    """Tokens to text as they come, never half a character, never a special token."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._special_ids = frozenset(tokenizer.all_special_ids)
        self._ids: list[int] = []
        self._start = 0  # tokenizers join neighbours, so the last piece is decoded again with
        self._read = 0  # the next: [start, read) was given out already

    def push(self, token: int) -> str:
        """The text this token makes certain; empty while a character is still incomplete."""
        if token in self._special_ids:
            return ""
        self._ids.append(token)
        return self._take()

    def finish(self) -> str:
        """What is left. Bytes that never became a character are dropped."""
        return self._take(last=True)

    def _take(self, last: bool = False) -> str:
        before = self._decode(self._ids[self._start : self._read])
        text = self._decode(self._ids[self._start :])
        if last:
            text = text.rstrip("\ufffd")
        elif text.endswith("\ufffd"):
            return ""
        self._start, self._read = self._read, len(self._ids)
        return text[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
