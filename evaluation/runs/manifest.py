"""The manifest beside a log: records what is needed to explain why two results differ.

`identity` holds everything that determines the answers (model, data, settings); a run is resumed
only if it is equal. `runs` lists the sessions: versions, machine, processes, start time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.json_files import read_json, write_json

NAME = "manifest.json"
CHUNK = 2**22  # bytes hashed at a time


def write_or_check(folder: Path, identity: Mapping[str, Any], around: Mapping[str, Any]) -> None:
    """Writes the manifest of a run, or adds a session to that of the same run.

    Raises ValueError if the folder holds a run with another identity.
    """
    path = folder / NAME
    history = []
    if path.is_file():
        known = read(folder)
        different = list(differences(known["identity"], identity))
        if different:
            raise ValueError(
                f"{folder} holds a run with other settings ({'; '.join(different[:4])}): choose"
                " another --out, or delete that folder to start over."
            )
        history = known["runs"]
    write_json(path, {"identity": identity, "runs": [*history, around]})


def read(folder: Path) -> dict[str, Any]:
    """Returns the manifest of a run. Raises ValueError if it is missing or malformed."""
    known = read_json(folder / NAME)
    if not isinstance(known, dict) or not known.get("runs") or "identity" not in known:
        raise ValueError(f"{folder / NAME} is not the manifest of a run.")
    return known


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], within: str = ""
) -> Iterable[str]:
    """Yields the differences between two identities, as "name: first, here second"."""
    for key in [*first, *(key for key in second if key not in first)]:
        a, b = first.get(key), second.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{within}{key} ")
        elif a != b:
            yield f"{within}{key}: {_short(a)}, here {_short(b)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else text[:12] + "..."


def file_hashes(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """Returns the SHA-256 of files by their names relative to the folder."""
    hashes = {}
    for path in sorted(files):
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(CHUNK):
                digest.update(piece)
        hashes[name] = digest.hexdigest()
    return hashes


def questions_hash(questions: Sequence[Any]) -> str:
    """Hashes ids, groups and targets in order: equal for equal questions, whatever their files."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(repr((question.id, question.group, question.targets)).encode() + b"\n")
    return digest.hexdigest()
