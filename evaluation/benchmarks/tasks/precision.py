"""Mean average precision over the videos of a log, as a function of how often each counts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.average_precision import (
    ClassDetections,
    Matches,
    Rule,
    mean_average_precision,
)
from evaluation.reports.pooled import Pooled
from evaluation.runs.log import LogRow


def pooled_precision(
    rows: Sequence[LogRow], of_class: Sequence[Sequence[Matches]], rule: Rule
) -> Pooled:
    """Returns the mean over classes and levels; each class has one `Matches` per row."""
    groups = sorted({row["group"] for row in rows})
    number = {group: i for i, group in enumerate(groups)}
    of_row = np.array([number[row["group"]] for row in rows], dtype=np.int64)
    classes = [ClassDetections(matches) for matches in of_class]

    def value(weights: NDArray[np.int64]) -> float:
        found = mean_average_precision(classes, rule, weights[of_row])
        return float(found.mean()) if len(found) else 0.0

    return Pooled(groups, value, len(rows), sum(one.right.size for one in classes))
