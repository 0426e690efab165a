"""Checkpoint folders: written atomically, verified before use, without pickles.

    checkpoint-200/
        model.safetensors  optimizer.safetensors     trained weights, optimizer states
        state.json                                   learning rates, counts of skipped steps
        trainer_state.json recipe.json made_of.json  steps and log; the recipe and the data
        manifest.json                                size and SHA-256 of every file

A checkpoint is written into a hidden folder and renamed when it is complete. Before one is read,
every byte is compared with the manifest; a broken checkpoint is reported and the previous one used.

Random states need no file. Before each batch the generators are seeded by the run's seed and the
batch's index (training/loop/reproducible_trainer.py), so a resumed run draws the same numbers with
any number of loader workers.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from training.checkpoints.full_tensors import STEM
from vlm.weights.io.cache import MANIFEST, build_atomically, verify
from vlm.weights.io.files import WeightsError

PREFIX = "checkpoint-"
STATE = "state.json"
FINGERPRINT = "made_of.json"  # of the run (run_identity.py)
REQUIRED = (f"{STEM}.safetensors", "optimizer.safetensors", STATE, "trainer_state.json")
Report = Callable[[str], None]


def write_checkpoint(folder: Path, writes: bool, write: Callable[[Path | None], None]) -> None:
    """Makes `folder` by `write(temporary folder)`.

    A process that does not write calls `write(None)`, which only takes part in gathering shards.
    """
    if not writes:
        write(None)
        return
    try:
        build_atomically(folder, {"step": folder.name.removeprefix(PREFIX)}, write)
    except (OSError, WeightsError, SafetensorError) as error:
        raise ValueError(
            f"{folder} could not be written ({error}); the checkpoints before it are intact: make "
            "room and run the same command again"
        ) from error


def checkpoints(output: Path) -> list[Path]:
    """Returns all checkpoints of a run, newest first, broken ones included."""
    found = [path for path in output.glob(f"{PREFIX}*") if path.name[len(PREFIX) :].isdigit()]
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(PREFIX))


def newest_valid(output: Path, report: Report) -> Path | None:
    """Returns the newest intact checkpoint; None if the run has no checkpoints.

    Broken ones are reported. Raises ValueError if all are broken.
    """
    found = checkpoints(output)
    for path in found:
        problem = find_problem(path)
        if problem is None:
            return path
        report(f"WARNING: {path} is not used: {problem} Falling back to the previous checkpoint.")
    if found:
        raise ValueError(
            f"all checkpoints in {output} are broken: start over with --fresh, or keep them and "
            "set another `output`"
        )
    return None


def find_problem(folder: Path) -> str | None:
    """What is wrong with a checkpoint, in a sentence; None if it is intact."""
    try:
        verify(folder)
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (WeightsError, OSError) as error:
        return str(error)
    missing = [name for name in REQUIRED if name not in files]
    return f"its manifest does not list {', '.join(missing)}." if missing else None


def prune(output: Path, keep: int, step: int, best: int | None = None) -> None:
    """Deletes all but the newest `keep` checkpoints up to `step`, and remains of killed processes.

    The checkpoint of step `best` stays as well.

    Checkpoints after `step` belong to an earlier run or are broken: they must not count as this
    run's newest.
    """
    found = checkpoints(output)
    later = [path for path in found if step_of(path) > step]
    older = [path for path in found[len(later) + keep :] if step_of(path) != best]
    for path in later + older:
        # Renamed first, so that a folder half deleted never looks like a checkpoint.
        doomed = path.with_name(f".{path.name}.old")
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    for left in (*output.glob(f".{PREFIX}*.old"), *output.glob(f".{PREFIX}*.building")):
        shutil.rmtree(left, ignore_errors=True)


def write_json(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
