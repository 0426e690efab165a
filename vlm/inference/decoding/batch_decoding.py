"""Tokens after several prompts at once, the same ones as after each prompt alone.

Prompts of different lengths are flush right: the padding on the left is masked and has no position.
What is left are rounding differences, for a batch is multiplied in another order than a single row.
They decide only between two tokens that are almost equally likely; a row with such a step is marked
as a `near_tie`, so that the caller can decode it again alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache, LogitsProcessorList, PreTrainedModel

from vlm.inference.decoding.generation import PREFILL_CHUNK
from vlm.inference.decoding.sampler import NEAR_TIE


@dataclass
class BatchRow:
    """One prompt of a batch, and the tokens after it."""

    prompt: Tensor  # [L, D] embeddings
    generator: torch.Generator | None = None  # draws the tokens; None takes the most likely
    tokens: list[int] = field(default_factory=list)
    near_tie: bool = False  # the top two logits are too close for batched arithmetic to order


@dataclass(frozen=True)
class Timing:
    """Seconds for reading the prompts and for writing the answers."""

    prefill: float
    decode: float


@torch.inference_mode()
def decode(
    language_model: PreTrainedModel,
    rows: Sequence[BatchRow],
    choose: LogitsProcessorList,
    eos_ids: frozenset[int],
    max_new_tokens: int,
    is_complete: Callable[[BatchRow], bool] = lambda row: False,
) -> Timing:
    """Fills the `tokens` of the rows, each until one of `eos_ids`, which is not kept.

    `is_complete` is called after every token; a row for which it is true ends there.
    """
    started = clock(language_model.device)
    cache = DynamicCache(config=language_model.config)
    logits, mask = _prefill(language_model, [row.prompt for row in rows], cache)
    read = clock(language_model.device)

    left = list(rows)
    while True:
        tokens, near = _choose(choose, logits, left)
        unfinished = []
        for i, (row, token) in enumerate(zip(left, tokens, strict=True)):
            row.near_tie = row.near_tie or near[i]
            if token in eos_ids:
                continue
            row.tokens.append(token)
            if len(row.tokens) < max_new_tokens and not is_complete(row):
                unfinished.append(i)
        if not unfinished:
            return Timing(read - started, clock(language_model.device) - read)
        if len(unfinished) < len(left):
            chosen = torch.tensor(unfinished, device=mask.device)
            cache.batch_select_indices(chosen)
            mask = mask[chosen]
            left = [left[i] for i in unfinished]
        mask = torch.cat([mask, mask.new_ones(len(left), 1)], dim=1)
        out = language_model(
            input_ids=torch.tensor([[row.tokens[-1]] for row in left], device=mask.device),
            attention_mask=mask,
            position_ids=mask.sum(1, keepdim=True) - 1,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits = out.logits[:, -1].float()


def _prefill(
    language_model: PreTrainedModel, prompts: Sequence[Tensor], cache: DynamicCache
) -> tuple[Tensor, Tensor]:
    """Reads the prompts [L, D] into the cache; returns the logits [B, V] and the mask [B, L]."""
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    embeddings = pad_sequence(list(prompts), True, padding_side="left")  # [B, L, D]
    L = embeddings.shape[1]
    mask = (torch.arange(L) >= L - lengths[:, None]).long().to(embeddings.device)  # [B, L]
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    for start in range(0, L, PREFILL_CHUNK):
        stop = min(start + PREFILL_CHUNK, L)
        out = language_model(
            inputs_embeds=embeddings[:, start:stop],
            attention_mask=mask[:, :stop],
            position_ids=positions[:, start:stop],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
    return out.logits[:, -1].float(), mask


def _choose(
    choose: LogitsProcessorList, logits: Tensor, rows: Sequence[BatchRow]
) -> tuple[list[int], list[bool]]:
    """Returns the next token of each row, and whether the choice was a near tie."""
    # One row at a time: a repetition penalty looks at the row's own tokens, of any number.
    scores = torch.cat(
        [
            choose(torch.tensor([row.tokens], dtype=torch.long, device=logits.device), of_row[None])
            for row, of_row in zip(rows, logits, strict=True)
        ]
    )
    best, second = scores.topk(2).values.unbind(1)
    # Written so that a row of NaN counts as a near tie.
    near = (~(best - second >= NEAR_TIE * logits.std(dim=1))).tolist()
    tokens = scores.argmax(1).tolist()
    for i, row in enumerate(rows):
        if row.generator is not None:
            share = scores[i].softmax(-1).cpu()
            tokens[i] = int(torch.multinomial(share, 1, generator=row.generator))
            near[i] = False
    return tokens, near


def clock(device: torch.device) -> float:
    """Returns the time in seconds, once the device has finished its queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
