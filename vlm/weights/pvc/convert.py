"""Converts an original PVC-InternVL2 folder to our format, file by file.

The new folder is built beside the target and renamed when complete, so an interrupted conversion
leaves nothing under the final name; the next one deletes its leftovers. Tensors are memory-mapped
and written one file at a time: at most the tensors of one new file are in memory, for a model of
any size.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from vlm.weights.io.files import WeightsError, write_safetensors
from vlm.weights.io.rename import Rule
from vlm.weights.io.shards import FILE, INDEX
from vlm.weights.model_card import model_card
from vlm.weights.pvc.published import Published, is_published, open_published, published_processor

if TYPE_CHECKING:
    from torch import Tensor

SHARD_BYTES = 1 << 30  # of a new file, unless one tensor is larger
Advance = Callable[[int], None]  # called with the number of bytes just written


def convert(source: Path, target: Path, advance: Advance = lambda _: None) -> Path:
    """Writes the folder `target`, which must be empty or missing, and returns it."""
    target = target.expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WeightsError(f"{target} already exists. Name another folder, or delete it first.")
    if not is_published(source):
        raise WeightsError(f"{source} is not an original PVC-InternVL2, so it needs no conversion.")
    published = open_published(source)
    published.fit.require(source)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _require_disk_space(published, target.parent)
        with FileLock(target.with_name(f".{target.name}.lock"), timeout=0):
            _build(published, target, advance)
    except Timeout as error:
        raise WeightsError(f"{target} is being written by another process.") from error
    except OSError as error:
        raise WeightsError(
            f"{target} cannot be written ({error.strerror or error}). Name another folder."
        ) from error
    target.with_name(f".{target.name}.lock").unlink(missing_ok=True)
    return target


def _build(published: Published, target: Path, advance: Advance) -> None:
    building = target.with_name(f".{target.name}.building")
    shutil.rmtree(building, ignore_errors=True)  # left by a process that was killed
    building.mkdir()
    try:
        _write_weights(published, building, advance)
        _write_settings(published, building)
        if target.exists():
            target.rmdir()
        building.rename(target)
    finally:
        published.shards.close()
        shutil.rmtree(building, ignore_errors=True)


def _write_weights(published: Published, folder: Path, advance: Advance) -> None:
    shapes = published.shards.shapes
    groups = list(file_groups(published.fit.rules, shapes, published.shards.dtypes))
    where: dict[str, str] = {}
    total = 0
    for number, rules in enumerate(groups, 1):
        name = FILE if len(groups) == 1 else f"model-{number:05}-of-{len(groups):05}.safetensors"
        tensors = tensors_of(rules, published.shards.get)
        write_safetensors(tensors, folder / name, {"format": "pt"})
        size = sum(tensor.nbytes for tensor in tensors.values())
        where |= dict.fromkeys(tensors, name)
        total += size
        del tensors
        published.shards.close()  # releases the pages that were read
        advance(size)
    if len(groups) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def tensors_of(rules: list[Rule], get: Callable[[str], Tensor]) -> dict[str, Tensor]:
    """Returns the target tensors of these rules."""
    return {name: tensor for rule in rules for name, tensor in rule.apply(get).items()}


def file_groups(
    rules: tuple[Rule, ...],
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
    limit: int = SHARD_BYTES,
) -> Iterator[list[Rule]]:
    """Yields groups of rules; each group becomes one file of about `limit` bytes."""
    group: list[Rule] = []
    filled = 0
    for rule in rules:
        size = sum(tensor_bytes(shapes[name], dtypes[name]) for name in rule.sources)
        if group and filled + size > limit:
            yield group
            group, filled = [], 0
        group.append(rule)
        filled += size
    if group:
        yield group


def tensor_bytes(shape: tuple[int, ...], dtype: str) -> int:
    size = int("".join(c for c in dtype if c.isdigit()) or 8) // 8  # BF16, F32
    for length in shape:
        size *= length
    return size


def _write_settings(published: Published, folder: Path) -> None:
    from transformers import GenerationConfig

    published.config.architectures = ["PVCForConditionalGeneration"]
    published.config.save_pretrained(folder)
    text: Any = published.config.text_config
    GenerationConfig(
        bos_token_id=text.bos_token_id,
        eos_token_id=text.eos_token_id,
        pad_token_id=text.pad_token_id,
    ).save_pretrained(folder)
    published_processor(published).save_pretrained(folder)
    facts = {"converted from": f"`{published.folder.name}`, the original release"}
    limits = "It can be wrong. docs/models.md lists what is assumed about the release."
    card = model_card(published.folder.name, "with renamed, unchanged weights", facts, limits)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _require_disk_space(published: Published, place: Path) -> None:
    free, needed = shutil.disk_usage(place).free, published.shards.bytes + (64 << 20)
    if free < needed:
        raise WeightsError(
            f"{place}: the converted model takes {needed / 1e9:.1f} GB, but only"
            f" {free / 1e9:.1f} GB are free. Free some space, or name another folder."
        )
