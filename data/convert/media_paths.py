"""Resolves the media of converted records: finds, checks, decodes and copies them."""

import base64
import binascii
import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from data.complete_file import completed
from data.convert.frames import frames_in, write_film
from data.convert.media_names import CannotConvertError, Frames, MediaName
from data.samples.decoder import Decoder
from vlm.media.kinds import HEAD_BYTES, recognize

# The ending of a file for its reader (vlm/media/kinds.py).
ENDINGS = {
    "JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tiff",
    "HEIF": ".heic", "AVIF": ".avif", "mov": ".mp4", "matroska": ".webm", "avi": ".avi",
    "mpeg": ".mpg", "mpegts": ".ts", "yuv4mpegpipe": ".y4m",
}  # fmt: skip
MIN_BASE64 = 64  # characters; a shorter name that does not exist is a name


class OutsideError(ValueError):
    """The media are not in a folder that records can refer to."""


@dataclass(frozen=True)
class MediaPaths:
    """Paths of media for records in `folder`; only files inside `media` are used."""

    media: Path
    folder: Path
    copy: bool = False  # files outside `folder`, into folder/media/
    decoder: Decoder = field(default_factory=Decoder, compare=False)  # of the frames of films

    def __call__(self, kind: str, name: MediaName) -> str:
        """Returns the path of a file relative to the records' folder."""
        if isinstance(name, Frames):
            files = [self._find("frame", one) or self._decoded("image", one) for one in name.names]
            return self._film(files, name.per_second)
        path = self._find(kind, name)
        if path is None:
            return self._decoded(kind, name).relative_to(self.folder).as_posix()
        if kind == "video" and path.is_dir():
            frames = frames_in(path)
            if not frames:
                raise CannotConvertError(f"the folder {name} contains no frames (pictures)")
            return self._film(frames, Frames(()).per_second)
        if not path.is_file():
            raise CannotConvertError(f"the {kind} {name} is a folder in {self.media}")
        return self._named(path)

    def _find(self, kind: str, name: str) -> Path | None:
        """Returns the path of a file or folder inside `media`; None for base64."""
        if name.startswith("data:"):
            return None
        if "://" in name and not name.startswith("file://"):
            raise CannotConvertError(f"{name:.80} is a network address; download it first")
        root = self.media.resolve()
        try:
            found = [path for path in (root / one for one in _spellings(name)) if path.exists()]
            path = (found[0] if found else root / name.removeprefix("file://")).resolve()
        except (OSError, ValueError, RuntimeError):  # too long, a null byte, a circle of links
            if len(name) >= MIN_BASE64:
                return None
            raise CannotConvertError(f"the {kind} {name!r:.80} is not a path") from None
        if not path.is_relative_to(root):
            raise CannotConvertError(f"{name} is outside {self.media}; set its folder with --media")
        if not found:
            if len(name) >= MIN_BASE64 and recognize((_content(name) or b"")[:HEAD_BYTES]):
                return None
            raise CannotConvertError(f"the {kind} {name:.200} does not exist in {self.media}")
        return path

    def _named(self, path: Path) -> str:
        """The path of an existing file for a record, copied below its folder if necessary."""
        root, folder = self.media.resolve(), self.folder.resolve()
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
        if not self.copy:
            raise OutsideError(
                f"the media are in {self.media}, but records can only name files below their own "
                f"folder, {self.folder}: write the records there, or add --copy-media"
            )
        target = folder / "media" / path.relative_to(root)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(path, target)
        return target.relative_to(folder).as_posix()

    def _decoded(self, kind: str, name: str) -> Path:
        """Writes a file that the entry itself contains in base64."""
        head, comma, body = name.partition(",") if name.startswith("data:") else ("", "", name)
        if head and (not comma or "base64" not in head.split(";")):
            raise CannotConvertError(f"contains data that is not base64 ({head:.40})")
        content = _content(body)
        if content is None:
            raise CannotConvertError("contains data that is not valid base64")
        found = recognize(content[:HEAD_BYTES])
        if found is None or (kind == "image" and found.family == "video"):
            what = "a film" if found else "of an unsupported type"
            raise CannotConvertError(f"contains data for the {kind} that is {what}")
        target = self._below(hashlib.sha256(content).hexdigest()[:24] + ENDINGS[found.reader])
        if not target.exists():
            with completed(target) as unfinished:
                unfinished.write_bytes(content)
        return target

    def _film(self, frames: list[Path], per_second: float) -> str:
        """Writes a film of frames, named by their content."""
        digest = hashlib.sha256(str(per_second).encode())
        for path in frames:
            if not path.is_file():
                raise CannotConvertError(f"the frame {path.name} is a folder in {self.media}")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        target = self._below(f"frames-{digest.hexdigest()[:24]}.mp4")
        if not target.exists():
            write_film(frames, per_second, target, self.decoder)
        return target.relative_to(self.folder).as_posix()

    def _below(self, name: str) -> Path:
        return self.folder / "media" / name


def _spellings(name: str) -> list[str]:
    """Returns a name as it is, as the path of a file address, and with Windows' separators."""
    plain = name
    if name.startswith("file://"):
        plain = name.removeprefix("file://").removeprefix("localhost")
    found = [plain, unquote(plain)] if plain != name else [plain]
    return [*found, *(one.replace("\\", "/") for one in found if "\\" in one)]


def _content(body: str) -> bytes | None:
    """Decodes base64, with line breaks or without padding as well; None if it is not."""
    body = "".join(body.split())
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _link_or_copy(path: Path, target: Path) -> None:
    """Makes a hard link if the disk allows it, else a copy."""
    try:
        os.link(path, target)
    except OSError:
        with completed(target) as unfinished:
            shutil.copyfile(path, unfinished)
