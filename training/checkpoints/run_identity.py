"""The identity of a run: its recipe's values and digests of what it reads, compared on a resume.

A run resumes only with the recipe, the base weights, the records and the media it was started with;
otherwise one half of it would be one experiment and the other half another. `--allow-changes`
resumes anyway and reports what differs. Folders may move: paths are compared only with checkpoints
of older versions, which do not record the content behind them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from data.sources.shards import shards
from training.checkpoints.content_digests import (
    MAX_HASHED,
    encoder_digests,
    media_digests,
    weights_digests,
)
from training.recipe import Recipe, recipe_values, with_current_keys
from training.sources import data_root, weighted_files
from vlm.plural import plural
from vlm.weights.io.files import sha256

# Keys that do not change the trained weights.
NEUTRAL = (
    *("workers", "save_every", "log_every", "save_total_limit", "report_to"),
    *("samples", "num_samples", "decode_seconds", "max_bad_share", "frame_cache_gb"),
    *("evaluation", "max_skipped", "gradient_accumulation_steps", "probe"),
    *("gradient_checkpointing", "compile"),
)
# With them, the held-out loss chooses the weights.
CHOOSING = ("load_best_model_at_end", "early_stopping_patience")
CHOSEN_BY = ("evaluation", "save_every", "decode_seconds")
# Keys that older runs lack, with the value they had in effect.
ADDED: dict[str, Any] = {
    **{"max_length": 0, "num_epochs": None, "lr_scheduler_type": "cosine", "mix_in": {}},
    **{"encoder": "", "encoder_weights": "", "evaluation": ""},
    **{"objective": "classes", "tower": {}, "train": "method"},  # of training.encoders
    **{"tasks": [], "text": "", "text_weights": "", "loss": "sigmoid", "background_weight": 0.0},
    **{"most_classes": 400, "most_held": 200, "start_scale": None, "start_bias": None},
    **{"load_best_model_at_end": False, "early_stopping_patience": 0, "probe": []},
}
PATHS = (
    *("data_root", "output", "model", "start_from", "encoder_weights"),
    *("folder", "weights", "classes", "text_weights"),  # of training.encoders
)
# The rules of the loop, kept by a resumed run. Runs of version 1 warm up from a rate of 0, move the
# tower by momentum and weight decay in steps of text alone, and group samples by length per batch
# instead of per step.
LOOP_VERSION = 2
MAX_NAMES = 3  # changed files named in a sentence


def fingerprint(recipe: Recipe, num_processes: int) -> dict[str, Any]:
    """Returns everything that must be equal in a resumed run."""
    values = recipe_values(recipe)
    values["samples_per_step"] = recipe.samples_per_process * num_processes
    files = {file.name: file.path for file in weighted_files(recipe)}
    if any(values[key] for key in CHOOSING):
        root = data_root(recipe)
        files |= {f"evaluation {path}": root / path for path in recipe.evaluation}
    identity = {
        "recipe": values,
        "data": {name: file_fingerprint(path) for name, path in files.items()},
        "weights": weights_digests(recipe.model, recipe.start_from)
        | encoder_digests(recipe.encoder_weights),
        "media": {name: media_digests(path) for name, path in files.items()},
        "loop": LOOP_VERSION,
    }
    return json.loads(json.dumps(identity))


def file_fingerprint(path: Path) -> str:
    """Returns a digest of a file of records; of tar files, a digest of their names and sizes."""
    if path.suffix == ".tar":
        sizes = [(p.name, p.stat().st_size if p.is_file() else 0) for p in shards(path)]
        return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size <= MAX_HASHED:
        return sha256(path)
    with path.open("rb") as file:
        first = file.read(1 << 20)
        file.seek(-(1 << 20), 2)
        last = file.read()
    return f"{size} bytes, ends {hashlib.sha256(first + last).hexdigest()}"


def keep_loop_version(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Makes a resumed run follow the rules that its checkpoint was trained by."""
    now["loop"] = before.get("loop", 1)


def records_content(identity: dict[str, Any]) -> bool:
    """Whether a checkpoint records its base weights and media; those of older versions do not."""
    return "weights" in identity


def changed_values(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Returns a phrase for each value of the recipe that would change the trained weights."""
    old, new = {**ADDED, **with_current_keys(before["recipe"])}, {**ADDED, **now["recipe"]}
    ignored = set(NEUTRAL)
    if any(new[key] for key in CHOOSING):
        ignored -= set(CHOSEN_BY)
    if records_content(before):
        ignored |= set(PATHS)
        old, new = _without_data_paths(old), _without_data_paths(new)
    return [
        f"{key}: {old.get(key)} -> {new.get(key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in ignored
    ]


def _without_data_paths(values: dict[str, Any]) -> dict[str, Any]:
    if values.get("tasks"):
        sets = [{key: x for key, x in one.items() if key != "folder"} for one in values["tasks"]]
        values = {**values, "tasks": sets}
    sources = values.get("data", "")
    if isinstance(sources, str):  # the list of an encoder's clips
        return {key: value for key, value in values.items() if key != "data"}
    return {**values, "data": [source["weight"] for source in sources]}


def changed_files(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns a phrase for the first of the files that were changed or added.

    A file under another name is compared with the one at the same position.
    """
    moved = dict(zip(new, old.values(), strict=False)) if len(old) == len(new) else {}
    changed = [
        f"{name} has {'changed' if name in old or name in moved else 'been added'}"
        for name in new
        if old.get(name, moved.get(name)) != new[name]
    ]
    changed += [f"{name} is gone" for name in old if name not in new and not moved]
    rest = len(changed) - MAX_NAMES
    return changed[:MAX_NAMES] + ([f"so have {plural(rest, 'more file')}"] if rest > 0 else [])


def changed_media(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns a phrase for the first of the media that were changed, of files that were not."""
    if len(old) != len(new):
        return []  # the files of records differ, which is reported already
    pairs = zip(old.values(), new.values(), strict=True)
    return [phrase for before, now in pairs for phrase in changed_files(before, now)]


def refuse_changes(before: dict[str, Any], now: dict[str, Any], checkpoint: Path) -> None:
    """Raises ValueError if the recipe or what the run reads differs from the checkpoint's."""
    found = {
        "another recipe": changed_values(before, now),
        "other data": changed_files(before["data"], now["data"]),
    }
    if records_content(before):
        found["other base weights"] = changed_files(before["weights"], now["weights"])
        if not found["other data"]:
            found["other media"] = changed_media(before["media"], now["media"])
    reasons = [f"{what} ({'; '.join(how)})" for what, how in found.items() if how]
    if reasons:
        raise ValueError(
            f"{checkpoint} was made with {' and '.join(reasons)}: set another `output`, restore "
            "the old values, or resume with --allow-changes"
        )
