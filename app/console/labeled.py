"""Fits a calibration to labeled examples, and reports what it changes."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from app.decisions import NO, YES
from vlm.assistant import Assistant, Decided, MediaSource, Settings, State
from vlm.inference.calibration import (
    LEAST_EXAMPLES,
    Calibration,
    Example,
    cross_fitted,
    expected_error,
    fit,
)

FOLDS = 5


def fit_file(lines: Path, target: Path, assistant: Assistant, settings: Settings) -> str:
    """Asks all questions of a JSONL file, fits, writes the calibration; returns a report.

    The report's figures are of calibrations that have not seen the examples they are judged by.
    """
    rows = list(_rows(lines))
    least = math.ceil(LEAST_EXAMPLES * FOLDS / (FOLDS - 1))
    if len(rows) < least:
        raise ValueError(f"{lines.name} has {len(rows)} examples; give {least} or more.")
    examples = []
    for source, question, options, right in rows:
        *_, last = assistant.decide(State(), question, options, [source], settings)
        assert isinstance(last, Decided)
        examples.append(Example(options, last.logprobs, right))
    plain = [Calibration().probabilities(e.options, e.logprobs) for e in examples]
    fitted = cross_fitted(examples, FOLDS)
    fit(examples).save(target)
    truth = [example.right for example in examples]
    report = [f"{len(examples)} examples, {FOLDS}-fold cross-validation"]
    for name, shares in (("as the model says", plain), ("calibrated", fitted)):
        loss = -sum(math.log(max(row[i], 1e-12)) for row, i in zip(shares, truth, strict=True))
        right = sum(max(row) == row[i] for row, i in zip(shares, truth, strict=True))
        report.append(
            f"{name}: {100 * right / len(truth):.0f} % right, loss {loss / len(truth):.3f} nats,"
            f" calibration error {expected_error(shares, truth):.3f}"
        )
    return "\n".join([*report, f"Written to {target}."])


def _rows(lines: Path) -> Iterator[tuple[MediaSource, str, tuple[str, ...], int]]:
    """Reads file, question, options and the right option of each line."""
    for number, line in enumerate(lines.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        place = f"{lines.name}, line {number}"
        try:
            row = json.loads(line)
            file, question, answer = row["file"], row["question"], row["answer"]
            options = tuple(row.get("options", (YES, NO)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{place}: give file, question and answer ({error}).") from None
        texts = (file, question, answer, *options)
        if not all(isinstance(text, str) for text in texts) or answer not in options:
            raise ValueError(f"{place}: the answer must be one of {', '.join(map(str, options))}.")
        path = lines.parent / file
        if not path.is_file():
            raise ValueError(f"{place}: {file}: no such file.")
        yield MediaSource(path), question, options, options.index(answer)
