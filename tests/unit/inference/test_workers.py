"""A thread gives back the OpenMP workers that its operations used."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import torch
from tiny import tiny_assistant
from waiting import Started, until

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


def test_the_workers_of_a_thread_end(two_threads: None) -> None:
    started = Started()
    torch.ones(10**6).exp_()
    assert started.count() == 1
    release_workers()
    until(lambda: started.count() == 0)  # the system ends them a little later
    assert torch.ones(10**6).exp_().isclose(torch.tensor(torch.e)).all()  # it can compute again


def test_a_thread_that_asks_keeps_no_workers_while_another_computes(two_threads: None) -> None:
    assistant = tiny_assistant()
    model = assistant.model
    with torch.inference_mode():
        embeddings = model.get_input_embeddings()(torch.tensor([[5, 6, 7]]))
    release_workers()
    started = Started()
    decoder = assistant.share(2)
    torch.ones(10**6).exp_()
    assert started.count() == 2  # the model's thread, and a worker of this one
    job = Job(
        embeddings.clone(),
        assistant.prefixes.fork(model.language_model, [0]),
        Sampler(Settings(max_new_tokens=3), assistant.facts.suppressed_ids),
        frozenset(),
        Event(),
    )
    assert len(list(decoder.tokens(job))) == 3
    until(lambda: started.count() == 1)
    assistant.close()
    until(lambda: started.count() == 0)
