"""Scores over time become segments; proposals become parts."""

import numpy as np
import pytest
import torch

from vlm.heads.localization import (
    LocalizationHead,
    proposal_targets,
    proposed_spans,
    spans_of,
)
from vlm.heads.segments import (
    ScoredSegment,
    all_segments,
    frame_edges,
    iou,
    segments_above,
    suppressed,
)


class Fixed(torch.nn.Module):
    """Proposals that are given."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.logits


def test_the_borders_of_frames_are_halfway_and_within_the_film() -> None:
    assert frame_edges([0.5, 1.5, 2.5], 3.0) == [0.0, 1.0, 2.0, 3.0]
    assert frame_edges([0.1, 1.0], 1.2) == pytest.approx([0.0, 0.55, 1.2])
    assert frame_edges([2.0], 4.0) == [0.0, 4.0]
    assert frame_edges([]) == []


def test_segments_are_the_maximal_runs_above_a_threshold() -> None:
    scores = np.array([0.9, 0.1, 0.6, 0.8, 0.2, 0.7])
    found = segments_above(scores, [0, 1, 2, 3, 4, 5, 6], 0.5, "jump")
    assert [(s.start, s.end) for s in found] == [(0, 1), (2, 4), (5, 6)]
    assert found[1].score == pytest.approx(0.7)
    assert segments_above(scores, [0, 1, 2, 3, 4, 5, 6], 1.0) == []


def test_the_whole_action_precedes_its_parts() -> None:
    scores = np.array([0.02, 0.02, 0.8, 0.9, 0.85, 0.8, 0.02, 0.02])
    best = all_segments(scores, list(range(9)))[0]
    assert (best.start, best.end) == (2, 6)


def test_of_overlapping_segments_of_a_class_the_better_stays() -> None:
    one, other = ScoredSegment(0, 10, 0.9, "a"), ScoredSegment(1, 10, 0.8, "a")
    third = ScoredSegment(1, 10, 0.7, "b")
    assert suppressed([other, third, one], 0.7) == [one, third]
    assert iou(one, other) == pytest.approx(0.9)
    assert iou(one, ScoredSegment(20, 30, 1)) == 0.0


def test_perfect_proposals_give_the_truth_back() -> None:
    action = torch.tensor([[0, 1, 1, 1, 0, 0, 1, 1, 0.0]])
    scores = proposal_targets(action[..., None])[0].numpy()
    assert [s[:2] for s in proposed_spans(scores)[:2]] == [(1, 4), (6, 8)]


def test_a_proposal_has_the_class_of_its_mean_feature() -> None:
    frames = torch.eye(3)[[2, 0, 0, 1, 1, 2]]  # the third of them is the background's
    inside = frames * torch.tensor([1, 1, 0])
    head = LocalizationHead("nce", 3)
    logits = 16 * proposal_targets(inside[None]) - 8
    head.proposals = Fixed(logits)
    found = {(first, last): scores for first, last, scores in head.proposed(frames, torch.eye(3))}
    assert found[1, 3].argmax() == 0
    assert found[3, 5].argmax() == 1  # it begins as the other ends
    assert found[1, 5].max() < 0.6  # both of them


def test_the_truth_of_a_film_is_read_as_parts_with_classes() -> None:
    inside = torch.tensor([[1, 0], [1, 0], [0, 1], [1, 1.0]])
    assert spans_of(inside) == [(0, 2, 0), (3, 4, 0), (2, 4, 1)]
