"""Shares with their 95 % Wilson intervals, computed and formatted for tables."""

import math
from collections import defaultdict
from collections.abc import Iterable


def wilson(hits: float, total: int, z: float = 1.96) -> tuple[float, float]:
    """Returns the Wilson interval of hits / total, 0 to 1; also right for 0 and `total` hits."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At 0 and at `total` hits, rounding can push a bound slightly outside.
    low, high = (max(0.0, (middle + side) / (1 + z * z / total)) for side in (-spread, spread))
    return low, min(1.0, high)


def format_share(hits: int, total: int) -> str:
    """Formats a share as '81 % (74 to 87, n = 120)'."""
    if total == 0:
        return "no answers"
    low, high = wilson(hits, total)
    return f"{100 * hits / total:.0f} % ({100 * low:.0f} to {100 * high:.0f}, n = {total})"


def count_by_name(verdicts: Iterable[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    """Counts (name, right) pairs per name: name -> (number right, total), sorted by name."""
    found: dict[str, list[bool]] = defaultdict(list)
    for name, right in verdicts:
        found[name].append(right)
    return {name: (sum(found[name]), len(found[name])) for name in sorted(found)}
