"""The curves of a run, from its journal."""

import json
from pathlib import Path


def plot_curves(journal: Path, out: Path) -> None:
    """Loss and gradient norm against the step, the loss also smoothed over 20 lines."""
    import matplotlib.figure

    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    if not lines:
        return
    steps = [line["step"] for line in lines]
    loss = [line["loss"] for line in lines]
    smooth = [sum(loss[max(0, i - 19) : i + 1]) / min(20, i + 1) for i in range(len(loss))]
    figure = matplotlib.figure.Figure(figsize=(8, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot(steps, loss, color="0.8", label="loss per answer token")
    top.plot(steps, smooth, color="C0", label="mean of 20")
    top.set_ylim(0, max(smooth) * 1.05)
    top.legend(frameon=False)
    bottom.plot(steps, [line.get("grad_norm", 0.0) for line in lines], color="C1")
    bottom.set_ylabel("gradient norm")
    bottom.set_xlabel("step")
    figure.savefig(out, dpi=110)
