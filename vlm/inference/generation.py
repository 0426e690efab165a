"""Answers token by token, from any transformers causal language model, as a generator.

transformers' logits processors choose the tokens. The loop is ours: it prefills the prompt in
chunks, so a stop takes effect during a long one; it fills a cache that is passed in, so the next
turn can continue from it; the consumer may stop the generator at any token.
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

# Prompt tokens that are read in one call, which bounds memory and the time until a stop takes
# effect. The memory estimate uses it, too.
PREFILL_CHUNK = 256


def processors(settings: Settings, suppressed_ids: Sequence[int] = ()) -> LogitsProcessorList:
    """Returns transformers' own processors, in the order of its `generate`."""
    chosen = LogitsProcessorList()
    if suppressed_ids:
        chosen.append(SuppressTokensLogitsProcessor(list(suppressed_ids)))
    # As floats: transformers refuses whole numbers.
    if settings.repetition_penalty != 1.0:
        chosen.append(RepetitionPenaltyLogitsProcessor(float(settings.repetition_penalty)))
    if settings.temperature > 0:
        if settings.temperature != 1.0:
            chosen.append(TemperatureLogitsWarper(float(settings.temperature)))
        if settings.top_p < 1.0:
            chosen.append(TopPLogitsWarper(settings.top_p))
    return chosen


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
    eos_ids: frozenset[int],
    suppressed_ids: Sequence[int] = (),
    stop: Event | None = None,
) -> Iterator[int]:
    """Yields the tokens after `logits` [1, V], until one of `eos_ids`, which is not yielded.

    `suppressed_ids` are never chosen: markup such as the placeholders of pictures. Raises `Stopped`
    between two tokens. The cache holds all tokens except perhaps the last.
    """
    only_last = _only_last(language_model)
    choose = processors(settings, suppressed_ids)
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
        if chosen in eos_ids:
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
    """Requests logits of the last position only, if the model can: a vocabulary is wide."""
    accepted = inspect.signature(language_model.forward).parameters
    return {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}


class Detokenizer:
    """Tokens to text as they come, never half a character, never a special token.

    `tokenizers.decoders.DecodeStream` is not used: with byte-fallback tokenizers (InternLM2, Llama)
    it raises an exception after bytes that are no UTF-8, in the middle of an answer.
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
