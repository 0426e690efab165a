"""The progress bar and the curves of a run."""

from pathlib import Path
from types import SimpleNamespace

from PIL import Image
from tqdm import tqdm

from training.watch.journal import BAR, ProgressBar, _held_out_scores, plot_curves


def test_loss_speed_padding_and_time_left_fit_a_terminal_of_80_columns() -> None:
    progress = ProgressBar()
    progress.bar = SimpleNamespace(set_postfix_str=lambda text, refresh: texts.append(text))
    texts: list[str] = []
    measures = {"loss": 6.1921, "padding": 0.071, "skipped_steps": 0.0, "held_out_loss": 6.2}
    progress.on_log(None, None, None, {"samples_per_second": 32.31, **measures})
    progress.on_log(None, None, None, {"tokens_per_second": 1036.4})
    line = tqdm.format_meter(169, 300, 60.0, ncols=80, bar_format=BAR, postfix=texts[-1])
    assert len(line) <= 80
    wanted = ("169/300", "00:46 left", "loss 6.192", "1,036 tokens/s", "32.3 samples/s")
    assert all(part in line for part in (*wanted, "7% padding"))


def test_curves_of_several_tasks_show_each_held_out_score(tmp_path: Path) -> None:
    losses = [{"step": k, "loss": 1.0, "samples_per_second": 2.0} for k in (1, 2)]
    plot_curves(losses, tmp_path / "without.png")
    held = {"step": 2, "held_out_score": 0.5, "held_out_retrieval": 0.4, "held_out_loss": 3.0}
    plot_curves([*losses, held], tmp_path / "with.png")
    found = [Image.open(tmp_path / name).height for name in ("without.png", "with.png")]
    assert found[1] > found[0]
    assert _held_out_scores([held]) == {"score": [(2, 0.5)], "retrieval": [(2, 0.4)]}
