"""The settings of a question. None means: as fits the model, the file and the context."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Refuses impossible values in one sentence, whether they come from page, terminal or code."""

    num_frames: int | None = None  # of a video
    looks: int | None = None  # at a still picture, or at each of its tiles
    max_tiles: int | None = None  # that a picture is cut into, at most
    max_new_tokens: int = 256
    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0
    repetition_penalty: float = 1.1  # over the answer so far; 1 turns it off
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("num_frames", "looks", "max_tiles", "max_new_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more.")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature is {self.temperature}; it must be 0 or more.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1.")
        if not (math.isfinite(self.repetition_penalty) and self.repetition_penalty > 0):
            raise ValueError(
                f"repetition_penalty is {self.repetition_penalty}; it must be above 0."
            )
