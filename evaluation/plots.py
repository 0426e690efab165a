"""Values with their intervals as SVG: dots on a scale from 0 to 100, one line each."""

from collections.abc import Mapping
from html import escape
from typing import Any

LEFT, WIDTH, RIGHT = 230, 380, 150  # of the names, the scale, the numbers
ROW = 22


def intervals(values: Mapping[str, Mapping[str, Any]], overall: float | None = None) -> str:
    """One dot and its 95 % interval for each name; a dashed line at the value of all together."""
    height = ROW * len(values) + 30
    parts = [
        f'<svg viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img" '
        f'style="max-width:{LEFT + WIDTH + RIGHT}px" xmlns="http://www.w3.org/2000/svg">'
    ]
    bottom = height - 24
    for tick in range(0, 101, 25):
        parts.append(f'<path class="grid" d="M{_x(tick)} 4V{bottom}"/>')
        parts.append(f'<text class="tick" x="{_x(tick)}" y="{bottom + 16}">{tick}</text>')
    if overall is not None:
        parts.append(f'<path class="all" d="M{_x(overall)} 4V{bottom}"/>')
    for place, (name, numbers) in enumerate(values.items()):
        y = ROW * place + 16
        parts.append(
            f'<text class="name" x="{LEFT - 12}" y="{y + 4}">{escape(_short(name))}</text>'
        )
        value, interval = numbers["value"], numbers["interval"]
        said = f"n = {numbers['n']:,}"
        if value is not None:
            if interval:
                low, high = interval
                parts.append(f'<path class="interval" d="M{_x(low)} {y}H{_x(high)}"/>')
            parts.append(f'<circle cx="{_x(value)}" cy="{y}" r="4"/>')
            said = f"{value:.1f}, {said}"
        parts.append(f'<text class="number" x="{LEFT + WIDTH + 12}" y="{y + 4}">{said}</text>')
    return "".join([*parts, "</svg>"])


def _x(value: float) -> float:
    return round(LEFT + WIDTH * min(max(value, 0.0), 100.0) / 100, 1)


def _short(name: str) -> str:
    return name if len(name) <= 34 else name[:33] + "…"
