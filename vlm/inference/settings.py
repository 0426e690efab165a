"""The settings of a question. None means: as fits the model, the file and the context."""

from dataclasses import dataclass

# Beyond these, float32 logits become infinite or all equal.
TEMPERATURES = (1e-6, 100.0)
PENALTIES = (0.01, 100.0)
SMALLEST_TOP_P = 1e-6
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Settings:
    """Refuses impossible values in one sentence, whether they come from page, terminal or code."""

    num_frames: int | None = None  # of a video
    looks: int | None = None  # at a still picture, or at each of its tiles
    max_tiles: int | None = None  # that a picture is cut into, at most
    max_new_tokens: int = 256
    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0  # share of the probability to sample from
    repetition_penalty: float = 1.1  # over the answer so far; 1 turns it off
    seed: int | None = None
    stop: tuple[str, ...] = ()  # the answer ends before the first of these
    schema: str | None = None  # JSON schema of the answer
    num_logprobs: int | None = None  # of the most likely tokens at each step; None: no logprobs

    def __post_init__(self) -> None:
        for name in ("num_frames", "looks", "max_tiles", "max_new_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more.")
        if self.temperature != 0:
            _check_range("temperature", self.temperature, *TEMPERATURES, "0 (greedy), or ")
        _check_range("top_p", self.top_p, SMALLEST_TOP_P, 1)
        _check_range("repetition_penalty", self.repetition_penalty, *PENALTIES)
        if any(not text for text in self.stop):
            raise ValueError("a stop string is empty; leave it out.")
        if self.num_logprobs is not None and self.num_logprobs < 0:
            raise ValueError(f"num_logprobs is {self.num_logprobs}; it must be 0 or more.")
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed is {self.seed}; it must be from 0 to {LARGEST_SEED}.")


def _check_range(name: str, value: float, low: float, high: float, or_else: str = "") -> None:
    if not low <= value <= high:  # also if it is NaN
        raise ValueError(f"{name} is {value}; it must be {or_else}from {_plain(low)} to {high:g}.")


def _plain(number: float) -> str:
    """Formats a number without an exponent."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
