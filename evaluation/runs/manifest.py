"""The manifest beside a log: records what is needed to explain why two results differ.

`identity` holds everything that determines the answers (model, data, prompts, settings); a run is
resumed only if it is equal. `media` holds the fingerprints of the videos, images and subtitles of
the questions; those of answered questions must be equal. `runs` lists the sessions: versions,
machine, processes, start time.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.json_files import read_json, write_json

NAME = "manifest.json"
LATER = "protocol"  # the part of an identity that older versions did not record
PACKED = " packed in "  # joins the names of a file and of its archive
MISSING = "missing"  # the fingerprint of a file that does not exist
CHUNK = 2**22  # bytes hashed at a time


def write_or_check(
    folder: Path,
    identity: Mapping[str, Any],
    around: Mapping[str, Any],
    media: Mapping[str, str],
    answered: Collection[str],
) -> str:
    """Writes the manifest of a run, or adds a session to that of the same run.

    `media` are fingerprints by file name, `answered` the names of the files of answered questions.
    Returns a remark on what could not be checked, or an empty text. Raises ValueError if the folder
    holds a run with another identity or other files.
    """
    path = folder / NAME
    history: list[Any] = []
    recorded: dict[str, str] = {}
    remark = ""
    if path.is_file():
        known = read(folder)
        different = list(differences(known["identity"], identity))
        recorded = known.get("media", {})
        fixed = [name for name in sorted(recorded) if name.partition(PACKED)[0] in answered]
        different += [
            f"{name} has changed"
            for name in fixed
            if _changed(name, recorded[name], media.get(name, MISSING))
        ]
        if different:
            raise ValueError(
                f"{folder} holds a run with other settings or files ({'; '.join(different[:4])}):"
                " choose another --out, or delete that folder to start over."
            )
        if LATER not in known["identity"] or "media" not in known:
            remark = (
                f"{folder} was begun by a version that recorded no fingerprints of prompts and"
                " media, so whether they changed since is unknown."
            )
        history = known["runs"]
    kept = {
        name: text
        for name, text in recorded.items()
        if name.partition(PACKED)[0] in answered or name not in media
    }
    write_json(path, {"identity": identity, "media": {**media, **kept}, "runs": [*history, around]})
    return remark


def _changed(name: str, recorded: str, now: str) -> bool:
    """A video or archive that was removed after its questions were answered changes no answer;
    subtitles may, since later questions about the video would be asked without them.
    """
    if now == MISSING and (PACKED in name or not name.startswith("subtitles")):
        return False
    return now != recorded


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
        if key == LATER and not (key in first and key in second):
            continue  # recorded by an older version
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
