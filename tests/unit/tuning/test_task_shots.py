"""Few-shot training: which clips and classes a draw leaves."""

from collections import Counter
from pathlib import Path

import pytest

from data.tasks.annotations import Grounded, Recognition
from data.tasks.splits import drawn_classes, drawn_clips
from training.encoders.recipe import TaskSource
from training.encoders.tasks.source import Source, few_shots

NAMES = tuple("abcdefg")
CLIPS = [Recognition(f"{name}{k}", Path("x.mp4"), name) for k in range(9) for name in NAMES]
SOURCE = Source("kinetics", "recognition", CLIPS, NAMES)


def drawn(held: bool, **values: int) -> Source:
    return few_shots(SOURCE, TaskSource("kinetics", "folder", **values), held)


def test_all_classes_have_so_many_shots_and_all_held_out_clips_stay() -> None:
    found = drawn(False, shots=5)
    assert Counter(one.label for one in found.annotations) == dict.fromkeys(NAMES, 5)
    assert found.classes == NAMES
    assert list(drawn(True, shots=5).annotations) == CLIPS


def test_held_out_clips_are_of_the_drawn_classes() -> None:
    trained, held = drawn(False, shots=2, ways=5), drawn(True, shots=2, ways=5)
    assert trained.classes == held.classes
    assert {one.label for one in trained.annotations} == set(held.classes)
    assert {one.label for one in held.annotations} == set(held.classes)
    assert (len(trained.annotations), len(held.annotations)) == (10, 45)


def test_draws_differ_and_each_is_the_same_again() -> None:
    assert len({tuple(drawn_classes(40, 5, k)) for k in range(10)}) == 10
    labels = [one.label for one in CLIPS]
    assert len({tuple(drawn_clips(labels, 5, k)) for k in range(10)}) == 10
    assert drawn_clips(labels, 5, 3) == drawn_clips(labels, 5, 3)


def test_without_shots_nothing_changes() -> None:
    assert drawn(False) is SOURCE


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' has 9 clips, fewer than 10 shots"):
        drawn(False, shots=10)
    with pytest.raises(ValueError, match="8 classes cannot be drawn from 7"):
        drawn(False, ways=8)
    grounded = Source("charades-sta", "grounding", [Grounded], ())
    with pytest.raises(ValueError, match="are of recognition, not of grounding"):
        few_shots(grounded, TaskSource("charades-sta", "folder", shots=5), False)
