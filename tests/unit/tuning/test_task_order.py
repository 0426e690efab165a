"""The order of a run over several sets: every step has each set's share, however it is divided."""

import random
from collections import Counter
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest

from data.tasks.annotations import Captioned, Recognition
from training.checkpoints.run_identity import changed_values
from training.encoders.objectives.tasks import Tasks
from training.encoders.recipe import EncoderRecipe, TaskSource
from training.encoders.run import fingerprint
from training.encoders.tasks.plan import MicroBatch, epoch_sizes, in_order, planned, shares
from training.encoders.tasks.samples import TaskDataset
from training.encoders.tasks.source import Source
from training.encoders.tower import build


def steps_of(sizes: list[int], per_step: int, num_steps: int, each: int = 4) -> list[list[int]]:
    """The sets of the micro-batches of each step."""
    order = [batch.source for batch in planned(sizes, each, per_step, num_steps, seed=1)]
    assert len(order) == num_steps * per_step
    return [order[at : at + per_step] for at in range(0, len(order), per_step)]


@pytest.mark.parametrize("seed", range(40))
def test_every_step_has_each_sets_share(seed: int) -> None:
    rng = random.Random(seed)
    sizes = [rng.choice([1, 3, 10, 200, 1000, 5000]) for _ in range(rng.randint(1, 7))]
    per_step = len(sizes) + rng.randint(0, 3 * len(sizes))
    wanted = shares(sizes, per_step)
    assert sum(wanted) == per_step
    assert min(wanted) >= max(wanted) / 2 or min(wanted) == 1
    used = [0] * len(sizes)
    for number, step in enumerate(steps_of(sizes, per_step, 60), 1):
        for source, share in enumerate(wanted):
            count = step.count(source)
            used[source] += count
            assert 1 <= floor(share) <= count <= ceil(share)
            assert abs(used[source] - number * share) < 2


def test_as_many_micro_batches_as_sets_are_one_of_each() -> None:
    assert steps_of([1000, 10, 3], 3, 4) == [[0, 1, 2]] * 4
    assert epoch_sizes([1000, 10, 3], 3) == [1000] * 3


def test_of_larger_steps_the_rest_goes_by_size_and_none_is_used_less_than_half_of_the_largest() -> (
    None
):
    sizes = [1000, 10, 600, 3]
    assert epoch_sizes(sizes, 8) == [1000, 500, 600, 500]
    used = Counter(k for step in steps_of(sizes, 8, 65) for k in step)
    assert used == {0: 200, 1: 100, 2: 120, 3: 100}


def test_an_epoch_sees_every_sample_of_every_set() -> None:
    for sizes, per_step in (([30, 7, 11], 3), ([30, 7, 11], 4), ([30, 7, 11], 9), ([5], 1)):
        num = sum(epoch_sizes(sizes, per_step))
        plan = planned(sizes, 1, per_step, -(-num // per_step), seed=3)
        seen = {(batch.source, k) for batch in plan for k in batch.samples}
        assert seen == {(source, k) for source, size in enumerate(sizes) for k in range(size)}


def test_a_longer_run_begins_as_the_shorter_one() -> None:
    short, long = (planned([9, 4, 5], 2, 5, steps, seed=7) for steps in (6, 11))
    assert long[: len(short)] == short


def test_a_set_is_seen_whole_before_any_of_it_is_seen_again() -> None:
    plan = planned([6, 6], 4, 2, 3, seed=0)
    of_first = [k for batch in plan if batch.source == 0 for k in batch.samples]
    assert sorted(of_first[:6]) == sorted(of_first[6:]) == list(range(6))
    assert of_first[:6] != of_first[6:]


def test_measuring_sees_every_sample_and_fills_the_last_batch() -> None:
    assert [batch.samples for batch in in_order([5, 2], 3)] == [(0, 1, 2), (3, 4, 4), (0, 1, 1)]


def objective(folder: str = "x", **changes: object) -> Tasks:
    """Sets of 9 and 4 samples, without films."""
    values = {
        "objective": "tasks",
        "encoder": "streamformer-test",
        "text": "siglip-test",
        "tasks": (TaskSource("kinetics", folder), TaskSource("msrvtt", folder)),
        "batch_size": 4,
        "gradient_accumulation_steps": 3,
        "steps": 5,
    }
    clips = [Recognition(str(k), Path("a"), "ab"[k % 2]) for k in range(9)]
    films = [Captioned(str(k), Path("a"), (f"sentence {k}",)) for k in range(4)]
    sources = [
        Source("kinetics", "recognition", clips, ("a", "b")),
        Source("msrvtt", "retrieval", films, ()),
    ]
    recipe = EncoderRecipe(**{**values, **changes})  # type: ignore[arg-type]
    return Tasks(recipe, sources, sources)


def order(tasks: Tasks) -> list[MicroBatch]:
    """The micro-batches of the whole run, over all processes."""
    data = tasks.training_data(build(tasks.recipe), 5 * 12)
    assert isinstance(data, TaskDataset)
    return list(data.plan)


def test_two_processes_have_the_order_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = order(objective())
    assert len(alone) == 15
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert order(objective(batch_size=2)) == alone


def test_a_resumed_run_notices_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def values(tasks: Tasks) -> dict[str, Any]:
        return fingerprint(tasks.recipe, tasks)

    monkeypatch.setattr(Tasks, "digests", lambda self: {})
    alone = values(objective())
    # As many samples in a step, but twice as many micro-batches.
    other = values(objective(batch_size=2, gradient_accumulation_steps=6))
    moved = values(objective(folder="y"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    divided = values(objective(batch_size=4, gradient_accumulation_steps=3))
    assert "samples_per_micro_batch: 4 -> 2" in changed_values(alone, other)
    assert "samples_per_micro_batch: 4 -> 8" in changed_values(alone, divided)
    assert changed_values(alone, moved) == []
