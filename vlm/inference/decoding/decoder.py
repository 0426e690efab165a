"""Who computes the model's steps: the thread that asks (`Alone`), or one thread for all who ask.

`decoding.scheduler` has the one that computes in torch, `vlm.llamacpp.decoder` the one of
llama.cpp. All give the same tokens.
"""

import copy
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from vlm.inference.decoding.generation import generate, prefill
from vlm.inference.decoding.sampler import Sampler

Result = TypeVar("Result")


@dataclass(eq=False)
class Job:
    """A prompt to answer."""

    embeddings: Tensor  # [1, L, D], of the positions that the cache does not hold
    # Holds prompt and answer afterwards, except perhaps the last token: a DynamicCache, or what
    # the decoder's own cache of prefixes returns.
    cache: Any
    sampler: Sampler
    eos_ids: frozenset[int]
    stop: Event
    on_prefill: Callable[[], None] = lambda: None  # the cache holds the prompt, and no more


class Decoder(Protocol):
    """Computes the steps of the language model and of the tower."""

    def run(self, work: Callable[[], Result]) -> Result:
        """Runs one step of the tower."""

    def tokens(self, job: Job) -> Generator[int, None, None]:
        """Yields the answer's tokens. Raises `Stopped` once the job's `stop` is set."""

    def following(self, cache: Any, ids: Sequence[int]) -> Tensor:
        """Returns the logits [n, V] after each of `ids`, which follow `cache`; leaves it as is."""

    @property
    def alive(self) -> bool:
        """Whether it still computes."""

    def close(self) -> None:
        """Ends its thread, if it has one; answers in progress end as if stopped."""


class Prefixes(Protocol):
    """Keeps what was read of prompts, for the next turn."""

    def fork(self, language_model: Any, rows: Sequence[int]) -> Any:
        """Returns a cache with the longest known prefix of `rows`, but never all of them."""

    def keep(self, rows: Sequence[int], cache: Any) -> None:
        """Keeps a cache that holds these rows, or the first of them."""

    def forget(self) -> None:
        """Forgets all that was kept."""


class Alone:
    """Computes in the thread that asks."""

    def __init__(self, language_model: PreTrainedModel) -> None:
        self.language_model = language_model

    def run(self, work: Callable[[], Result]) -> Result:
        return work()

    def tokens(self, job: Job) -> Generator[int, None, None]:
        logits = prefill(self.language_model, job.embeddings, job.cache, job.stop)
        job.on_prefill()
        yield from generate(
            self.language_model,
            logits,
            job.cache,
            job.sampler,
            eos_ids=job.eos_ids,
            stop=job.stop,
        )

    def following(self, cache: DynamicCache, ids: Sequence[int]) -> Tensor:
        return following(self.language_model, cache, ids)

    alive = True

    def close(self) -> None:
        pass


@torch.inference_mode()
def following(language_model: PreTrainedModel, cache: DynamicCache, ids: Sequence[int]) -> Tensor:
    """Returns the logits [n, V] after each of `ids`, read into a copy of the cache."""
    given = torch.tensor([list(ids)], device=language_model.device)
    fork = copy.deepcopy(cache)
    return language_model(input_ids=given, past_key_values=fork, use_cache=True).logits[0].float()
