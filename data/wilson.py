"""A share of questions with its 95 % Wilson interval, as the tables print it."""

import math
from collections import defaultdict
from collections.abc import Iterable


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share, 0 to 1; it is also right for none and for all."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # Of none and of all, rounding may leave the bound a little outside.
    low, high = (max(0.0, (middle + side) / (1 + z * z / total)) for side in (-spread, spread))
    return low, min(1.0, high)


def format_share(hits: int, total: int) -> str:
    """'81 % (74 to 87, n = 120)'."""
    if total == 0:
        return "no answers"
    low, high = wilson(hits, total)
    return f"{100 * hits / total:.0f} % ({100 * low:.0f} to {100 * high:.0f}, n = {total})"


def count_by_name(verdicts: Iterable[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    """(name, right) of each question -> name: (how many right, how many), by name."""
    found: dict[str, list[bool]] = defaultdict(list)
    for name, right in verdicts:
        found[name].append(right)
    return {name: (sum(found[name]), len(found[name])) for name in sorted(found)}
