"""Tiny hierarchical encoders learn which way a square moves; what sees frames alone cannot.

Every clip comes with itself played backward, which belongs to the other class. Features that do
not depend on the order of frames are equal for both, so half of all answers are wrong, whatever
the classifier.
"""

import pytest
import torch
from torch import Tensor

from vlm.encoders import build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.heads.classification import VideoClassifier

SWIN = {"dim": 12, "depths": [2, 2], "num_heads": [2, 2], "window": [4, 4, 4], "drop_path": 0.0}
MVIT = {"dim": 12, "depth": 3, "stage_starts": [1], "num_frames": 8, "kv_stride": 2}
SEES_TIME = {
    "i3d": {"width": 0.1},
    "nonlocal": {"depths": [1, 1, 1, 1], "dim": 8, "time_pool": False, "time_kernels": [[3]] * 4},
    "r2plus1d": {"depths": [1, 1], "dim": 8, "kinds": ["2plus1d"] * 3},
    "slowfast": {"depths": [1, 1, 1, 1], "dim": 16, "alpha": 2},
    "video-swin": SWIN,
    "mvit": {**MVIT, "drop_path": 0.0},
}
FRAMES_ALONE = {
    "nonlocal": {
        "depths": [1, 2, 2, 1],
        "dim": 8,
        "stem_kernel": 1,
        "time_kernels": [[1]] * 4,
        "nonlocal_blocks": 5,
    },
    "r2plus1d": {"depths": [1, 1], "dim": 8, "kinds": ["2d"] * 3},
}
STEPS = {"video-swin": 160}
T, S = 8, 32


def clips(number: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A square moving right, then the same clips backward; classes 0 and 1."""
    made = 0.1 * torch.randn(number, T, 3, S, S, generator=generator)
    for clip in made:
        row, column = torch.randint(0, (S - 8) // 2, (2,), generator=generator).tolist()
        for t in range(T):
            clip[t, :, row : row + 8, column + 2 * t : column + 2 * t + 8] += 2
    return torch.cat([made, made.flip(1)]), torch.arange(2).repeat_interleave(number)


def build(encoder: str, options: dict) -> VideoEncoder:
    torch.manual_seed(0)
    return build_tower(TowerConfig(encoder, image_size=S, options=options))


def accuracy(model: VideoClassifier, generator: torch.Generator) -> float:
    videos, classes = clips(16, generator)
    with torch.no_grad():
        return (model.eval()(videos).argmax(-1) == classes).float().mean().item()


def train(model: VideoClassifier, steps: int) -> float:
    """Accuracy on new clips."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        videos, classes = clips(8, generator)
        loss = torch.nn.functional.cross_entropy(model(videos), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return accuracy(model, generator)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", SEES_TIME)
def test_it_learns_which_way_a_square_moves(encoder: str) -> None:
    model = VideoClassifier(build(encoder, SEES_TIME[encoder]), 2)
    assert train(model, STEPS.get(encoder, 80)) > 0.9


@pytest.mark.parametrize("encoder", FRAMES_ALONE)
def test_frames_alone_get_half_of_the_clips_wrong_whatever_they_learn(encoder: str) -> None:
    model = VideoClassifier(build(encoder, FRAMES_ALONE[encoder]), 2)
    assert train(model, 3) == 0.5
