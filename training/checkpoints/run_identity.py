"""The identity of a run: its recipe's values and hashes of its data, compared before a resume.

A run resumes only with the recipe and the data it was started with; otherwise one half of it would
be one experiment and the other half another. `--allow-changes` resumes anyway and reports what
differs.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from data.sources.shards import shards
from training.recipe import Recipe, recipe_values, with_current_keys
from vlm.weights.io.files import cache_dir, sha256

# Keys that do not change the trained weights.
NEUTRAL = (
    *("workers", "save_every", "log_every", "save_total_limit", "report_to"),
    *("samples", "num_samples", "decode_seconds", "max_bad_share", "frame_cache_gb"),
    *("evaluation", "max_skipped", "gradient_accumulation_steps"),
    *("gradient_checkpointing", "compile"),
)
ADDED = {"max_length": 0}  # keys that older runs lack, with the value they had in effect
MAX_HASHED = 1 << 30  # bytes; of larger files only the size and both ends are hashed


def data_root(recipe: Recipe) -> Path:
    """The folder that the paths of a recipe's sources are relative to."""
    root = cache_dir() / "training" if recipe.data_root == "cache" else Path(recipe.data_root)
    return root.expanduser()


def fingerprint(recipe: Recipe, num_processes: int) -> dict[str, Any]:
    """Everything that must be equal in a resumed run."""
    values = recipe_values(recipe)
    values["samples_per_step"] = recipe.samples_per_process * num_processes
    root = data_root(recipe)
    data = {source.path: file_fingerprint(root / source.path) for source in recipe.data}
    return json.loads(json.dumps({"recipe": values, "data": data}))


def file_fingerprint(path: Path) -> str:
    """A digest of a file of records; of tar files, a digest of their names and sizes."""
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


def changed_values(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A phrase for each value of the recipe that would change the trained weights."""
    old, new = {**ADDED, **with_current_keys(before["recipe"])}, now["recipe"]
    return [
        f"{key}: {old.get(key)} -> {new.get(key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in NEUTRAL
    ]


def changed_data(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A phrase for each file of records that was changed or added."""
    old, new = before["data"], now["data"]
    return [
        f"{path} has {'changed' if path in old else 'been added'}"
        for path in sorted(new)
        if old.get(path) != new[path]
    ]


def refuse_changes(before: dict[str, Any], now: dict[str, Any], checkpoint: Path) -> None:
    """Raises ValueError if the recipe or the data differs from the checkpoint's."""
    found = {
        "another recipe": changed_values(before, now),
        "other data": changed_data(before, now),
    }
    reasons = [f"{what} ({'; '.join(how)})" for what, how in found.items() if how]
    if reasons:
        raise ValueError(
            f"{checkpoint} was made with {' and '.join(reasons)}: set another `output`, restore "
            "the old values, or resume with --allow-changes"
        )
