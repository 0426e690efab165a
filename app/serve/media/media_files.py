"""Turns the media of a request into files of its own folder, which ends with the request.

A file is named after its place ("video 1"), so no error repeats a client's path or address. Only
data and uploaded files become files, and what the operator opens: addresses of a named host, and
files below one folder, by `file://` or their paths.
"""

import asyncio
import base64
import binascii
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.serve.answer.admission import Lease
from app.serve.errors import APIError, invalid
from app.serve.limits import ServeLimits
from app.serve.media.file_store import FileStore
from app.serve.media.remote import Fetcher
from app.serve.metrics import Metrics
from app.serve.request.parts import MediaPart
from vlm.assistant import MediaSource

SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30}):", re.IGNORECASE)
HEADER = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
FILE_ID = re.compile(r"file-[\w-]{0,90}")  # base64 has no hyphen


class MediaFiles:
    """Saves the media of requests, each below `folder`."""

    def __init__(
        self,
        folder: Path,
        store: FileStore,
        fetcher: Fetcher,
        limits: ServeLimits,
        file_bytes: int,
        metrics: Metrics,
        media_folder: Path | None = None,
    ) -> None:
        """`media_folder` holds what `file://` may name; None: nothing."""
        self.folder, self.store, self.fetcher, self.limits = folder, store, fetcher, limits
        self.media_folder = None if media_folder is None else media_folder.resolve()
        self.file_bytes = file_bytes
        self.metrics = metrics
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def save(self, parts: Sequence[MediaPart], owner: str, lease: Lease) -> list[MediaSource]:
        """Returns a file for each part; they are deleted when the lease ends."""
        if not parts:
            return []
        own = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.folder))
        lease.cleanup.callback(shutil.rmtree, own, ignore_errors=True)
        sources = []
        for number, part in enumerate(parts, 1):
            try:
                sources.append(await self._one(part, own / f"{part.kind} {number}", owner))
            except APIError as error:
                self.metrics.refused(error.code or "invalid_value")
                raise
            except ValueError as error:  # times or sections that contradict each other
                self.metrics.refused("invalid_value")
                raise invalid(str(error), part.where) from None
        return sources

    async def _one(self, part: MediaPart, path: Path, owner: str) -> MediaSource:
        files = [path]
        if part.times:
            files = [path.with_name(f"{path.name}, frame {i + 1}") for i in range(len(part.times))]
        for address, target in zip(part.addresses, files, strict=True):
            await self._save(address, target, part, owner)
        return MediaSource(
            path,
            part.num_frames or len(part.times) or None,  # of listed frames all, if the model can
            part.fps,
            part.start,
            part.end,
            part.looks,
            part.max_tiles,
            tuple(files) if part.times else (),
            part.times,
        )

    async def _save(self, address: str, target: Path, part: MediaPart, owner: str) -> None:
        scheme = SCHEME.match(address[:40])
        if FILE_ID.fullmatch(address[:100]):
            stored = self.store.path(address, owner)
            if stored is None or not _linked(stored, target):
                sentence = f"{part.where}: there is no file {address}; upload it to /v1/files."
                raise APIError(404, sentence, code="file_not_found", param=part.where)
        elif self.media_folder is not None and address.startswith("/") and "." in address:
            target.symlink_to(_below(self.media_folder, address, part.where))  # not base64: a dot
        elif scheme is None:
            await asyncio.to_thread(self._write, address, target, part.where)
        elif scheme[1].lower() == "data":
            header = HEADER.match(address[:300])
            if header is None or not header[0].lower().endswith(";base64,"):
                sentence = f"{part.where}: a data URL must be data:TYPE;base64,DATA."
                raise invalid(sentence, part.where, "invalid_media")
            data = address[header.end() :]
            await asyncio.to_thread(self._write, data, target, part.where)
        elif scheme[1].lower() == "file" and self.media_folder is not None:
            url = urlsplit(address)
            path = unquote(url.path) if url.netloc in ("", "localhost") else ""
            target.symlink_to(_below(self.media_folder, path, part.where))
        else:
            await self.fetcher.fetch(address, target, part.where, self.file_bytes)

    def _write(self, data: str, target: Path, where: str) -> None:
        if len(data) * 3 // 4 > self.file_bytes:
            sentence = f"{where} exceeds {self.file_bytes / 2**20:.0f} MB."
            raise APIError(413, sentence, code="media_too_large", param=where)
        try:
            content = base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            sentence = f"{where} is neither a data URL, an allowed address nor base64."
            raise invalid(sentence, where, "invalid_media") from None
        if not content:
            raise invalid(f"{where} is empty.", where, "invalid_media")
        target.write_bytes(content)


def _linked(stored: Path, target: Path) -> bool:
    """Links a file, which then stays readable if it is deleted; False if it is gone already."""
    try:
        os.link(stored, target)
    except FileNotFoundError:
        return False
    return True


def _below(folder: Path, name: str, where: str) -> Path:
    """Returns a file by its absolute path. Raises APIError unless it is below the folder.

    Links are followed first. The same words for a file that is missing and one that is elsewhere:
    so nobody learns which files exist.
    """
    try:
        path = Path(name).resolve()
        found = bool(name) and path.is_relative_to(folder) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # a name that is too long, a zero byte, a loop
        found = False
    if not found:
        sentence = f"{where}: there is no such file in this server's media folder."
        raise APIError(404, sentence, code="file_not_found", param=where)
    return path
