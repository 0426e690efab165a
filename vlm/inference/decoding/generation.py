"""Answers token by token, from any transformers causal language model, as a generator.

transformers' logits processors choose the tokens. The loop is ours: it prefills the prompt in
chunks, so a stop takes effect during a long one; it fills a cache that is passed in, so the next
turn can continue from it; the consumer may stop the generator at any token.
"""

import inspect
import itertools
from collections.abc import Iterator
from threading import Event

import torch
from torch import Tensor
from transformers import (
    DynamicCache,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from vlm.inference.decoding.sampler import Sampler

# Prompt tokens that are read in one call, which bounds memory and the time until a stop takes
# effect. The memory estimate uses it, too.
PREFILL_CHUNK = 256


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The user pressed stop."""


@torch.inference_mode()
def prefill(
    language_model: PreTrainedModel,
    embeddings: Tensor,
    cache: DynamicCache,
    stop: Event | None = None,
    chunk: int = PREFILL_CHUNK,
) -> Tensor:
    """Reads the prompt's embeddings [1, L, D] into the cache; returns the logits [1, V] after it.

    Raises `Stopped` between two chunks; the cache then holds the chunks read so far.
    """
    for start in range(0, embeddings.shape[1], chunk):
        if stop is not None and stop.is_set():
            raise Stopped
        logits = read_chunk(language_model, embeddings[:, start : start + chunk], cache)
    return logits


@torch.inference_mode()
def generate(
    language_model: PreTrainedModel,
    logits: Tensor,
    cache: DynamicCache,
    sampler: Sampler,
    *,
    eos_ids: frozenset[int],
    stop: Event | None = None,
) -> Iterator[int]:
    """Yields the tokens after `logits` [1, V], until one of `eos_ids`, which is not yielded.

    Raises `Stopped` between two tokens. The cache holds all tokens except perhaps the last.
    """
    for count in itertools.count(1):
        token = sampler.choose(logits)
        if token in eos_ids:
            return
        yield token
        if count >= sampler.settings.max_new_tokens:
            return
        if stop is not None and stop.is_set():
            raise Stopped
        logits = read_token(language_model, token, cache)


def read_chunk(language_model: PreTrainedModel, embeddings: Tensor, cache: DynamicCache) -> Tensor:
    """Reads embeddings [1, L, D] into the cache; returns the logits [1, V] after the last."""
    out = language_model(
        inputs_embeds=embeddings, past_key_values=cache, use_cache=True, **only_last(language_model)
    )
    return out.logits[:, -1].float()


def read_token(language_model: PreTrainedModel, token: int, cache: DynamicCache) -> Tensor:
    """Reads one token into the cache; returns the logits [1, V] after it."""
    step = getattr(language_model, "single_step", None)
    if step is not None and step.takes(cache):
        return step.read(token, cache)
    ids = torch.tensor([[token]], device=language_model.device)
    out = language_model(
        input_ids=ids, past_key_values=cache, use_cache=True, **only_last(language_model)
    )
    return out.logits[:, -1].float()


def only_last(language_model: PreTrainedModel) -> dict[str, int]:
    """Requests logits of the last position only, if the model can: a vocabulary is wide."""
    accepted = inspect.signature(language_model.forward).parameters
    return {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}


class Detokenizer:
    """Tokens to text as they come, never half a character, never a special token.

    `tokenizers.decoders.DecodeStream` is not used: with byte-fallback tokenizers (InternLM2, Llama)
    it raises an exception after bytes that are not UTF-8, in the middle of an answer.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._special_ids = frozenset(tokenizer.all_special_ids)
        self._ids: list[int] = []
        # Tokenizers join neighbors, so the last piece is decoded again with the next one:
        self._start = 0  # the text of [start, read) has been returned already
        self._read = 0

    def push(self, token: int) -> str:
        """Returns the text that this token completes; empty while a character is incomplete."""
        if token in self._special_ids:
            return ""
        self._ids.append(token)
        return self._take()

    def finish(self) -> str:
        """Returns the rest. Drops bytes of an incomplete character."""
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
