"""A point of the experiment's curves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One model's share of right answers at one number of looks or frames."""

    label: str  # of the model
    kind: str  # "looks" or "frames"
    number: int
    right: int
    total: int
