"""The files that a command line names: single ones, and all media in folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.sanitize import whole_characters
from vlm.media.confined.limits import DEFAULT_LIMITS, MediaError
from vlm.media.kinds import HEAD_BYTES, recognize
from vlm.media.source import display_name, open_regular

# Of files that are surely meant, so that an empty or broken one is not passed over in silence.
FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
PICTURES = (".gif", ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class NamedClip:
    """A file, and its name among the others: its path below the folder that holds them all."""

    name: str
    path: Path


def refuse_address(name: str) -> None:
    """Raises ValueError for a web address in place of a file."""
    if "://" in name and not Path(name).exists():
        raise ValueError(f"{name}: web addresses are not fetched; download the file and name it.")


def find_clips(items: Sequence[str]) -> list[NamedClip]:
    """Returns the files named, and those in folders and their subfolders that start as media do.

    Each once, in order. Raises ValueError for an item that is missing or has no media.
    """
    paths: dict[Path, None] = {}
    for item in items:
        refuse_address(item)
        path = _absolute(item)
        if path.is_dir():
            shown = (f for f in sorted(path.rglob("*")) if not _hidden(f.relative_to(path)))
            inside = [file for file in shown if is_media(file)]
            if not inside:
                raise ValueError(f"{item}: there is no video or image in this folder.")
            paths |= dict.fromkeys(inside)
        elif not path.exists():
            raise ValueError(f"{item}: no such file or folder.")
        else:
            paths[path] = None
    parents = [path if path.is_dir() else path.parent for path in map(_absolute, items)]
    root = Path(os.path.commonpath(parents))
    clips = [NamedClip(whole_characters(p.relative_to(root).as_posix()), p) for p in paths]
    names = [clip.name for clip in clips]
    if double := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two files have the name {min(double)}; rename one.")
    return clips


def is_media(path: Path) -> bool:
    """Returns whether a file in a folder is taken: by its first bytes, whatever its name.

    One that cannot be opened is taken too, so that the reason is reported, and so is one whose
    name is that of a film or a picture and whose content is neither.
    """
    if not path.is_file():
        return False
    try:
        with open_regular(path, DEFAULT_LIMITS, display_name(path)) as fd:
            known = recognize(os.pread(fd, HEAD_BYTES, 0)) is not None
            return known or path.suffix.lower() in FILMS + PICTURES
    except MediaError:
        return True


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _absolute(item: str) -> Path:
    return Path(os.path.abspath(item))
