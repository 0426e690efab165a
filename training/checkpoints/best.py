"""The best checkpoint by held-out samples, and runs that ended early because none was better.

transformers' Trainer finds the best step and its EarlyStoppingCallback counts. Here their counts go
into each checkpoint, so a resumed run chooses the same weights as an uninterrupted one, and the
weights are found by their step, not by a path, so that the folder can move.
"""

from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback

from training.checkpoints import folders


def early_stopping(patience: int) -> list[TrainerCallback]:
    """Stops after `patience` checkpoints in a row that are no better than the best; 0: never."""
    return [EarlyStoppingCallback(patience)] if patience else []


def early_stopping_counter(trainer: Any) -> int | None:
    """Returns the checkpoints since the best one; None without early stopping."""
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, EarlyStoppingCallback):
            return callback.early_stopping_patience_counter
    return None


def num_steps(steps: int, patience: int, checkpoint: Path | None) -> int:
    """Returns the steps of a run: `steps`, or those to a checkpoint at which it has ended early."""
    if checkpoint is None:
        return steps
    counter = folders.read_json(checkpoint / folders.STATE).get("early_stopping") or 0
    return folders.step_of(checkpoint) if 0 < patience <= counter else steps


def load_best(trainer: Any) -> int:
    """Loads the weights of the best checkpoint, and returns their step.

    Without `load_best_model_at_end` nothing is loaded. Raises ValueError if it is gone or broken.
    """
    step: int = trainer.state.global_step
    best: int | None = trainer.state.best_global_step
    if not trainer.args.load_best_model_at_end or best is None or best == step:
        return step
    checkpoint = Path(trainer.args.output_dir) / f"{folders.PREFIX}{best}"
    problem = folders.find_problem(checkpoint)
    if problem is not None:
        raise ValueError(f"the best checkpoint, {checkpoint}, cannot be used: {problem}")
    trainer.read_weights(checkpoint)
    return best
