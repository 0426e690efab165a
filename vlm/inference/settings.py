"""The settings of a question. None means: as fits the model, the file and the context."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import GenerationConfig

# Beyond these, float32 logits become infinite or all equal.
TEMPERATURES = (1e-6, 100.0)
PENALTIES = (0.01, 100.0)
SMALLEST_TOP_P = 1e-6
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Sampling:
    """How a model's tokens are chosen unless a question chooses otherwise."""

    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0
    top_k: int = 0  # 0: all
    repetition_penalty: float = 1.1  # of our own models

    @classmethod
    def of(cls, given: GenerationConfig | None) -> Sampling:
        """Returns what a model's generation_config.json asks for; out-of-range values are clamped.

        A temperature counts only with `do_sample`, as in transformers.
        """
        found = cls()
        if given is None:
            return found
        if given.repetition_penalty is not None:
            found = replace(found, repetition_penalty=_clamp(given.repetition_penalty, *PENALTIES))
        if not given.do_sample or given.temperature == 0:
            return found
        temperature = 1.0 if given.temperature is None else given.temperature
        return replace(
            found,
            temperature=_clamp(temperature, *TEMPERATURES),
            top_p=_clamp(1.0 if given.top_p is None else given.top_p, SMALLEST_TOP_P, 1.0),
            top_k=max(50 if given.top_k is None else given.top_k, 0),  # transformers' own default
        )


@dataclass(frozen=True)
class Settings:
    """Refuses impossible values in one sentence, whether they come from page, terminal or code."""

    num_frames: int | None = None  # of a video
    looks: int | None = None  # at a still picture, or at each of its tiles
    max_tiles: int | None = None  # that a picture is cut into, at most
    max_new_tokens: int = 256
    temperature: float | None = None  # 0 is greedy
    top_p: float | None = None  # share of the probability to sample from
    top_k: int | None = None  # most likely tokens to sample from; 0: all
    repetition_penalty: float | None = None  # over the answer so far; 1 turns it off
    seed: int | None = None
    stop: tuple[str, ...] = ()  # the answer ends before the first of these
    schema: str | None = None  # JSON schema of the answer
    num_logprobs: int | None = None  # of the most likely tokens at each step; None: no logprobs

    def __post_init__(self) -> None:
        for name in ("num_frames", "looks", "max_tiles", "max_new_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more.")
        if self.temperature:
            _check_range("temperature", self.temperature, *TEMPERATURES, "0 (greedy), or ")
        if self.top_p is not None:
            _check_range("top_p", self.top_p, SMALLEST_TOP_P, 1)
        if self.top_k is not None and self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k}; it must be 0 (all) or more.")
        if self.repetition_penalty is not None:
            _check_range("repetition_penalty", self.repetition_penalty, *PENALTIES)
        if any(not text for text in self.stop):
            raise ValueError("a stop string is empty; leave it out.")
        if self.num_logprobs is not None and self.num_logprobs < 0:
            raise ValueError(f"num_logprobs is {self.num_logprobs}; it must be 0 or more.")
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed is {self.seed}; it must be from 0 to {LARGEST_SEED}.")

    def sampling(self, own: Sampling | None = None) -> Sampling:
        """Returns how the tokens are chosen; `own` are the model's values for what is None here.

        A model's own top-p and top-k belong to its own temperature: a question with another one
        chooses among all tokens, unless it sets them.
        """
        own = own or Sampling()
        if self.temperature is not None and self.temperature != own.temperature:
            own = replace(own, top_p=1.0, top_k=0)
        chosen: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(own)}
        return replace(own, **{name: value for name, value in chosen.items() if value is not None})

    def with_own(self, own: Sampling) -> Settings:
        """Returns the settings with the model's own values in place of None."""
        chosen = self.sampling(own)
        return replace(self, **{field.name: getattr(chosen, field.name) for field in fields(own)})


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(float(value), low), high)


def _check_range(name: str, value: float, low: float, high: float, or_else: str = "") -> None:
    if not low <= value <= high:  # also if it is NaN
        raise ValueError(f"{name} is {value}; it must be {or_else}from {_plain(low)} to {high:g}.")


def _plain(number: float) -> str:
    """Formats a number without an exponent."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
