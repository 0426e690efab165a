"""What is seen in place of a picture that nobody has (data/classifier.py)."""

from collections.abc import Sequence

import numpy as np
import torch

from data.synthetic.stock import load_background
from vlm.media.transforms import resize_frames


def backdrop(seed: int, size: int, backgrounds: Sequence[str]) -> np.ndarray:
    """What is seen in place of a picture that nobody has: uint8 [S, S, 3].

    Mostly a piece of a photograph, so that the tower learns to say nothing of its own where the
    classifier speaks; on soft colours alone it would learn that of soft colours only.
    """
    rng = np.random.default_rng(seed)
    if not backgrounds or rng.random() < 0.2:
        return _soft_colours(rng, size)
    picture = np.asarray(load_background(backgrounds[int(rng.integers(len(backgrounds)))]))
    side = int(min(picture.shape[:2]) * rng.uniform(0.15, 0.9))
    top, left = (int(rng.integers(whole - side + 1)) for whole in picture.shape[:2])
    piece = picture[top : top + side, left : left + side, :: int(rng.choice((-1, 1)))]
    piece = resize_frames(piece[None], size)[0]
    if rng.random() < 0.5:  # patches in another order: edges and corners where none were
        step = size // int(rng.choice((2, 4)))
        rows = np.split(piece, size // step)
        patches = [patch for row in rows for patch in np.split(row, size // step, axis=1)]
        patches = [patches[i] for i in rng.permutation(len(patches))]
        across = size // step
        piece = np.vstack(
            [np.hstack(patches[i : i + across]) for i in range(0, len(patches), across)]
        )
    tint = rng.uniform(0.7, 1.3, 3) * rng.uniform(0.7, 1.3)
    return np.clip(piece * tint, 0, 255).astype(np.uint8)


def _soft_colours(rng: np.random.Generator, size: int) -> np.ndarray:
    """Soft random colours with some grain: uint8 [S, S, 3]."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, *rng.integers(2, 12, 2))))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0]
    grain = rng.normal(0, rng.uniform(0, 20), (size, size, 1))
    return np.clip(smooth.permute(1, 2, 0).numpy() + grain, 0, 255).astype(np.uint8)
