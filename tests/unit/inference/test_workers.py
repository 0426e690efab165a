"""A thread gives back the OpenMP workers that its operations used."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import torch
from tiny import tiny_assistant

from vlm.inference.decoding.decoder import Job
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.settings import Settings
from vlm.inference.workers import release_workers

pytestmark = pytest.mark.skipif(
    not list((Path(torch.__file__).parent / "lib").glob("libgomp*")), reason="torch has no libgomp"
)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    release_workers()
    torch.set_num_threads(before)


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def ends_with(count: int) -> bool:
    """Whether so many threads are left within a second: the system ends them a little later."""
    end = time.monotonic() + 1
    while threads() != count and time.monotonic() < end:
        time.sleep(0.01)
    return threads() == count


def test_the_workers_of_a_thread_end(two_threads: None) -> None:
    before = threads()
    torch.ones(10**6).exp_()
    assert threads() == before + 1
    release_workers()
    assert ends_with(before)
    assert torch.ones(10**6).exp_().isclose(torch.tensor(torch.e)).all()  # it can compute again


def test_a_thread_that_asks_keeps_no_workers_while_another_computes(two_threads: None) -> None:
    assistant = tiny_assistant()
    model = assistant.model
    with torch.inference_mode():
        embeddings = model.get_input_embeddings()(torch.tensor([[5, 6, 7]]))
    release_workers()
    before = threads()
    decoder = assistant.share(2)
    torch.ones(10**6).exp_()
    assert threads() == before + 2  # the model's thread, and a worker of this one
    job = Job(
        embeddings.clone(),
        assistant.prefixes.fork(model.language_model, [0]),
        Sampler(Settings(max_new_tokens=3), assistant.facts.suppressed_ids),
        frozenset(),
        Event(),
    )
    assert len(list(decoder.tokens(job))) == 3
    assert ends_with(before + 1)
    assistant.close()
    assert ends_with(before)
