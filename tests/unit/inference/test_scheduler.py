"""Many answers at once are the answers of one at a time, whoever comes and goes."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch
from tiny import tiny_assistant
from transformers import DynamicCache

from vlm.assistant import Assistant
from vlm.inference.decoding import decode_batch
from vlm.inference.decoding.decoder import Alone, Decoder, Job
from vlm.inference.decoding.generation import PREFILL_CHUNK, Stopped
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.decoding.scheduler import Scheduler
from vlm.inference.settings import Settings

END = frozenset({2})


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    made = tiny_assistant()
    yield made
    made.close()


def job(assistant: Assistant, length: int, seed: int = 0, **options: object) -> Job:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 259, (1, length), generator=generator)
    embeddings = assistant.model.get_input_embeddings()(ids).detach()
    settings = Settings(**{"max_new_tokens": 24, **options})  # type: ignore[arg-type]
    cache = DynamicCache(config=assistant.model.language_model.config)
    sampler = Sampler(settings, assistant.facts.suppressed_ids)
    return Job(embeddings, cache, sampler, END, threading.Event())


JOBS = [(5, 24), (300, 9), (40, 24), (7, 1), (600, 17), (40, 30), (90, 3), (13, 24)]


def jobs(assistant: Assistant) -> list[Job]:
    return [
        job(assistant, length, seed, max_new_tokens=most)
        for seed, (length, most) in enumerate(JOBS)
    ]


def answers(decoder: Decoder, asked: list[Job], pause: float = 0.0) -> list[list[int]]:
    """The answers to jobs that come at nearly the same time."""
    found: list[list[int]] = [[] for _ in asked]

    def ask(place: int) -> None:
        found[place] = list(decoder.tokens(asked[place]))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(asked))]
    for thread in threads:
        thread.start()
        time.sleep(pause)
    for thread in threads:
        thread.join(120)
    return found


@pytest.fixture(scope="module")
def expected(assistant: Assistant) -> tuple[list[list[int]], list[Job]]:
    alone = jobs(assistant)
    decoder = Alone(assistant.model.language_model)
    return [list(decoder.tokens(one)) for one in alone], alone


@pytest.mark.parametrize("max_rows", [1, 3, 8])
@pytest.mark.parametrize("always_redo", [False, True], ids=["ties", "every step"])
def test_answers_in_a_batch_are_those_of_one_at_a_time(
    assistant: Assistant,
    expected: tuple[list[list[int]], list[Job]],
    max_rows: int,
    always_redo: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if always_redo:  # as if every step were a near tie: the exact way is taken each time
        monkeypatch.setattr(Sampler, "near_tie", lambda *_: True)
    texts, alone = expected
    scheduler = Scheduler(assistant.model.language_model, max_rows)
    shared = jobs(assistant)
    assert answers(scheduler, shared, pause=0.01) == texts
    scheduler.close()
    assert len({tuple(text) for text in texts}) > 4, "equal answers would prove little"
    for ours, theirs in zip(shared, alone, strict=True):
        assert ours.cache.get_seq_length() >= theirs.cache.get_seq_length()
        for layer, other in zip(ours.cache.layers, theirs.cache.layers, strict=True):
            length = other.keys.shape[2]
            assert torch.allclose(layer.keys[:, :, :length], other.keys, atol=1e-4)
            assert torch.allclose(layer.values[:, :, :length], other.values, atol=1e-4)


def test_padding_decides_nothing(assistant: Assistant) -> None:
    """A short prompt beside a long one: its logits differ from its own by rounding only."""
    batch = decode_batch.DecodeBatch(assistant.model.language_model)
    rows = [decode_batch.Row(job(assistant, length, 3)) for length in (4, 200)]
    for row in rows:
        model, embeddings = assistant.model.language_model, row.job.embeddings
        with torch.inference_mode():
            out = model(inputs_embeds=embeddings, past_key_values=row.job.cache, use_cache=True)
            batch.join(row, out.logits[:, -1].float())
    with torch.inference_mode():
        together = batch._logits()
        apart = torch.cat([batch._recompute(i) for i in range(2)])
    assert torch.allclose(together, apart, atol=1e-4 * float(apart.std()))


def test_a_stop_ends_one_answer_and_no_other(assistant: Assistant) -> None:
    scheduler = Scheduler(assistant.model.language_model, 4)
    endless = [job(assistant, 20, seed, max_new_tokens=100_000) for seed in (1, 2)]
    for one in endless:
        one.eos_ids = frozenset()
    first = scheduler.tokens(endless[0])
    second = scheduler.tokens(endless[1])
    for _ in range(5):
        next(first)
        next(second)
    endless[0].stop.set()
    with pytest.raises(Stopped):
        for _ in first:
            pass
    assert [next(second) for _ in range(5)]
    second.close()
    assert endless[1].cache.get_seq_length() in (29, 30), "what was yielded, perhaps but the last"
    assert scheduler.alive
    assert list(scheduler.tokens(job(assistant, 5)))
    scheduler.close()


def test_a_failure_ends_the_answers_it_concerns_and_the_next_one_works(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(assistant.model.language_model, 4)
    with pytest.raises(ZeroDivisionError):
        scheduler.run(lambda: 1 // 0)
    assert scheduler.run(lambda: 3) == 3
    broken = job(assistant, 5)
    monkeypatch.setattr(broken.sampler, "scores", lambda logits: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        list(scheduler.tokens(broken))
    assert list(scheduler.tokens(job(assistant, 5)))
    scheduler.close()
    with pytest.raises(Stopped):
        list(scheduler.tokens(job(assistant, 5)))


def test_a_long_prompt_is_read_between_the_words_of_others(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(assistant.model.language_model, 4)
    talker = job(assistant, 10, max_new_tokens=100_000)
    talker.eos_ids = frozenset()
    words = scheduler.tokens(talker)
    next(words)
    done: list[str] = []
    noting(monkeypatch, done, "word", decode_batch.DecodeBatch, "step")
    noting(monkeypatch, done, "chunk", Scheduler, "_chunk")
    list(scheduler.tokens(job(assistant, 1500, max_new_tokens=1)))
    words.close()
    scheduler.close()
    first, last = done.index("chunk"), len(done) - done[::-1].index("chunk")
    assert done[first:last] == ["chunk", "word"] * (1500 // PREFILL_CHUNK) + ["chunk"]


def noting(patch: pytest.MonkeyPatch, done: list[str], word: str, owner: type, name: str) -> None:
    """Notes each call of a method."""
    method = getattr(owner, name)

    def noted(*given: object) -> object:
        done.append(word)
        return method(*given)

    patch.setattr(owner, name, noted)
