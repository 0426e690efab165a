"""What a run was, in a file beside its log: enough to say why two numbers differ.

`identity` is the part that decides what the answers are (model, data, how it was asked); a run is
only continued where it is the same. `runs` are the sessions: versions, machine, processes, moment.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.json_files import read_json, write_json

NAME = "manifest.json"
AT_ONCE = 2**22  # bytes that are hashed in one go


def write_or_check(folder: Path, identity: Mapping[str, Any], around: Mapping[str, Any]) -> None:
    """Writes the manifest of a run, or checks that this is the same run.

    ValueError, one sentence, if the folder holds another one.
    """
    path = folder / NAME
    history = []
    if path.is_file():
        known = read(folder)
        different = list(differences(known["identity"], identity))
        if different:
            raise ValueError(
                f"{folder} holds a run with other settings ({'; '.join(different[:4])}): choose"
                " another --out, or delete that folder to begin anew."
            )
        history = known["runs"]
    write_json(path, {"identity": identity, "runs": [*history, around]})


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a run. ValueError, one sentence, if it is none."""
    known = read_json(folder / NAME)
    if not isinstance(known, dict) or not known.get("runs") or "identity" not in known:
        raise ValueError(f"{folder / NAME} is not the manifest of a run.")
    return known


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], within: str = ""
) -> Iterable[str]:
    """What differs between two identities, as "name: this, here that"."""
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
    """SHA-256 of files, by their names in the folder."""
    hashes = {}
    for path in sorted(files):
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(AT_ONCE):
                digest.update(piece)
        hashes[name] = digest.hexdigest()
    return hashes


def questions_hash(questions: Sequence[Any]) -> str:
    """Of ids and targets in their order: the same questions, whatever files they came in."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(repr((question.id, question.group, question.targets)).encode() + b"\n")
    return digest.hexdigest()
