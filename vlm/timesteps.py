"""Timesteps: the share of a clip that has passed at each frame (PVC, section 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor

# The timestep of frame t of T before scaling; the paper does not give it.
TIMESTEP_FORMS = ("t/T", "t/(T-1)", "t")


def relative_timesteps(
    times: Sequence[float], scale: float = 1.0, form: str = "t/T"
) -> list[float]:
    """Seconds of T frames -> timesteps: t/T in [0, scale) for evenly spaced frames.

    Unevenly spaced frames keep their proportions. The times of a still picture seen R times are
    `range(R)`. `form` is one of TIMESTEP_FORMS.
    """
    T = len(times)
    whole = {"t/T": max(T, 1), "t/(T-1)": max(T - 1, 1), "t": 1}[form]
    span = times[-1] - times[0] if T > 1 else 0.0
    if span <= 0:
        return [scale * t / whole for t in range(T)]
    return [scale * (time - times[0]) / span * (T - 1) / whole for time in times]


def next_timestep(timesteps: Sequence[float], scale: float = 1.0, form: str = "t/T") -> float:
    """Returns the timestep of one more look at a still picture, after looks that keep theirs.

    Halfway between the last look and the end of the clip: a second look stands where it does among
    two, and a later one stays inside the clip. The form "t" counts on. (Not in the paper, which
    fixes the number of looks ahead.)
    """
    last = timesteps[-1]
    if form == "t":
        return last + scale
    return last + (scale - last) / 2 if form == "t/T" or len(timesteps) > 1 else scale


def even_timesteps(
    num_clips: int,
    num_frames: int,
    device: torch.device,
    scale: float = 1.0,
    form: str = "t/T",
) -> Tensor:
    """[B, T] for evenly spaced frames, equal in every clip."""
    steps = relative_timesteps(range(num_frames), scale, form)
    return torch.tensor(steps, device=device).expand(num_clips, num_frames)
