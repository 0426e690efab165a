"""The table and the plot of the claim from the scores of its runs, with deviations over seeds."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from training.claim.variants import LOOKS, VARIANTS

Scores = dict[str, Any]
TITLES = {
    "page": "pages",
    "covered": "covered pages",
    "way": "ball direction",
    "long": "long videos",
}
COLORS = {"uncompressed": "0.55", "repeats": "C1", "progressive": "C0", "pvc": "C2"}


def read_scores(folder: Path) -> list[Scores]:
    """Returns the scores of all runs in a folder, or in a file of results."""
    if folder.is_file():
        return json.loads(folder.read_text(encoding="utf-8"))
    found = sorted(folder.glob("*/scores.json"))
    if not found:
        raise ValueError(f"{folder} has no scores; run python -m training.claim first")
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def table(results: Sequence[Scores]) -> list[str]:
    """Lines of Markdown: accuracy in %, mean and deviation over seeds; then the differences."""
    seeds = sorted({one["seed"] for one in results})
    lines = [
        f"Accuracy in %, mean ± standard deviation over {len(seeds)} seeds.",
        "",
        f"| | tokens per image | {' | '.join(TITLES.values())} |",
        "|---|---:|" + "---:|" * len(TITLES),
    ]
    for name, variant in VARIANTS.items():
        cells = [mean_and_deviation(values(results, name, kind)) for kind in TITLES]
        tokens = variant.looks * (4 // variant.factor) ** 2
        lines.append(f"| {name} | {tokens} | {' | '.join(cells)} |")
    lines += [
        "",
        f"| pages, looks | {' | '.join(str(n) for n in range(1, LOOKS + 1))} |",
        "|---|" + "---:|" * LOOKS,
    ]
    for name in VARIANTS:
        cells = []
        for n in range(1, LOOKS + 1):
            cells.append(mean_and_deviation(values(results, name, str(n))))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, "", *differences(results)]


def differences(results: Sequence[Scores]) -> list[str]:
    """Each step of the claim, paired by seed: same data, order and initial model on both sides."""
    pairs = (("repeats", "uncompressed"), ("progressive", "repeats"), ("pvc", "progressive"))
    heads = f"| difference in points, paired by seed | {' | '.join(TITLES.values())} |"
    lines = [heads, "|---|" + "---:|" * len(TITLES)]
    for name, base in (*pairs, ("pvc", "uncompressed")):
        cells = []
        for kind in TITLES:
            scores = {
                which: {r["seed"]: 100 * r[kind] for r in results if r["variant"] == which}
                for which in (name, base)
            }
            gains = [
                scores[name][seed] - scores[base][seed]
                for seed in scores[name]
                if seed in scores[base]
            ]
            up = sum(gain > 0 for gain in gains)
            cells.append(f"{mean(gains):+.1f} ({up} of {len(gains)} up)" if gains else "")
        lines.append(f"| {name} against {base} | {' | '.join(cells)} |")
    return lines


def values(results: Sequence[Scores], name: str, what: str) -> list[float]:
    """Accuracy in % of each seed of a variant: on a kind, or on pages with a number of looks."""
    scores = [{**one, **one["looks"]} for one in results if one["variant"] == name]
    return [100 * one[what] for one in scores if what in one]


def mean_and_deviation(numbers: Sequence[float]) -> str:
    """For example '81.2 ± 0.9'; empty without numbers."""
    if not numbers:
        return ""
    return f"{mean(numbers):.1f}" + (f" ± {stdev(numbers):.1f}" if len(numbers) > 1 else "")


def plot(results: Sequence[Scores], file: Path) -> None:
    """Left: accuracy by kind. Right: on pages, by number of looks. Bars: standard deviations."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 3.9), layout="constrained")
    bars, lines = figure.subplots(1, 2, width_ratios=(1.5, 1))
    for index, (name, color) in enumerate(COLORS.items()):
        by_kind = [values(results, name, kind) for kind in TITLES]
        positions = [kind + 0.2 * (index - 1.5) for kind in range(len(TITLES))]
        drawn = [(p, mean(v), _spread(v)) for p, v in zip(positions, by_kind, strict=True) if v]
        if not drawn:
            continue
        x, heights, spreads = zip(*drawn, strict=True)
        bars.bar(x, heights, 0.19, yerr=spreads, color=color, label=name, capsize=2)
        looks = {n: values(results, name, str(n)) for n in range(1, LOOKS + 1)}
        drawn = [(n, mean(v), _spread(v)) for n, v in looks.items() if v]
        x, heights, spreads = zip(*drawn, strict=True)
        lines.errorbar(x, heights, spreads, color=color, label=name, marker="o", capsize=3)
    bars.set_xticks(range(len(TITLES)), TITLES.values())
    figure.legend(
        *bars.get_legend_handles_labels(), frameon=False, ncols=4, loc="outside upper left"
    )
    lines.set_xticks(range(1, LOOKS + 1))
    lines.set_xlabel("looks at a page")
    for axes in (bars, lines):
        axes.set_ylim(0, 104)
        axes.set_ylabel("accuracy, %")
        axes.grid(axis="y", color="0.9")
        axes.set_axisbelow(True)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100, metadata={"Software": None})


def _spread(numbers: Sequence[float]) -> float:
    return stdev(numbers) if len(numbers) > 1 else 0.0
