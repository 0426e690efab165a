"""Which moments a run over several sets sees, its texts, and the losses."""

import random
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from data.tasks.annotations import Grounded, Localized, Recognition, Segment
from training.encoders.recipe import EncoderRecipe, TaskSource
from training.encoders.tasks.losses import mask_losses, one_of, sigmoid_losses
from training.encoders.tasks.moments import around, moments
from training.encoders.tasks.scores import auc, mask_scores
from training.encoders.tasks.source import Source


def test_the_sigmoid_loss_is_siglips() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 4)
    labels = 2 * torch.eye(4) - 1
    published = -F.logsigmoid(labels * logits).sum() / 4
    torch.testing.assert_close(one_of(logits, torch.arange(4), "sigmoid").mean(), published)
    torch.testing.assert_close(sigmoid_losses(logits, torch.eye(4)).sum() / 4, published)


def test_nce_is_the_share_of_the_right_text() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    share = logits.exp()[0, 1] / logits.exp().sum()
    torch.testing.assert_close(one_of(logits, torch.tensor([1]), "nce")[0], -share.log())


def test_an_ignored_background_does_not_change_the_loss_of_masks() -> None:
    torch.manual_seed(0)
    mask = torch.full((1, 2, 8, 8), -1)
    mask[:, :, :4] = 1
    logits = torch.randn(1, 2, 3, 8, 8)
    changed = logits.clone()
    changed[:, :, :, 4:] += torch.randn(1, 2, 3, 4, 8)
    assert torch.equal(mask_losses(logits, mask, 0.0), mask_losses(changed, mask, 0.0))
    expected = F.cross_entropy(logits[0, :, :, :4].transpose(0, 1)[None], mask[:, :, :4])
    torch.testing.assert_close(mask_losses(logits, mask, 0.0)[0], expected)
    assert not torch.equal(mask_losses(logits, mask, 1.0), mask_losses(changed, mask, 1.0))


def test_foreground_and_background_weigh_as_wholes() -> None:
    torch.manual_seed(0)
    mask, logits = torch.full((1, 1, 8, 8), -1), torch.randn(1, 1, 2, 8, 8)
    mask[..., 0, :3] = 0
    inside = F.cross_entropy(logits[0, 0, :, 0, :3].T, torch.zeros(3, dtype=torch.long))
    around = logits[0, 0].flatten(1)[:, 3:].T
    outside = F.cross_entropy(around, torch.ones(61, dtype=torch.long))
    torch.testing.assert_close(mask_losses(logits, mask, 2.0)[0], inside + 2 * outside)


def test_auc_counts_pairs_in_order() -> None:
    scores, truth = torch.tensor([0.9, 0.5, 0.5, 0.1]), torch.tensor([1, 1, 0, 0.0])
    assert float(auc(scores, truth)) == 3.5 / 4
    assert auc(scores, torch.ones(4)).isnan()


def test_a_perfect_mask_scores_one() -> None:
    mask = torch.full((1, 1, 4, 4), -1)
    mask[..., :2, :] = 0
    logits = torch.where(mask[:, :, None] == 0, 5.0, -5.0)
    both = torch.cat([logits, torch.zeros_like(logits)], dim=2)
    assert mask_scores(both, mask, background=True).tolist() == [1.0]


def test_moments_stay_inside_the_clip() -> None:
    one = Recognition("a", Path("a.mp4"), "x", start=2.0, end=6.0)
    assert moments(one, 10.0, 4, None) == [2.5, 3.5, 4.5, 5.5]
    for seed in range(50):
        found = moments(one, 10.0, 4, random.Random(seed))
        assert found == sorted(found)
        assert 2.0 <= found[0] <= found[-1] < 6.0


def test_a_stretch_around_a_window_holds_it_and_stays_in_the_film() -> None:
    for seed in range(100):
        rng = random.Random(seed)
        first = rng.uniform(0, 50)
        last = rng.uniform(first, 60)
        start, end = around([(first, last)], 60.0, 16.0, rng)
        assert -1e-9 <= start <= first + 1e-9
        assert last - 1e-9 <= end <= 60 + 1e-9
        assert end - start == pytest.approx(max(16.0, last - first))
    one = Grounded("a", Path("a.mp4"), None, "x", ((1.0, 2.0),))
    assert moments(one, 8.0, 4, None) == [1.0, 3.0, 5.0, 7.0]  # measured over the whole film


def test_of_many_classes_the_right_ones_and_random_others_are_compared() -> None:
    classes = tuple(f"class {k}" for k in range(50))
    clips = [Recognition(str(k), Path("a"), classes[k]) for k in range(50)]
    source = Source("kinetics", "recognition", clips, classes)
    texts = source.texts([3, 7, 3], random.Random(0), 10)
    assert len(set(texts)) == 10
    assert {"class 3", "class 7"} <= set(texts)
    assert source.texts([3], random.Random(0), 50) == classes


def test_a_half_of_the_classes_has_only_what_is_of_them() -> None:
    clips = [Recognition(str(k), Path("a"), "ab"[k % 2]) for k in range(6)]
    half = Source("kinetics", "recognition", clips, ("a", "b")).only(["b"])
    assert half.classes == ("b",)
    assert [one.id for one in half.annotations] == ["1", "3", "5"]
    film = Localized("f", Path("f"), 9.0, (Segment(0, 1, "a"), Segment(2, 3, "b")))
    other = Localized("g", Path("g"), 9.0, (Segment(0, 1, "a"),))
    half = Source("thumos", "localization", [film, other], ("a", "b")).only(["b"])
    assert [one.segments for one in half.annotations] == [(Segment(2, 3, "b"),)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tasks": ()}, "`objective: tasks` needs `tasks`"),
        ({"folder": "clips"}, "give `tasks`, or `folder` or `data`, not both"),
        ({"objective": "classes", "folder": "x"}, "belong to `objective: tasks`"),
    ],
)
def test_what_does_not_fit_is_one_sentence(changes: dict[str, object], sentence: str) -> None:
    values = {"objective": "tasks", "tasks": (TaskSource("kinetics", "x"),), "text": "siglip-test"}
    with pytest.raises(ValueError, match=sentence):
        EncoderRecipe(**{**values, **changes})  # type: ignore[arg-type]
