"""The card of a run: lines that two people compare to learn whether they ran the same thing.

    OUT/videomme/card.txt       name: value, one a line, in a fixed order

It has what determines answers (model, settings, prompts, data, films, subtitles, code) and a hash
of the answers, and nothing of the machine, so equal runs have equal cards wherever they were made.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluation.json_files import replace_file
from evaluation.runs import manifest
from evaluation.runs.log import read_log
from vlm.plural import plural

NAME = "card.txt"
PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "pillow", "av", "rapidfuzz")
SOURCES = ("evaluation", "vlm", "data")  # packages whose code decides answers and scores


def code_hash(root: Path = Path(__file__).parents[2]) -> str:
    """Hashes the source files of this repository that a run goes through."""
    digest = hashlib.sha256()
    for package in SOURCES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\n")
            digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def card(folder: Path) -> dict[str, str]:
    """Returns the lines of a benchmark's folder. Raises ValueError if it holds no run."""
    known = manifest.read(folder)
    identity, last = known["identity"], known["runs"][-1]
    lines = {"benchmark": str(identity["benchmark"])}
    for part in ("model", "asked", "data", manifest.LATER):
        lines |= dict(_flat(part, identity.get(part) or {}))
    lines["code"] = str(last.get("code", "unknown"))
    for package in PACKAGES:
        lines[f"package {package}"] = str(last.get("packages", {}).get(package, "missing"))
    media = known.get("media", {})
    subtitles = {name: text for name, text in media.items() if name.startswith("subtitles")}
    films = {name: text for name, text in media.items() if name not in subtitles}
    for what, files in (("films and pictures", films), ("subtitles", subtitles)):
        packed = {name: text for name, text in files.items() if manifest.PACKED not in name}
        lines[what] = f"{plural(len(packed), 'file')}, {_hash(packed)}" if packed else "none"
    rows = read_log(folder)
    answers = {row["id"]: repr((row["raw"], row["prompt"], row["error"])) for row in rows}
    lines["answers"] = f"{len(answers)}, {_hash(answers)}"
    return lines


def write_card(folder: Path) -> Path:
    """Writes the card of a benchmark's folder beside its log."""
    text = "".join(f"{name}: {value}\n" for name, value in card(folder).items())
    replace_file(folder / NAME, [text.encode("utf-8", "backslashreplace")])
    return folder / NAME


def unlike(first: Path, second: Path) -> list[str]:
    """Returns a sentence for each line in which the cards of two folders differ.

    Films and subtitles are then named one by one, as far as both manifests list them.
    """
    one, other = card(first), card(second)
    found = [
        f"{name}: {one.get(name, 'missing')} | {other.get(name, 'missing')}"
        for name in [*one, *(name for name in other if name not in one)]
        if one.get(name) != other.get(name)
    ]
    here, there = (manifest.read(folder).get("media", {}) for folder in (first, second))
    files = [
        f"file {name}: {here.get(name, 'missing')} | {there.get(name, 'missing')}"
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name) and manifest.PACKED not in name
    ]
    return [*found, *files]


def _flat(within: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{within} {key}"
        if isinstance(value, Mapping):
            yield from _flat(name, value)
        else:
            yield name, str(value)


def _hash(values: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(values):
        digest.update(f"{name}\t{values[name]}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
