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
                raise ValueError(f"a score from {low} to {high} is empty or negative.")
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
    """Returns the sections [start, end] of a film, in seconds, one for each step of time."""
    count = max(1, int(duration / every + 1e-6))
    return [(i * every, min((i + 1) * every, duration)) for i in range(count)]
