"""Turns log-probabilities of options into probabilities that can be trusted as such.

A model's own probabilities are often too sure, and lean towards some words. Both are corrected by
what a few dozen labeled examples show: one temperature for all (Guo et al. 2017, "On Calibration of
Modern Neural Networks") and one bias for each option (Platt scaling for several classes).
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

LEAST_EXAMPLES = 20
BIAS_PENALTY = 0.5  # nats over all examples, for each squared bias: few give no extreme one
BINS = 10


@dataclass(frozen=True)
class Calibration:
    """probabilities = softmax((logprobs + bias) / temperature)."""

    temperature: float = 1.0
    bias: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = [self.temperature, *self.bias.values()]
        if not all(isinstance(x, int | float) and math.isfinite(x) for x in numbers):
            raise ValueError("a calibration has a number that is infinite or none.")
        if self.temperature <= 0:
            raise ValueError(f"a calibration's temperature is {self.temperature}; it must be > 0.")

    def probabilities(self, options: Sequence[str], logprobs: Sequence[float]) -> list[float]:
        """Returns the probability of each option; they sum to 1."""
        bias = torch.tensor([self.bias.get(option, 0.0) for option in options])
        shares = (torch.tensor(logprobs) + bias) / self.temperature
        return shares.double().softmax(-1).tolist()

    def save(self, path: Path) -> None:
        """Writes the numbers as JSON."""
        content = {"temperature": self.temperature, "bias": dict(self.bias)}
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """Reads what `save` wrote. Raises ValueError if it is something else."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(float(content["temperature"]), dict(content["bias"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            missing = isinstance(error, KeyError)
            problem = f"{error} is missing" if missing else str(error)
            raise ValueError(f"{path.name} is not a calibration: {problem}.") from None


@dataclass(frozen=True)
class Example:
    """A decision with its right answer."""

    options: tuple[str, ...]
    logprobs: tuple[float, ...]
    right: int  # index of the option


def fit(examples: Sequence[Example]) -> Calibration:
    """Returns the temperature and the biases under which the right answers are most likely.

    Raises ValueError for too few examples.
    """
    if len(examples) < LEAST_EXAMPLES:
        raise ValueError(f"{len(examples)} examples are too few; give {LEAST_EXAMPLES} or more.")
    names = sorted({option for example in examples for option in example.options})
    places = [torch.tensor([names.index(o) for o in example.options]) for example in examples]
    given = [torch.tensor(example.logprobs, dtype=torch.double) for example in examples]
    log_temperature = torch.zeros((), dtype=torch.double, requires_grad=True)
    bias = torch.zeros(len(names), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_temperature, bias], max_iter=200, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        each = [
            -((logprobs + bias[place]) / log_temperature.exp()).log_softmax(-1)[example.right]
            for logprobs, place, example in zip(given, places, examples, strict=True)
        ]
        total = torch.stack(each).mean() + BIAS_PENALTY * bias.square().sum() / len(examples)
        total.backward()
        return total

    optimizer.step(loss)
    temperature = min(max(float(log_temperature.detach().exp()), 0.01), 100.0)
    return Calibration(temperature, dict(zip(names, bias.tolist(), strict=True)))


def cross_fitted(examples: Sequence[Example], folds: int = 5) -> list[list[float]]:
    """Returns probabilities of each example by a calibration that has not seen it."""
    found: list[list[float]] = [[] for _ in examples]
    for fold in range(folds):
        others = [example for i, example in enumerate(examples) if i % folds != fold]
        calibration = fit(others)
        for i in range(fold, len(examples), folds):
            found[i] = calibration.probabilities(examples[i].options, examples[i].logprobs)
    return found


def expected_error(
    probabilities: Sequence[Sequence[float]], right: Sequence[int], bins: int = BINS
) -> float:
    """Returns the expected calibration error: the mean gap of confidence and accuracy, 0 to 1."""
    total, gap = len(right), 0.0
    best = [max(range(len(row)), key=row.__getitem__) for row in probabilities]
    sure = [row[i] for row, i in zip(probabilities, best, strict=True)]
    for number in range(bins):
        inside = [i for i in range(total) if min(int(sure[i] * bins), bins - 1) == number]
        if inside:
            accuracy = sum(best[i] == right[i] for i in inside) / len(inside)
            confidence = sum(sure[i] for i in inside) / len(inside)
            gap += len(inside) / total * abs(accuracy - confidence)
    return gap
