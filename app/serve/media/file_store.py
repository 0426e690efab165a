"""Uploaded files: each belongs to the key that sent it, counts to its quota, and expires."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.serve.errors import APIError
from app.serve.limits import ServeLimits

GIGABYTE = 2**30
PURPOSES = ("user_data", "vision", "assistants", "evals")


@dataclass(frozen=True)
class StoredFile:
    """One upload. Times in seconds since 1970."""

    id: str
    owner: str
    name: str
    purpose: str
    num_bytes: int
    created: float
    expires: float

    @property
    def record(self) -> dict[str, Any]:
        """The object that OpenAI's clients read."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.num_bytes,
            "created_at": int(self.created),
            "expires_at": int(self.expires),
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


class FileStore:
    """Files below one folder. They end with the server, which keeps no record of them."""

    def __init__(
        self, folder: Path, limits: ServeLimits, now: Callable[[], float] = time.time
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.limits, self._now = folder, limits, now
        self._files: dict[str, StoredFile] = {}
        self._reserved: dict[str, int] = {}  # bytes of uploads in progress, by owner
        self._lock = threading.Lock()

    def used(self, owner: str) -> int:
        """Returns the bytes of an owner's files, those arriving included."""
        with self._lock:
            return self._used(owner)

    def reserve(self, owner: str, num_bytes: int) -> None:
        """Takes room for an upload. Raises APIError if it exceeds the quota or the disk."""
        self.delete_expired()
        with self._lock:
            if self._used(owner) + num_bytes > self.limits.quota:
                sentence = f"this key's files would exceed {self.limits.quota / 2**30:.1f} GB;"
                raise APIError(413, f"{sentence} delete some first.", code="quota_exceeded")
            if shutil.disk_usage(self.folder).free < num_bytes + GIGABYTE:
                raise APIError(507, "the server's disk has no room for this.", code="disk_full")
            self._reserved[owner] = self._reserved.get(owner, 0) + num_bytes

    def release(self, owner: str, num_bytes: int) -> None:
        """Returns room that was reserved."""
        with self._lock:
            self._reserved[owner] -= num_bytes
            if not self._reserved[owner]:
                del self._reserved[owner]

    def incoming(self) -> Path:
        """Returns a path to write an upload to."""
        return self.folder / f"arriving-{secrets.token_hex(8)}"

    def keep(
        self, arrived: Path, owner: str, name: str, purpose: str, lifetime: float
    ) -> StoredFile:
        """Stores a complete upload."""
        now, key = self._now(), f"file-{secrets.token_hex(12)}"
        num_bytes = arrived.stat().st_size
        os.replace(arrived, self.folder / key)
        file = StoredFile(key, owner, name, purpose, num_bytes, now, now + lifetime)
        with self._lock:
            self._files[key] = file
        return file

    def get(self, key: str, owner: str) -> StoredFile | None:
        """Returns a file of this owner; None if missing, expired or someone else's."""
        self.delete_expired()
        with self._lock:
            file = self._files.get(key)
        return file if file is not None and file.owner == owner else None

    def path(self, key: str, owner: str) -> Path | None:
        """Returns where the content of a file of this owner lies."""
        file = self.get(key, owner)
        return None if file is None else self.folder / file.id

    def all(self, owner: str) -> list[StoredFile]:
        """Returns the files of this owner, newest first."""
        self.delete_expired()
        with self._lock:
            own = [file for file in self._files.values() if file.owner == owner]
        return sorted(own, key=lambda file: file.created, reverse=True)

    def delete(self, key: str, owner: str) -> bool:
        """Deletes a file of this owner; returns whether there was one."""
        if self.get(key, owner) is None:
            return False
        with self._lock:
            self._files.pop(key, None)
        (self.folder / key).unlink(missing_ok=True)
        return True

    def delete_expired(self) -> None:
        """Deletes files past their lifetime."""
        with self._lock:
            now = self._now()
            old = [key for key, file in self._files.items() if file.expires <= now]
            for key in old:
                del self._files[key]
        for key in old:
            (self.folder / key).unlink(missing_ok=True)

    def _used(self, owner: str) -> int:
        stored = sum(file.num_bytes for file in self._files.values() if file.owner == owner)
        return stored + self._reserved.get(owner, 0)
