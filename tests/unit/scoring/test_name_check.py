"""The name check: right if the model produces the whole name, else wrong."""

from pathlib import Path

import pytest
import torch

from data.synthetic.language.imagenet_names import imagenet_classes
from evaluation.embedded.name_check import Named, name_check, table
from vlm.loading import load_folder
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

LION, GOLDFISH, PIZZA = 291, 1, 963


@pytest.fixture(scope="module")
def embedded(embedded_folder: Path) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    model, processor, _ = load_folder(embedded_folder, torch.float32, "cpu")
    return model.eval(), processor


def test_complete_names_are_right(
    embedded: tuple[PVCForConditionalGeneration, PVCProcessor],
) -> None:
    named = list(name_check(*embedded, [imagenet_classes()[i] for i in (LION, GOLDFISH, PIZZA)]))
    assert [one.kind.name for one in named] == ["lion", "goldfish", "pizza"]
    assert [one.spelled for one in named if one.right] == [
        f"{one.kind.phrase}." for one in named if one.right
    ]
    assert sum(one.right for one in named) >= 2


def test_names_with_permuted_word_embeddings_are_wrong(
    embedded: tuple[PVCForConditionalGeneration, PVCProcessor],
) -> None:
    model, processor = embedded
    assert model.concepts is not None
    words = model.concepts.words.weight
    before = words.detach().clone()
    with torch.no_grad():
        words.copy_(before.roll(500, dims=0))
    (lion,) = name_check(model, processor, [imagenet_classes()[LION]])
    with torch.no_grad():
        words.copy_(before)
    assert not lion.right
    assert lion.spelled != "a lion."


def test_the_table_counts_names_of_one_piece_and_of_several() -> None:
    kind = imagenet_classes()[LION]
    named = [
        Named(kind, "one piece", "a lion.", True),
        Named(kind, "several pieces", "a lioness.", False),
        Named(kind, "several pieces", "a lion.", True),
    ]
    lines = table(named)
    assert lines[2].startswith("| of one piece | 100 %")
    assert lines[3].startswith("| of several pieces | 50 %")
