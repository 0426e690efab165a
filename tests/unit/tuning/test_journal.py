"""The progress bar of a run."""

from types import SimpleNamespace

from tqdm import tqdm

from training.watch.journal import BAR, ProgressBar


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
