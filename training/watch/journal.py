"""Shows a run: a progress bar, a JSON line for each logged step, curves at the end."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

# On the bar, which fits a terminal of 80 columns; the journal has everything.
BAR_FORMATS = {
    "loss": "loss {:.3f}",
    "tokens_per_second": "{:,.0f} tokens/s",
    "samples_per_second": "{:.1f} samples/s",
    "padding": "{:.0%} padding",
    "skipped_steps": "{:.0f} skipped",
    "held_out_loss": "held out {:.3f}",
    "held_out_accuracy": "{:.0%} right",
    "held_out_score": "held out {:.3f}",
    "probe": "{:.0f} other questions right",
}
JOURNAL, HELD_OUT = "journal.jsonl", "held_out_"
BAR = "{n_fmt}/{total_fmt} {bar} {remaining} left{postfix}"


class ProgressBar(TrainerCallback):
    """Steps done and in total, the time left, and the latest measurements."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None
        self.phrases: dict[str, str] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.bar = tqdm(
                total=state.max_steps,
                initial=state.global_step,
                unit="step",
                dynamic_ncols=True,
                bar_format=BAR,
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
    ) -> None:
        for key, form in BAR_FORMATS.items():
            value = logs.get(key, math.nan)
            if not math.isnan(value) and not (key == "skipped_steps" and value == 0):
                self.phrases[key] = form.format(value)
        if self.bar is not None:
            latest = [self.phrases[key] for key in BAR_FORMATS if key in self.phrases]
            self.bar.set_postfix_str(", ".join(latest), refresh=False)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class Journal(TrainerCallback):
    """One JSON line for each logged step, and a plot of the curves at the end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            return
        # Lines after the checkpoint are written again; a killed process may have left half a line.
        earlier = [line for line in read_journal(self.path) if line["step"] <= state.global_step]
        text = "".join(json.dumps(line) + "\n" for line in earlier)
        self.path.write_text(text, encoding="utf-8")

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
    ) -> None:
        if state.is_world_process_zero and logs.keys() & BAR_FORMATS.keys():
            with self.path.open("a", encoding="utf-8") as file:
                line = {"step": state.global_step, **logs}
                valid = {key: None if _is_nan(value) else value for key, value in line.items()}
                file.write(json.dumps(valid) + "\n")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero and self.path.is_file():
            plot_curves(read_journal(self.path), self.path.with_name("curves.png"))


def _is_nan(value: float) -> bool:
    """Of the loss of a step without one, for which JSON has only null."""
    return isinstance(value, float) and math.isnan(value)


def read_journal(path: Path) -> list[dict[str, float]]:
    """Returns the lines of a journal, without an incomplete one."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def plot_curves(journal: Sequence[dict[str, float]], out: Path) -> None:
    """Plots loss (raw, smoothed and held-out), gradient norm and speed against the step.

    Held-out scores, of an encoder, have a plot of their own.
    """
    import matplotlib.figure

    lines = [line for line in journal if line.get("loss") is not None]
    held = [line for line in journal if line.get("held_out_loss") is not None]
    if not lines:
        return
    steps = [line["step"] for line in lines]
    loss = [line["loss"] for line in lines]
    smooth = [sum(loss[max(0, i - 19) : i + 1]) / min(20, i + 1) for i in range(len(loss))]
    speed = "tokens_per_second" if "tokens_per_second" in lines[0] else "samples_per_second"
    scores = _held_out_scores(journal)
    heights = (3, 2, 1, 1) if scores else (3, 1, 1)
    figure = matplotlib.figure.Figure(figsize=(8, 6.5 + 2 * bool(scores)), layout="constrained")
    top, *between, middle, bottom = figure.subplots(
        len(heights), 1, sharex=True, height_ratios=heights
    )
    token = " per answer token" if speed.startswith("tokens") else ""
    top.plot(steps, loss, color="0.8", label=f"loss{token}")
    top.plot(steps, smooth, color="C0", label="mean of 20")
    if held:
        values = [line["held_out_loss"] for line in held]
        top.plot([line["step"] for line in held], values, "o-", color="C3", label="held out")
        smooth = [*smooth, *values]
    top.set_ylim(0, max(max(smooth) * 1.05, 1e-6))
    top.set_ylabel("loss")
    top.legend(frameon=False)
    for axes in between:
        for name, points in scores.items():
            axes.plot(*zip(*points, strict=True), "o-", markersize=3, label=name)
        axes.set_ylim(0, 1.02)
        axes.set_ylabel("held out")
        axes.legend(frameon=False, ncols=3, fontsize="small")
    middle.plot(steps, [line.get("grad_norm", 0.0) for line in lines], color="C1")
    middle.set_ylabel("gradient norm")
    bottom.plot(steps, [line.get(speed, 0.0) for line in lines], color="C2")
    bottom.set_ylabel("tokens / s" if speed.startswith("tokens") else "samples / s")
    bottom.set_ylim(bottom=0)
    bottom.set_xlabel("step")
    figure.savefig(out, dpi=110)


def _held_out_scores(journal: Sequence[dict[str, float]]) -> dict[str, list[tuple[float, float]]]:
    """Steps and scores 0 to 1 of held-out samples by name: of each task, if there are several."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in journal:
        for key, value in line.items():
            if key.startswith(HELD_OUT) and key != f"{HELD_OUT}loss" and value is not None:
                found.setdefault(key.removeprefix(HELD_OUT), []).append((line["step"], value))
    return found
