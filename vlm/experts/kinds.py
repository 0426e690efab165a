"""Names of the classifier's classes worth stating: sure ones, and families that are sure together.

Of twenty breeds at 4 % each none is worth a word, but "dog 80%" is.
"""

from collections.abc import Sequence

from torch import Tensor

from vlm.experts.findings import Kind

MIN_NAME, MAX_NAMES = 0.12, 3  # probability; kinds
MIN_FAMILY = 0.35


def kinds_of(
    probabilities: Tensor, names: Sequence[str], families: Sequence[str] = ()
) -> tuple[Kind, ...]:
    """Probabilities [K] -> the kinds worth stating; `families` has one word a class, or "" """
    values, classes = probabilities.topk(min(MAX_NAMES, len(names)))
    kinds = [
        Kind(names[k], p)
        for p, k in zip(values.tolist(), classes.tolist(), strict=True)
        if p >= MIN_NAME
    ]
    totals: dict[str, float] = {}
    for family, p in zip(families, probabilities.tolist(), strict=False):
        if family:
            totals[family] = totals.get(family, 0.0) + p
    family = max(totals, key=lambda f: totals[f], default="")
    if family and totals[family] >= MIN_FAMILY and family not in [k.name for k in kinds]:
        kinds.append(Kind(family, totals[family]))
    return tuple(kinds)
