"""A folder of tensors by name, trimmed to its limit: what was used longest ago goes first.

For what costs more to make again than to read: decoded squares (data/samples/frame_cache.py) and
what a frozen backbone says of a picture (training/model/feature_cache.py). Files are written beside
and renamed, so several processes may share a folder; one that cannot be read is made anew.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


@dataclass(frozen=True)
class DiskCache:
    """Files of tensors and facts, about `num_bytes` in all: trimmed now and then."""

    folder: Path
    num_bytes: int

    def path(self, name: str) -> Path:
        """Where what has this name, a digest in hexadecimal, belongs."""
        return self.folder / name[:2] / f"{name}.safetensors"

    def get(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The tensors and facts of this name, or None."""
        path = self.path(name)
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                facts = json.loads(file.metadata()["facts"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            os.utime(path)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            return None
        return tensors, facts

    def put(
        self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None
    ) -> None:
        """Keep these under this name; on a full disk nothing is kept, and nothing is wrong."""
        path = self.path(name)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        whole = {key: tensor.contiguous() for key, tensor in tensors.items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(whole, unfinished, metadata={"facts": json.dumps(facts or {})})
            unfinished.replace(path)
        except (OSError, SafetensorError):
            unfinished.unlink(missing_ok=True)
            return
        if name.startswith("00"):  # about each 256th time, for it looks at every file
            self.trim()

    def trim(self) -> None:
        """Remove what was used longest ago until the folder is within its limit."""
        files = self._files()
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.num_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def size(self) -> int:
        """Bytes that it takes now."""
        return sum(size for _, size, _ in self._files())

    def _files(self) -> list[tuple[float, int, Path]]:
        """When each file was last used, its bytes, and where it is."""
        files = []
        for path in self.folder.glob("*/*.safetensors"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process was quicker
                continue
            files.append((status.st_mtime, status.st_size, path))
        return files
