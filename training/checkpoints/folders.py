"""Checkpoints: whole or not there, checked before they are used, and without pickles.

    checkpoint-200/
        model.safetensors  optimizer.safetensors     trained weights, optimizer states
        state.json                                   learning rates, counters of the guard
        trainer_state.json recipe.json data.json     steps and log; what the run was made of
        manifest.json                                size and SHA-256 of every file

A checkpoint is written into a hidden folder beside its place and renamed when everything is in it.
Before one is read, every byte is compared with the manifest: a broken one is named and passed over
for the one before it.

Random numbers need no file. Before each batch the generators are set from the seed and the batch's
place in the run (training/trainer.py), so they are the same after a resume, with any number of
loader workers.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from training.checkpoints.full_tensors import STEM
from vlm.weights.io.cache import MANIFEST, check, make_whole
from vlm.weights.io.files import WeightsError

PREFIX = "checkpoint-"
STATE = "state.json"
FINGERPRINT = "made_of.json"  # of the run (run_identity.py); checkpoints keep this name
NEEDED = (f"{STEM}.safetensors", "optimizer.safetensors", STATE, "trainer_state.json")
Say = Callable[[str], None]


def write_checkpoint(folder: Path, writes: bool, write: Callable[[Path | None], None]) -> None:
    """Make `folder` by `write(a folder beside it)`; where this process does not write, by
    `write(None)`, in which it only hands over its pieces."""
    if not writes:
        write(None)
        return
    try:
        make_whole(folder, {"step": folder.name.removeprefix(PREFIX)}, write)
    except (OSError, WeightsError, SafetensorError) as error:
        raise ValueError(
            f"{folder} could not be written ({error}). The checkpoints before it are whole; make "
            "room and start the same command again."
        ) from error


def checkpoints(output: Path) -> list[Path]:
    """All of a run, the newest first, whether whole or not."""
    found = [path for path in output.glob(f"{PREFIX}*") if path.name[len(PREFIX) :].isdigit()]
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(PREFIX))


def newest_valid(output: Path, say: Say) -> Path | None:
    """The checkpoint to go on from. Broken ones are named; all broken is an error."""
    found = checkpoints(output)
    for path in found:
        problem = find_problem(path)
        if problem is None:
            return path
        say(f"WARNING: {path} is not used: {problem} Going back to the one before it.")
    if found:
        raise ValueError(
            f"no checkpoint in {output} is whole; --fresh starts anew, another `output` keeps them"
        )
    return None


def find_problem(folder: Path) -> str | None:
    """A sentence, or None for a whole checkpoint."""
    try:
        check(folder)
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (WeightsError, OSError) as error:
        return str(error)
    missing = [name for name in NEEDED if name not in files]
    return f"its manifest does not list {', '.join(missing)}." if missing else None


def prune(output: Path, keep: int, step: int) -> None:
    """Delete all but the newest `keep` up to `step`, and what a killed process left half written.

    Later ones are of a run before this one, or broken: they must not count as this run's newest.
    """
    found = checkpoints(output)
    later = [path for path in found if step_of(path) > step]
    for path in later + found[len(later) + keep :]:
        # Renamed first: a folder that is being deleted never looks like a checkpoint.
        doomed = path.with_name(f".{path.name}.old")
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    for left in (*output.glob(f".{PREFIX}*.old"), *output.glob(f".{PREFIX}*.building")):
        shutil.rmtree(left, ignore_errors=True)


def write_json(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
