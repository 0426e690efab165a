"""Proves on the machine at hand that a cached turn is the fresh one.

A follow-up question about a film is asked from the cache, after another film of the same length was
asked about, and again with empty caches. The log-probabilities of the likely tokens must agree at
every step, and those about the other film must not. A cache that mixes up two films, or continues
from stale keys and values, fails.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vlm.assistant import Assistant, Event, Finished, MediaSource, Settings, State, TextDelta
from vlm.inference.decoding.sampler import Logprob

QUESTIONS = ("What happens?", "What color is it?")
SETTINGS = Settings(max_new_tokens=8, num_logprobs=10)
NUM_FRAMES, SIZE = 6, 224
# Largest difference of two log-probabilities that rounding may cause.
TOLERANCES = {torch.float32: 1e-3}
HALF = 0.25  # in half precision


@dataclass(frozen=True)
class CacheCheck:
    """Differences are the largest between two log-probabilities of likely tokens."""

    cached: float  # of a cached turn from the fresh one
    other: float  # of the other film from this one
    tolerance: float
    reused_tokens: int

    @property
    def passed(self) -> bool:
        return self.reused_tokens > 0 and self.cached <= self.tolerance < self.other

    @property
    def sentence(self) -> str:
        """Reports the result in one line."""
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"Cache check {verdict}: with {self.reused_tokens} tokens from the cache,"
            f" log-probabilities differ by {self.cached:.1e} (at most {self.tolerance:g} may come"
            f" from rounding), with another film by {self.other:.1e}."
        )


def verify_cache(assistant: Assistant) -> CacheCheck:
    """Compares a cached with a fresh turn; the assistant forgets what it has cached."""
    with tempfile.TemporaryDirectory() as folder:
        film, other = (made_film(Path(folder), hue) for hue in (0, 1))
        assistant.forget()
        first = _ask(assistant, State(), QUESTIONS[0], [film])[0]
        between = _ask(assistant, State(), QUESTIONS[0], [other])[0]
        _, another = _ask(assistant, between.state, QUESTIONS[1])
        end, cached = _ask(assistant, first.state, QUESTIONS[1])
        assistant.forget()
        first = _ask(assistant, State(), QUESTIONS[0], [film])[0]
        assistant.forget()
        _, fresh = _ask(assistant, first.state, QUESTIONS[1])
        assistant.forget()
    tolerance = TOLERANCES.get(assistant.dtype, HALF)
    return CacheCheck(
        difference(cached, fresh),
        difference(another[:1], fresh[:1]),
        tolerance,
        end.usage.reused_tokens,
    )


def difference(a: Sequence[Logprob], b: Sequence[Logprob]) -> float:
    """Returns the largest difference between two log-probabilities of the same token and step.

    A token that is likely in one answer only counts with the least of the other's.
    """
    if len(a) != len(b):
        return float("inf")
    worst = 0.0
    for one, two in zip(a, b, strict=True):
        left, right = dict(one.top), dict(two.top)
        for token in left.keys() | right.keys():
            gap = left.get(token, one.top[-1][1]) - right.get(token, two.top[-1][1])
            worst = max(worst, abs(gap))
        if one.token != two.token and not _tied(one):
            return float("inf")
    return worst


def _tied(logprob: Logprob) -> bool:
    return logprob.top[0][1] - logprob.top[1][1] < HALF


def _ask(
    assistant: Assistant, state: State, question: str, files: Sequence[MediaSource] = ()
) -> tuple[Finished, list[Logprob]]:
    events: list[Event] = list(assistant.reply(state, question, files, SETTINGS))
    last = events[-1]
    assert isinstance(last, Finished)
    steps = [entry for event in events if isinstance(event, TextDelta) for entry in event.logprobs]
    return last, steps


def made_film(folder: Path, hue: int) -> MediaSource:
    """Writes the frames of a film of a moving square; both films have the same length."""
    name = f"check {hue + 1}"
    paths = []
    for i in range(NUM_FRAMES):
        frame = np.full((SIZE, SIZE, 3), 230 - 190 * hue, np.uint8)
        left = i * SIZE // (2 * NUM_FRAMES)
        frame[SIZE // 4 : SIZE // 2, left : left + SIZE // 3] = (
            (220, 30, 30) if hue else (0, 0, 200)
        )
        paths.append(folder / f"{name}, frame {i + 1}")
        Image.fromarray(frame).save(paths[-1], "PNG")
    times = tuple(0.5 * i for i in range(NUM_FRAMES))
    return MediaSource(folder / name, num_frames=NUM_FRAMES, frames=tuple(paths), times=times)
