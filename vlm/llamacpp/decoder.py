"""Answers with llama.cpp: one thread computes the steps of all who ask, in the order asked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import torch
from torch import Tensor

from vlm.inference.decoding.decoder import Job
from vlm.inference.decoding.generation import PREFILL_CHUNK, Stopped
from vlm.inference.workers import release_workers
from vlm.llamacpp.context import LlamaContext
from vlm.llamacpp.sequences import Sequences, Turns

Result = TypeVar("Result")


class LlamaDecoder:
    """The language model of an assistant, and the turns it has read.

    Steps of answers that are asked for together alternate: chunks of prompts, tokens, steps of the
    tower. So nobody waits for another's whole answer.
    """

    def __init__(self, context: LlamaContext) -> None:
        self.sequences = Sequences(context)
        self._context = context
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether the thread still computes."""
        return not self._closed

    def run(self, work: Callable[[], Result]) -> Result:
        """Runs one step in the thread that computes."""
        if self._closed:
            raise Stopped
        release_workers()
        return self._thread.submit(_step, work).result()

    def tokens(self, job: Job) -> Generator[int, None, None]:
        """Yields the answer's tokens. Raises `Stopped` once the job's `stop` is set."""
        try:
            yield from self._tokens(job)
        finally:
            with suppress(Stopped):
                self.run(release_workers)

    def following(self, cache: Turns, ids: Sequence[int]) -> Tensor:
        """Returns the logits [n, V] after each of `ids`, which follow `cache`; leaves it as is."""

        def read() -> Tensor:
            turns = self.sequences.copy(cache)
            chunks = [
                list(ids[at : at + PREFILL_CHUNK]) for at in range(0, len(ids), PREFILL_CHUNK)
            ]
            return torch.cat([self.sequences.read_tokens(turns, c, every=True) for c in chunks])

        return self.run(read)

    def close(self) -> None:
        """Ends the thread and frees the model's memory."""
        if not self._closed:
            self._closed = True
            self._thread.shutdown()
            self._context.close()

    def _tokens(self, job: Job) -> Generator[int, None, None]:
        logits = self._prefill(job)
        job.on_prefill()
        settings, turns = job.sampler.settings, job.cache
        for _ in range(settings.max_new_tokens - 1):
            token = job.sampler.choose(logits)
            if token in job.eos_ids:
                return
            yield token
            if job.stop.is_set():
                raise Stopped
            logits = self.run(lambda: self.sequences.read_tokens(turns, [token]))  # noqa: B023
        token = job.sampler.choose(logits)
        if token not in job.eos_ids:
            yield token

    def _prefill(self, job: Job) -> Tensor:
        embeddings = job.embeddings[0]
        for start in range(0, len(embeddings), PREFILL_CHUNK):
            if job.stop.is_set():
                raise Stopped
            chunk = embeddings[start : start + PREFILL_CHUNK]
            logits = self.run(lambda: self.sequences.read(job.cache, chunk))  # noqa: B023
        return logits


class TurnsCache:
    """The turns of a decoder, as an assistant's cache of prefixes."""

    def __init__(self, decoder: LlamaDecoder) -> None:
        self._decoder = decoder

    def fork(self, language_model: object, rows: Sequence[int]) -> Turns:
        """Returns turns with the longest known prefix of `rows`, but never all of them."""
        return self._decoder.run(lambda: self._decoder.sequences.fork(rows))

    def keep(self, rows: Sequence[int], cache: Turns) -> None:
        """Keeps a copy of turns that hold these rows, or the first of them."""
        if self._decoder.alive:
            self._decoder.run(lambda: self._decoder.sequences.keep(rows, cache))

    def forget(self) -> None:
        """Forgets all that was kept."""
        self._decoder.run(self._decoder.sequences.forget)


@torch.inference_mode()
def _step(work: Callable[[], Result]) -> Result:
    return work()
