"""What an answer cost, as means over the answers of a log: tokens and seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.runs.log import LogRow


@dataclass(frozen=True)
class Cost:
    """Means per answer. `visual_tokens` is None for a peer behind an address."""

    input_tokens: float
    output_tokens: float
    visual_tokens: float | None
    seconds: float  # reading media, encoding, reading the prompt and writing


COLUMNS = ("tokens in", "tokens out", "visual tokens", "seconds")


def cost_of(rows: Sequence[LogRow], is_peer: bool = False) -> Cost | None:
    """Returns the means over the answered rows, or None if there are none."""
    answered = [row for row in rows if not row["error"]]
    if not answered:
        return None

    def mean(of: str, key: str) -> float:
        return sum(row[of].get(key) or 0 for row in answered) / len(answered)

    seconds = sum(mean("seconds", key) for key in ("media", "prefill", "decode"))
    visual = None if is_peer else mean("tokens", "visual")
    return Cost(mean("tokens", "input"), mean("tokens", "output"), visual, seconds)


def cost_cells(cost: Cost | None) -> list[str]:
    """Formats a cost in the order of COLUMNS; a dash for an unknown one."""
    if cost is None:
        return ["-"] * len(COLUMNS)
    visual = "-" if cost.visual_tokens is None else f"{cost.visual_tokens:,.0f}"
    return [
        f"{cost.input_tokens:,.0f}",
        f"{cost.output_tokens:,.1f}",
        visual,
        f"{cost.seconds:,.2f}",
    ]
