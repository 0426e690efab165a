"""Draws the family tree of the encoders: from which other each came, and what it added.

python -m benchmarks.encoder_tree

Writes docs/images/encoder-tree.png. The years are those of the papers on arXiv.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.text import Text

from vlm.encoders import ENCODERS
from vlm.ending import end

PLOT = Path(__file__).parents[1] / "docs" / "images" / "encoder-tree.png"
FAMILIES = {
    "convolutions": "#4c78a8",
    "attention": "#e45756",
    "frozen image transformer": "#54a24b",
    "streams": "#b279a2",
}


@dataclass(frozen=True)
class Node:
    """An encoder in the tree, at a column from the left and a row from the top."""

    label: str
    family: str
    column: float
    row: float


CONVOLUTIONS, ATTENTION, FROZEN, STREAMS = FAMILIES
NODES = {
    "i3d": Node("I3D", CONVOLUTIONS, 0, 1),
    "r2plus1d": Node("R(2+1)D", CONVOLUTIONS, 1.8, 0),
    "slowfast": Node("SlowFast", CONVOLUTIONS, 1.8, 1),
    "nonlocal": Node("Non-local", CONVOLUTIONS, 1.8, 2),
    "timesformer": Node("TimeSformer", ATTENTION, 3.6, 2),
    "mvit": Node("MViT", ATTENTION, 5.4, 0.1),
    "video-swin": Node("Video Swin", ATTENTION, 5.4, 1),
    "uniformerv2": Node("UniFormerV2", ATTENTION, 5.4, 2.9),
    "vtn": Node("VTN", ATTENTION, 5.4, 3.8),
    "efficient-prompt": Node("Efficient-Prompt", FROZEN, 7.4, 3.8),
    "vpt": Node("VPT", FROZEN, 3.6, 5.5),
    "adaptformer": Node("AdaptFormer", FROZEN, 5.4, 5.5),
    "pro-tuning": Node("Pro-tuning", FROZEN, 5.4, 6.4),
    "st-adapter": Node("ST-Adapter", FROZEN, 7.4, 4.7),
    "aim": Node("AIM", FROZEN, 7.4, 5.5),
    "dualpath": Node("DualPath", FROZEN, 7.4, 6.3),
    "pvc": Node("PVC", STREAMS, 8.6, 1.3),
    "streamformer": Node("StreamFormer", STREAMS, 8.6, 2.4),
}
# From, to, what the second one adds.
EDGES = (
    ("i3d", "r2plus1d", "space, then time"),
    ("i3d", "slowfast", "a path for motion"),
    ("i3d", "nonlocal", "all positions meet"),
    ("nonlocal", "timesformer", "attention alone"),
    ("timesformer", "mvit", "pooled"),
    ("timesformer", "video-swin", "in windows"),
    ("timesformer", "uniformerv2", "a query gathers"),
    ("timesformer", "vtn", "time after space"),
    ("vtn", "efficient-prompt", "frozen CLIP"),
    ("vpt", "adaptformer", "a detour"),
    ("vpt", "pro-tuning", "from features"),
    ("adaptformer", "st-adapter", "a kernel in time"),
    ("adaptformer", "aim", "attends twice"),
    ("adaptformer", "dualpath", "time as a picture"),
    ("timesformer", "pvc", "causal, by the clock, few tokens"),
    ("timesformer", "streamformer", "causal, without end"),
)


def year(encoder: str) -> int:
    """Returns the year of the first paper of an encoder, from its number on arXiv."""
    papers = [preset.paper for preset in ENCODERS[encoder].presets.values() if preset.paper]
    return 2000 + int(min(papers)[:2])


def draw(path: Path) -> None:
    """Draws the encoders that there are: one may have been removed."""
    figure, axes = plt.subplots(figsize=(13, 7))
    axes.set_xlim(-0.5, 9.4)
    axes.set_ylim(-6.9, 0.5)
    axes.axis("off")
    boxes = {}
    for name, node in NODES.items():
        if name not in ENCODERS:
            continue
        box = {"boxstyle": "round,pad=0.4", "facecolor": FAMILIES[node.family], "edgecolor": "none"}
        style = {"ha": "center", "va": "center", "fontsize": 11, "color": "white", "bbox": box}
        boxes[name] = axes.text(node.column, -node.row, f"{node.label}\n{year(name)}", **style)
    figure.tight_layout()
    figure.canvas.draw()  # gives the boxes their sizes, where arrows end
    for older, newer, added in EDGES:
        if older in boxes and newer in boxes:
            _arrow(axes, boxes[older], boxes[newer], added)
    for family, color in FAMILIES.items():
        axes.scatter([], [], marker="s", s=90, color=color, label=family)
    axes.legend(loc="lower left", frameon=False, fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _arrow(axes: Axes, start: Text, end: Text, added: str) -> None:
    (x, y), (u, v) = start.get_position(), end.get_position()
    axes.annotate(
        "",
        (u, v),
        (x, y),
        arrowprops={
            "arrowstyle": "-|>",
            "color": "0.55",
            "patchA": start.get_bbox_patch(),
            "patchB": end.get_bbox_patch(),
            "shrinkA": 2,
            "shrinkB": 2,
        },
    )
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    style = {"ha": "center", "va": "center", "fontsize": 9, "color": "0.2", "bbox": white}
    near = 0.5 if u - x < 3 else 0.7  # long arrows pass between boxes in their middle
    axes.text(x + near * (u - x), y + near * (v - y), added, **style)


def main() -> None:
    draw(PLOT)
    print(PLOT)


if __name__ == "__main__":
    end(main)
