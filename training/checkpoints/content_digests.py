"""Digests of the files that a run reads, at a bounded cost: base weights, media, records.

A digest depends on the content alone, so a folder that was moved or copied keeps its digests.
Digests of large files are remembered by size and times of change.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.records import MEDIA
from data.sources.shards import shards
from training.model.initial_model import model_folder
from vlm.weights.base_models import efficientnet_lite2, smollm2
from vlm.weights.io.files import WeightsError, cache_dir

SHIPPED = ("embedded", "embedded-trained")  # their settings come from this repository's code
MAX_HASHED = 1 << 30  # bytes; of larger files only BLOCKS blocks, evenly spread, are hashed
BLOCK, BLOCKS = 1 << 16, 1024
REMEMBERED = 1 << 24  # bytes of a file whose digest is worth remembering
MAX_MEDIA = 20_000  # media of a file of records that are read; of more, evenly spread ones
MAX_NAMED = 2_000  # media with a digest each; more share one, which names none of them


def weights_digests(model: str, start_from: str = "") -> dict[str, str]:
    """Returns the digest of each file of the base model, and of the stage that is continued."""
    found: dict[str, str] = {}
    try:
        if model == "embedded":
            folders = [smollm2(), efficientnet_lite2().parent]
        else:
            folders = [model_folder(model)] if model else []
    except (WeightsError, ValueError):
        folders = []  # loading the model names the fault
    for folder in folders:
        name = folder.name if model == "embedded" else "model"
        found |= {f"{name}/{file.name}": file_digest(file) for file in sorted(_weights(folder))}
        if model not in SHIPPED:
            found |= _settings_digests(folder)
    if start_from:
        earlier = Path(start_from) / "trained" / "model.safetensors"
        found["start_from/model.safetensors"] = file_digest(earlier)
    return found


def encoder_digests(weights: str) -> dict[str, str]:
    """Returns the digests of an encoder's published file, or of the folder of its image model."""
    if not weights:
        return {}
    path = Path(weights).expanduser()
    if not path.is_dir():
        return {"encoder": file_digest(path)}
    return {f"encoder/{file.name}": file_digest(file) for file in sorted(_weights(path))}


def _weights(folder: Path) -> list[Path]:
    return list(folder.glob("*.safetensors"))


def _settings_digests(folder: Path) -> dict[str, str]:
    """Digests of the files beside the weights that a model's tokens and layers depend on."""
    found = {}
    if (folder / "tokenizer.json").is_file():
        found["model/tokenizer.json"] = file_digest(folder / "tokenizer.json")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for key in ("transformers_version", "_name_or_path"):
        config.pop(key, None)
    found["model/config.json"] = _short(json.dumps(config, sort_keys=True).encode())
    return found


def file_digest(path: Path) -> str:
    """Returns a digest of a file's size and content; "missing" if there is no such file."""
    try:
        facts = path.stat()
    except OSError:
        return "missing"
    if not stat.S_ISREG(facts.st_mode):
        return "not a file"
    if facts.st_size < REMEMBERED:
        return _content_digest(path, facts.st_size)
    key = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
    memory = cache_dir() / "digests" / f"{_short(os.fsencode(path.resolve()))}.json"
    remembered = _read(memory)
    if remembered.get("of") == key:
        return remembered["digest"]
    digest = _content_digest(path, facts.st_size)
    _remember(memory, {"of": key, "digest": digest})
    return digest


def _content_digest(path: Path, size: int) -> str:
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        if size <= MAX_HASHED:
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
        for number in range(BLOCKS):  # the first block holds the header of a safetensors file
            file.seek(number * (size - BLOCK) // (BLOCKS - 1))
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def _read(memory: Path) -> dict[str, Any]:
    try:
        found = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("digest"), str) else {}


def _remember(memory: Path, value: dict[str, Any]) -> None:
    unfinished = memory.with_suffix(f".{os.getpid()}.part")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(value), encoding="utf-8")
        unfinished.replace(memory)
    except OSError:
        unfinished.unlink(missing_ok=True)  # a full or read-only disk costs only time


def media_digests(records: Path) -> dict[str, str]:
    """The digests of a file's media by name; of tar files, the digests of the files themselves."""
    if records.suffix == ".tar":
        return {path.name: file_digest(path) for path in shards(records)}
    names = list(dict.fromkeys(_media_names(records)))
    read = names[:: max(1, -(-len(names) // MAX_MEDIA))]
    found = {name: _media_digest(records.parent / name) for name in read}
    if len(found) <= MAX_NAMED:
        return found
    return {f"one of {len(names):,} media": _short(json.dumps(found).encode())}


def _media_digest(path: Path) -> str:
    """Returns a digest of the size, the first, the middle and the last block."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return "not a file"
        digest = hashlib.blake2b(str(facts.st_size).encode(), digest_size=8)
        with path.open("rb") as file:
            for start in sorted({0, facts.st_size // 2, max(0, facts.st_size - BLOCK)}):
                file.seek(start)
                digest.update(file.read(BLOCK))
    except (OSError, ValueError):
        return "missing"
    return digest.hexdigest()


def _media_names(records: Path) -> Iterator[str]:
    """Yields the media of a file's records in order; faulty lines are skipped, as in training."""
    try:
        with records.open("rb") as lines:
            for line in lines:
                yield from _media_of_line(line)
    except OSError:
        return


def _media_of_line(line: bytes) -> list[str]:
    try:
        parts = [part for message in json.loads(line)["messages"] for part in message["content"]]
        media = [part[part["type"]] for part in parts if _is_media(part)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [name for name in media if isinstance(name, str)]


def _is_media(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in MEDIA


def _short(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()
