"""transformers' own `generate` as a generator of tokens that can be stopped.

`generate` knows what each class needs: positions, masks, caches. It runs in a thread. Our sampler
chooses each token and leaves it alone with a finite score; so settings, grammar and
log-probabilities are those of every other model.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from vlm.inference.decoding.generation import Stopped
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.workers import release_workers

POLL = 0.05  # seconds between two looks at `stop` while another answer computes


@dataclass(eq=False)
class Computer:
    """A model, and the lock under which one answer at a time computes.

    Classes such as Qwen2-VL keep the positions of their last prompt in themselves, so two answers
    may never run at once.
    """

    model: PreTrainedModel
    lock: threading.Lock = field(default_factory=threading.Lock)
    alive: bool = True  # as a Scheduler's: no thread of its own could end


@dataclass(eq=False)
class Task:
    """A prompt to answer."""

    inputs: Mapping[str, Any]  # of `generate`
    cache: DynamicCache  # keys and values of the first tokens; holds the answer afterwards
    sampler: Sampler
    eos_ids: frozenset[int]
    stop: threading.Event


def tokens(computer: Computer, task: Task) -> Generator[int, None, None]:
    """Yields the answer's tokens, without the one that ends it. Raises `Stopped`.

    If stopped before the first token, the cache is of no use; later, it holds whole tokens.
    """
    updates: SimpleQueue[int | None] = SimpleQueue()
    failures: list[Exception] = []
    gone = threading.Event()  # the consumer wants no more

    def work() -> None:
        try:
            _generate(computer, task, updates, gone)
        except Exception as error:  # noqa: BLE001 - raised again by the consumer
            failures.append(error)
        updates.put(None)

    release_workers()
    thread = threading.Thread(target=work, name="generate", daemon=True)
    thread.start()
    try:
        while (token := updates.get()) is not None:
            if token in task.eos_ids:
                break
            yield token
            if task.stop.is_set():
                raise Stopped
    finally:
        gone.set()
        thread.join()
    if failures:
        raise failures[0]


def _generate(
    computer: Computer, task: Task, updates: SimpleQueue[int | None], gone: threading.Event
) -> None:
    model = computer.model

    def over() -> bool:
        return task.stop.is_set() or gone.is_set()

    while not computer.lock.acquire(timeout=POLL):
        if over():
            raise Stopped
    try:
        with torch.inference_mode(), _stopped_in_prefill(model, over) as started:
            _forget_positions(model)
            model.generate(
                **task.inputs,
                past_key_values=task.cache,
                generation_config=_plain(task),
                logits_processor=LogitsProcessorList([_Choose(task.sampler, updates, started)]),
                stopping_criteria=StoppingCriteriaList([_Until(over)]),
            )
    finally:
        computer.lock.release()


def _plain(task: Task) -> GenerationConfig:
    """Greedy, with nothing of the model's own: the sampler has applied its settings already."""
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=task.sampler.settings.max_new_tokens,
        eos_token_id=sorted(task.eos_ids),
        pad_token_id=min(task.eos_ids),
        repetition_penalty=1.0,
        use_cache=True,
    )


class _Choose(LogitsProcessor):
    """Chooses the token, passes it on, and leaves it as the only one."""

    def __init__(
        self, sampler: Sampler, updates: SimpleQueue[int | None], started: threading.Event
    ) -> None:
        self._sampler, self._updates, self._started = sampler, updates, started

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self._started.set()
        token = self._sampler.choose(scores.float())
        self._updates.put(token)
        alone = torch.full_like(scores, -torch.inf)
        alone[:, token] = 0.0
        return alone


class _Until(StoppingCriteria):
    def __init__(self, over: Any) -> None:
        self._over = over

    def __call__(self, input_ids: Tensor, scores: Tensor, **unused: Any) -> Tensor:
        return torch.full((len(input_ids),), self._over(), device=input_ids.device)


@contextlib.contextmanager
def _stopped_in_prefill(model: nn.Module, over: Any) -> Iterator[threading.Event]:
    """Raises `Stopped` between two layers while the event it yields is not set."""
    started = threading.Event()

    def check(module: nn.Module, inputs: Any) -> None:
        if not started.is_set() and over():
            raise Stopped

    layers = [one for part in model.modules() if isinstance(part, nn.ModuleList) for one in part]
    hooks = [layer.register_forward_pre_hook(check) for layer in layers]
    try:
        yield started
    finally:
        for hook in hooks:
            hook.remove()


def _forget_positions(model: nn.Module) -> None:
    """Clears what Qwen's classes keep of the prompt before."""
    for module in model.modules():
        if isinstance(getattr(module, "rope_deltas", None), Tensor):
            setattr(module, "rope_deltas", None)  # noqa: B010 - not in the class that mypy knows
