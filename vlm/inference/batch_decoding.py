"""Tokens after several prompts at once, the same ones as after each prompt alone.

Prompts of different lengths stand flush right: the padding is on the left, masked, and counted
by no position. What is left are roundings, for a batch is multiplied in another order than a
single row. They decide only where two tokens are almost equally likely; a row in which that
happened is marked as `near_tie`, so that whoever asked can read it again alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache, LogitsProcessorList, PreTrainedModel

from vlm.inference.generation import PREFILL_CHUNK

# Of the logits' standard deviation. The roundings of float32 stay below a hundredth of this,
# and of a hundred thousand tokens some ten are this close.
NEAR_TIE = 1e-3


@dataclass
class BatchRow:
    """One prompt of a batch and what came after it."""

    prompt: Tensor  # [L, D] embeddings
    generator: torch.Generator | None = None  # draws the tokens; None takes the likeliest
    tokens: list[int] = field(default_factory=list)
    near_tie: bool = False  # two tokens were too close to be told apart by a batch


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
    end: frozenset[int],
    max_new_tokens: int,
    finished: Callable[[BatchRow], bool] = lambda row: False,
) -> Timing:
    """Fills the `tokens` of the rows, each until one of `end`, which is not kept.

    `finished` is asked after every token whether a row has said enough.
    """
    started = clock(language_model.device)
    lengths = torch.tensor([len(row.prompt) for row in rows])
    embeddings = pad_sequence([row.prompt for row in rows], True, padding_side="left")  # [B, L, D]
    L = embeddings.shape[1]
    mask = (torch.arange(L) >= L - lengths[:, None]).long().to(embeddings.device)  # [B, L]
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache(config=language_model.config)
    for start in range(0, L, PREFILL_CHUNK):
        stop = min(start + PREFILL_CHUNK, L)
        logits = (
            language_model(
                inputs_embeds=embeddings[:, start:stop],
                attention_mask=mask[:, :stop],
                position_ids=positions[:, start:stop],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
        )  # [B, V]
    read = clock(language_model.device)

    left = list(rows)
    nothing = torch.empty(len(left), 0, dtype=torch.long, device=logits.device)
    while True:
        scores = choose(nothing, logits)
        best, second = scores.topk(2).values.unbind(1)
        # Written so that a row of NaN counts as close.
        near = (~(best - second >= NEAR_TIE * logits.std(dim=1))).tolist()
        likeliest = scores.argmax(1).tolist()
        going_on = []
        for i, row in enumerate(left):
            if row.generator is None:
                token = likeliest[i]
                row.near_tie = row.near_tie or near[i]
            else:
                share = scores[i].softmax(-1).cpu()
                token = int(torch.multinomial(share, 1, generator=row.generator))
            if token in end:
                continue
            row.tokens.append(token)
            if len(row.tokens) < max_new_tokens and not finished(row):
                going_on.append(i)
        if not going_on:
            return Timing(read - started, clock(language_model.device) - read)
        if len(going_on) < len(left):
            chosen = torch.tensor(going_on, device=mask.device)
            cache.batch_select_indices(chosen)
            mask = mask[chosen]
            nothing = nothing[: len(going_on)]
            left = [left[i] for i in going_on]
        mask = torch.cat([mask, mask.new_ones(len(left), 1)], dim=1)
        logits = (
            language_model(
                input_ids=torch.tensor([[row.tokens[-1]] for row in left], device=mask.device),
                attention_mask=mask,
                position_ids=mask.sum(1, keepdim=True) - 1,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
        )


def clock(device: torch.device) -> float:
    """Seconds, once the device has done what it was asked so far."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
