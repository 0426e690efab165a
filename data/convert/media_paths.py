"""Resolves the media of converted records: finds, checks and copies them below the records."""

import base64
import binascii
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from data.convert.parts import CannotConvertError

ENDINGS = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/jpg": ".jpg", "image/webp": ".webp",
    "image/gif": ".gif", "video/mp4": ".mp4", "video/webm": ".webm",
}  # fmt: skip


class OutsideError(ValueError):
    """The media are not in a folder that records can refer to."""


@dataclass(frozen=True)
class MediaPaths:
    """Paths of media for records in `folder`; only files inside `media` are used."""

    media: Path
    folder: Path
    copy: bool = False  # files outside `folder`, into folder/media/

    def __call__(self, kind: str, name: str) -> str:
        """The path of a file relative to the records' folder."""
        if name.startswith("data:"):
            return self._written(name)
        name = name.removeprefix("file://")
        if "://" in name:
            raise CannotConvertError(f"{name:.80} is a network address; download it first")
        root, folder = self.media.resolve(), self.folder.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise CannotConvertError(f"{name} is outside {self.media}; set its folder with --media")
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise CannotConvertError(f"the {kind} {name} {what} in {self.media}")
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

    def _written(self, address: str) -> str:
        """Writes a file that the entry itself contains in base64."""
        head, comma, body = address.partition(",")
        kind = head.removeprefix("data:").removesuffix(";base64")
        if not comma or not head.endswith(";base64") or kind not in ENDINGS:
            raise CannotConvertError(f"contains data of an unsupported type ({head:.40})")
        try:
            content = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise CannotConvertError("contains data that is not valid base64") from None
        name = hashlib.sha256(content).hexdigest()[:24] + ENDINGS[kind]
        target = self.folder / "media" / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(name + ".part")
            unfinished.write_bytes(content)
            unfinished.replace(target)
        return f"media/{name}"


def _link_or_copy(path: Path, target: Path) -> None:
    """Makes a hard link if the disk allows it, else a copy."""
    try:
        os.link(path, target)
    except OSError:
        unfinished = target.with_name(target.name + ".part")
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
