"""The plot of `python -m evaluation looks`: accuracy against looks and against frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from data.wilson import wilson

TITLES = {
    "looks": ("Images of text and small detail", "looks at the image"),
    "frames": ("Videos", "frames of the video"),
}


@dataclass(frozen=True)
class Point:
    """One model's share of right answers at one number of looks or frames."""

    label: str  # of the model
    kind: str  # "looks" or "frames"
    number: int
    right: int
    total: int


def plot(points: Sequence[Point], files: Sequence[Path]) -> None:
    """Draws one panel per kind, with 95 % Wilson intervals. File suffixes select the formats."""
    labels = list(dict.fromkeys(point.label for point in points))
    kinds = [kind for kind in TITLES if any(point.kind == kind for point in points)]
    figure = Figure(figsize=(4.6 * len(kinds), 3.6), layout="constrained")
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds, strict=True):
        title, label = TITLES[kind]
        for number, name in enumerate(labels):
            line = [p for p in points if (p.kind, p.label) == (kind, name) and p.total]
            if not line:
                continue
            shares = [100 * p.right / p.total for p in line]
            ends = [wilson(p.right, p.total) for p in line]
            below = [share - 100 * low for share, (low, _) in zip(shares, ends, strict=True)]
            above = [100 * high - share for share, (_, high) in zip(shares, ends, strict=True)]
            axes.errorbar(
                [p.number for p in line],
                shares,
                [below, above],
                color=f"C{number}",
                marker="o",
                capsize=3,
                label=name,
            )
        numbers = sorted({p.number for p in points if p.kind == kind})
        if kind == "frames":
            axes.set_xscale("log", base=2)
        axes.set_xticks(numbers, [str(number) for number in numbers], minor=False)
        axes.set_ylim(0, 100)
        axes.set_xlabel(label)
        axes.set_ylabel("right, %")
        axes.set_title(title)
        axes.grid(axis="y", color="0.9")
        if len(labels) > 1:
            axes.legend(frameon=False)
    for file in files:
        # Without a date, equal results give equal bytes.
        metadata = {"Date": None} if file.suffix == ".svg" else {}
        figure.savefig(file, dpi=130, metadata=metadata)
