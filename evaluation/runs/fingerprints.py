"""Fingerprints of what a run shows the model: prompts, videos, images and subtitles.

A log must not hold answers to two versions of a question. The manifest keeps these fingerprints,
and `evaluation.runs.manifest` refuses to continue a run if one of an answered question changed.
Dates are not part of them: a copied file is the same file.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from evaluation.benchmarks.base import SUBTITLES, Benchmark, Options, Question
from evaluation.benchmarks.packed_media import Member
from evaluation.runs.manifest import MISSING, PACKED
from vlm.conversation import Text

WHOLE = 2**22  # bytes of a file up to which all of it is hashed
HEAD = 2**20  # bytes hashed of a larger one, together with its size
Source = Path | Member | Sequence[Path] | None


def prompts_hash(benchmark: Benchmark, questions: Sequence[Question], options: Options) -> str:
    """Hashes the wording of all prompts, as they are without captions."""
    digest = hashlib.sha256()
    for question in questions:
        composed = benchmark.wording(question, options)
        text = tuple(part.text for part in composed.parts if isinstance(part, Text))
        place = tuple(isinstance(part, str) for part in question.parts)
        wording = (question.id, composed.system, composed.reply, text, place, question.options)
        digest.update(repr(wording).encode("utf-8", "backslashreplace") + b"\n")
    return digest.hexdigest()


def files_of(
    benchmark: Benchmark, questions: Sequence[Question], options: Options, folder: Path
) -> dict[str, dict[str, Source]]:
    """Returns question id -> name -> location of the files that the question shows."""

    def named(source: Source, name: str) -> str:
        path = source.target if isinstance(source, Member) else source
        if isinstance(path, Path) and not name.startswith(SUBTITLES):
            return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
        return name

    return {
        question.id: {
            named(source, name): source
            for name, source in benchmark.files(question, options).items()
        }
        for question in questions
    }


def fingerprints(files: Mapping[str, Source]) -> dict[str, str]:
    """Returns name -> size and hash; "missing" for a file that does not exist.

    A file of an archive has a second entry for its member there: an archive may be exchanged while
    files unpacked from the old one remain.
    """
    archives: dict[Path, zipfile.ZipFile] = {}
    found: dict[str, str] = {}
    try:
        for name, source in sorted(files.items(), key=lambda item: item[0]):
            found[name] = _or_missing(_fingerprint, source, archives)
            if isinstance(source, Member):
                packed = f"{name}{PACKED}{source.archive.name}"
                found[packed] = _or_missing(_of_member, source, archives)
    finally:
        for archive in archives.values():
            archive.close()
    return found


def _or_missing(read: Callable[..., str], *more: Any) -> str:
    try:
        return read(*more)
    except (OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return MISSING  # the sample fails with the reason


def _fingerprint(source: Source, archives: dict[Path, zipfile.ZipFile]) -> str:
    if source is None:
        return MISSING
    if isinstance(source, Member) and source.target.is_file():  # already unpacked
        source = source.target
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _of_stream(file, source.stat().st_size)
    if isinstance(source, Member):
        packed = _archive(source, archives)
        with packed.open(source.name) as file:
            return _of_stream(file, packed.getinfo(source.name).file_size)
    return _of_frames(source)


def _of_member(source: Member, archives: dict[Path, zipfile.ZipFile]) -> str:
    """Reads only the archive's directory, which has a checksum of each file."""
    about = _archive(source, archives).getinfo(source.name)
    return f"{about.file_size}-{about.CRC:08x}"


def _archive(source: Member, archives: dict[Path, zipfile.ZipFile]) -> zipfile.ZipFile:
    if source.archive not in archives:
        archives[source.archive] = zipfile.ZipFile(source.archive)
    return archives[source.archive]


def _of_stream(file: IO[bytes], size: int) -> str:
    digest = hashlib.sha256(file.read(size if size <= WHOLE else HEAD)).hexdigest()[:32]
    return f"{size}-{digest}"


def _of_frames(paths: Sequence[Path]) -> str:
    """Hashes names and sizes of a folder of frames, and the contents of the first and last."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    for path in (paths[0], paths[-1]):
        digest.update(path.read_bytes()[:HEAD])
    return f"{len(paths)} frames-{digest.hexdigest()[:32]}"
