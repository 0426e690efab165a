"""Who computes the model's steps: the thread that asks (`Alone`), or one thread for all who ask.

`vlm.inference.scheduler` has the other one. Both give the same tokens.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from threading import Event
from typing import Protocol, TypeVar

from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from vlm.inference.generation import generate, prefill
from vlm.inference.sampler import Sampler

Result = TypeVar("Result")


@dataclass(eq=False)
class Job:
    """A prompt to answer."""

    embeddings: Tensor  # [1, L, D], of the positions that the cache does not hold
    cache: DynamicCache  # holds prompt and answer afterwards, except perhaps the last token
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
