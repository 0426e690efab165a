"""One thread that computes for all who ask: steps of many answers at once (continuous batching).

A round of the thread is one step of all answers that are being written, then one chunk of the
oldest prompt that is being read, then one step of the tower for a medium. So a long prompt or film
delays the words of others by one chunk, not by its whole length.

In float32 greedy answers are those of batch size 1. A batch is multiplied in another order than a
single row, and its rounding decides only between two tokens that are almost equally likely; such a
step is computed again alone, token by token from the prompt, exactly as `Alone` computes it.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from vlm.inference.decoding.decode_batch import DecodeBatch, Row
from vlm.inference.decoding.decoder import Job, following
from vlm.inference.decoding.generation import PREFILL_CHUNK, Stopped, read_chunk
from vlm.inference.workers import release_workers

Result = TypeVar("Result")


class Scheduler:
    """Computes the steps of a language model and its tower in one thread.

    At most `max_rows` answers are written at once; more prompts wait, first come first served.
    """

    def __init__(self, language_model: PreTrainedModel, max_rows: int = 8) -> None:
        self.language_model = language_model
        self.max_rows = max_rows
        self._batch = DecodeBatch(language_model)
        self._prompts: deque[Row] = deque()
        self._work: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        release_workers()
        self._thread = threading.Thread(target=self._loop, daemon=True, name="model")
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still computes."""
        return self._thread.is_alive() and not self._closed

    def run(self, work: Callable[[], Result]) -> Result:
        """Runs one step of the tower between steps of the language model."""
        release_workers()
        done: SimpleQueue[tuple[Result | None, Exception | None]] = SimpleQueue()

        def step() -> None:
            try:
                done.put((work(), None))
            except Exception as error:  # noqa: BLE001  raised again in the thread that asked
                done.put((None, error))

        self._add(lambda: self._work.append(step))
        result, error = done.get()
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # None only with an error, or if it is one

    def tokens(self, job: Job) -> Generator[int, None, None]:
        """Yields the answer's tokens. Raises `Stopped` once the job's `stop` is set.

        Closing the generator ends the answer; the job's cache then holds what was yielded, except
        perhaps the last token.
        """
        release_workers()
        row = Row(job)
        self._add(lambda: self._prompts.append(row))
        num_yielded = 0
        try:
            while not isinstance(item := row.arrived.get(), Exception):
                if item is None:
                    return
                num_yielded += 1
                yield item
            raise item
        finally:
            row.left = True
            row.ended.wait()
            row.give_back(num_yielded)

    def following(self, cache: DynamicCache, ids: Sequence[int]) -> Tensor:
        """Returns the logits [n, V] after each of `ids`, which follow `cache`; leaves it as is."""
        return self.run(partial(following, self.language_model, cache, ids))

    def close(self) -> None:
        """Ends the thread; answers in progress end as if stopped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(10)

    def _add(self, append: Callable[[], None]) -> None:
        with self._changed:
            if self._closed:
                raise Stopped
            append()
            self._changed.notify()

    @torch.inference_mode()
    def _loop(self) -> None:
        while True:
            with self._changed:
                while not (self._closed or self._prompts or self._work or self._batch.rows):
                    release_workers()
                    self._changed.wait()
                if self._closed:
                    break
            self._step()
            self._read_prompt()
            if self._work:
                self._work.popleft()()
        for row in (*self._prompts, *self._batch.rows):
            row.end(Stopped())
        while self._work:
            self._work.popleft()()

    def _step(self) -> None:
        """Takes one step of all answers, and drops the ones that end with it."""
        if not self._batch.rows:
            return
        try:
            self._batch.drop([row for row in self._batch.rows if row.stopped])
            self._batch.step()
        except Exception as error:  # noqa: BLE001  raised again in the threads that asked
            self._batch.fail(error)

    def _read_prompt(self) -> None:
        """Reads one chunk of the oldest prompt; its answer joins the batch after the last one."""
        for row in [row for row in self._prompts if row.stopped]:
            self._prompts.remove(row)
            row.end(Stopped())
        if not self._prompts or len(self._batch.rows) >= self.max_rows:
            return
        row = self._prompts[0]
        try:
            logits = self._chunk(row)
            if logits is None:
                return
            self._prompts.popleft()
            row.job.on_prefill()
            self._batch.join(row, logits)
        except Exception as error:  # noqa: BLE001  raised again in the thread that asked
            if self._prompts and self._prompts[0] is row:
                self._prompts.popleft()
            row.end(error)

    def _chunk(self, row: Row) -> Tensor | None:
        """Reads the next chunk; returns the logits [1, V] after the prompt if it was the last."""
        start, embeddings = row.num_read, row.job.embeddings
        chunk = embeddings[:, start : start + PREFILL_CHUNK]
        logits = read_chunk(self.language_model, chunk, row.job.cache)
        row.num_read += chunk.shape[1]
        return logits if row.num_read == embeddings.shape[1] else None
