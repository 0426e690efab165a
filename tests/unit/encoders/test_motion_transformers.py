"""Which way does the square move? An encoder with time learns it, one without provably cannot.

A clip to the right is a clip to the left in reverse. An encoder that takes each frame by itself and
averages has one feature for both, so whatever its weights it is right about one of the two. So has
VTN without positions, whose windows look as far ahead as back.
"""

import pytest
import torch
from torch import Tensor, nn

from tests.image_models import scrambled
from vlm.encoders import ENCODERS, PRESETS, build_tower
from vlm.encoders.on_image import OnImageTransformer

NUM_FRAMES = 4
WITHOUT_TIME = (
    "adaptformer-clip-test",
    "pro-tuning-test",
    "timesformer-space-test",
    "vpt-deep-test",
    "vpt-shallow-test",
    "vtn-none-test",
)
ON_IMAGES = [
    name
    for name, preset in PRESETS.items()
    if name.endswith("-test") and issubclass(ENCODERS[preset.tower.encoder], OnImageTransformer)
]
WITH_TIME = [name for name in ON_IMAGES if name not in WITHOUT_TIME]


def moving_squares(num_clips: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Clips [B, T, 3, S, S] of a bright square, and 1 where it moves to the left."""
    generator = torch.Generator().manual_seed(seed)
    side = size // 4
    way = size - side
    clips = 0.1 * torch.randn(num_clips, NUM_FRAMES, 3, size, size, generator=generator)
    to_left = torch.arange(num_clips) % 2
    for clip, left in zip(clips, to_left.tolist(), strict=True):
        y = int(torch.randint(0, way + 1, (), generator=generator))
        for t, frame in enumerate(clip):
            x = round(way * t / (NUM_FRAMES - 1))
            x = way - x if left else x
            frame[:, y : y + side, x : x + side] += 2
    return clips, to_left


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_TIME)
def test_an_encoder_with_time_learns_the_way_of_a_square(name: str) -> None:
    config = PRESETS[name].tower
    torch.manual_seed(0)
    tower = build_tower(config)
    model = nn.ModuleDict({"tower": tower, "head": nn.Linear(tower.pooled_dim, 2)})
    trained = [p for p in model.parameters() if p.requires_grad]
    frozen = any(not p.requires_grad for p in tower.parameters())
    rate = 1e-2 if frozen else 3e-3  # adapters on a random base need more
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0)
    losses = [1.0]
    for step in range(800):
        clips, to_left = moving_squares(16, config.image_size, step)
        loss = nn.functional.cross_entropy(model["head"](tower(clips).pooled), to_left)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step >= 60 and max(losses[-10:]) < 0.15:  # running statistics lag behind
            break
    model.eval()
    clips, to_left = moving_squares(64, config.image_size, 10_000)
    right = (model["head"](tower(clips).pooled).argmax(dim=1) == to_left).float().mean()
    assert right >= 0.8, f"{right:.2f} after {step + 1} steps"


@pytest.mark.parametrize("name", WITHOUT_TIME)
def test_an_encoder_without_time_has_one_feature_for_both_ways(name: str) -> None:
    config = PRESETS[name].tower
    tower = scrambled(build_tower(config))
    clips, _ = moving_squares(8, config.image_size, 0)
    there, back = tower(clips).pooled, tower(clips.flip(1)).pooled
    torch.testing.assert_close(there, back, atol=1e-5, rtol=1e-4)
