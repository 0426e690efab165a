"""The curves of a run, from its journal."""

from collections.abc import Sequence
from pathlib import Path


def plot_curves(journal: Sequence[dict[str, float]], out: Path) -> None:
    """Against the step: loss, also smoothed and on held-out records; gradient norm; speed."""
    import matplotlib.figure

    lines = [line for line in journal if "loss" in line]
    held = [line for line in journal if "held_out_loss" in line]
    if not lines:
        return
    steps = [line["step"] for line in lines]
    loss = [line["loss"] for line in lines]
    smooth = [sum(loss[max(0, i - 19) : i + 1]) / min(20, i + 1) for i in range(len(loss))]
    speed = "tokens_per_second" if "tokens_per_second" in lines[0] else "samples_per_second"
    figure = matplotlib.figure.Figure(figsize=(8, 6.5), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    top.plot(steps, loss, color="0.8", label="loss per answer token")
    top.plot(steps, smooth, color="C0", label="mean of 20")
    if held:
        values = [line["held_out_loss"] for line in held]
        top.plot([line["step"] for line in held], values, "o-", color="C3", label="held out")
        smooth = [*smooth, *values]
    top.set_ylim(0, max(max(smooth) * 1.05, 1e-6))
    top.set_ylabel("loss")
    top.legend(frameon=False)
    middle.plot(steps, [line.get("grad_norm", 0.0) for line in lines], color="C1")
    middle.set_ylabel("gradient norm")
    bottom.plot(steps, [line.get(speed, 0.0) for line in lines], color="C2")
    bottom.set_ylabel("tokens / s" if speed.startswith("tokens") else "samples / s")
    bottom.set_ylim(bottom=0)
    bottom.set_xlabel("step")
    figure.savefig(out, dpi=110)
