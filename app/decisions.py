"""Typed decisions for every front end: yes or no, one of some options, a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vlm.assistant import Decided
from vlm.inference.calibration import Calibration
from vlm.inference.deciding import check_options

YES, NO = "Yes", "No"
Kind = Literal["yes_no", "choice", "score"]


@dataclass(frozen=True)
class Decision:
    """What is decided, and between which answers."""

    kind: Kind
    options: tuple[str, ...]

    @classmethod
    def of(
        cls,
        kind: Kind,
        options: Sequence[str] = (),
        low: int | None = None,
        high: int | None = None,
    ) -> "Decision":
        """Raises ValueError for a kind without what it needs."""
        if kind == "yes_no":
            options = (YES, NO)
        elif kind == "score":
            low, high = 1 if low is None else low, 5 if high is None else high
            if not 0 <= low < high:
                raise ValueError(
                    f"a score from {low} to {high} has no two numbers in order, from 0 on."
                )
            options = tuple(str(score) for score in range(low, high + 1))
        check_options(options)
        return cls(kind, tuple(options))

    def answer(self, decided: Decided, calibration: Calibration | None) -> dict[str, Any]:
        """Returns the decision as a JSON record."""
        chosen = calibration or Calibration()
        shares = chosen.probabilities(decided.options, decided.logprobs)
        best = max(range(len(shares)), key=shares.__getitem__)
        record: dict[str, Any] = {
            "type": self.kind,
            "answer": decided.options[best],
            "probability": shares[best],
            "probabilities": dict(zip(decided.options, shares, strict=True)),
            "calibrated": calibration is not None,
        }
        if self.kind == "yes_no":
            record |= {"answer": best == 0, "probability": shares[0]}
        elif self.kind == "score":
            values = [int(option) for option in decided.options]
            record["answer"] = values[best]
            record["expected"] = sum(v * p for v, p in zip(values, shares, strict=True))
        return record


def windows(duration: float, every: float) -> list[tuple[float, float]]:
    """Returns the sections [start, end] of a film, in seconds, one for each step of time.

    What is left at the end is a step of its own from half a step on; less belongs to the last one.
    """
    whole = int(duration / every + 1e-6)
    count = max(1, whole + is_step(duration - whole * every, every))
    ends = [(i + 1) * every for i in range(count - 1)] + [duration]
    return list(zip([0.0, *ends], ends, strict=False))


def is_step(seconds: float, every: float) -> bool:
    """Returns whether so much of a film's end is decided about on its own."""
    return seconds >= every / 2
