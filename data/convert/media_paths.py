"""Where the media of a converted record lie: found, checked, and brought below the records."""

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
    """The media do not lie where records can name them."""


@dataclass(frozen=True)
class Placer:
    """Names media for records in `folder`; files come from `media` and nowhere else."""

    media: Path
    folder: Path
    copy: bool = False  # those that lie elsewhere, into folder/media/

    def __call__(self, kind: str, name: str) -> str:
        """The path that a record gives this file."""
        if name.startswith("data:"):
            return self._written(name)
        name = name.removeprefix("file://")
        if "://" in name:
            raise CannotConvertError(f"{name:.80} is an address on the network; download it first")
        root, folder = self.media.resolve(), self.folder.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise CannotConvertError(f"{name} lies outside {self.media} (--media says where it is)")
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise CannotConvertError(f"the {kind} {name} {what} in {self.media}")
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
        if not self.copy:
            raise OutsideError(
                f"the media lie in {self.media}, but records may only name files below their own "
                f"folder, {self.folder}: write the records there, or add --copy-media"
            )
        target = folder / "media" / path.relative_to(root)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(path, target)
        return target.relative_to(folder).as_posix()

    def _written(self, address: str) -> str:
        """A file that the entry itself holds, in base64."""
        head, comma, body = address.partition(",")
        kind = head.removeprefix("data:").removesuffix(";base64")
        if not comma or not head.endswith(";base64") or kind not in ENDINGS:
            raise CannotConvertError(f"holds data of a kind that is not read here ({head:.40})")
        try:
            content = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise CannotConvertError("holds data that are not base64") from None
        name = hashlib.sha256(content).hexdigest()[:24] + ENDINGS[kind]
        target = self.folder / "media" / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(name + ".part")
            unfinished.write_bytes(content)
            unfinished.replace(target)
        return f"media/{name}"


def _link_or_copy(path: Path, target: Path) -> None:
    """The same file under another name where the disk allows it, else a copy."""
    try:
        os.link(path, target)
    except OSError:
        unfinished = target.with_name(target.name + ".part")
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
