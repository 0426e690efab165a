"""Reads Qt's binary resource files (.rcc): a tree of names and files, some compressed by zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_COMPRESSED, _DIRECTORY = 1, 2  # flags of a node; zstd (4) does not occur here


def read_qt_resources(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yields (path, content) of every file inside."""
    blob = path.read_bytes()
    if blob[:4] != b"qres":
        raise ValueError(f"{path} is not a Qt resource file.")
    version, tree, data, names = struct.unpack_from(">4I", blob, 4)
    node_size = 14 if version < 2 else 22

    def walk(node: int, parents: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        at = tree + node * node_size
        name_at, flags = struct.unpack_from(">IH", blob, at)
        if node:  # the root has no name of its own
            (length,) = struct.unpack_from(">H", blob, names + name_at)
            start = names + name_at + 6  # length and hash come before the UTF-16 name
            parents = (*parents, blob[start : start + 2 * length].decode("utf-16-be"))
        if flags & _DIRECTORY:
            count, first = struct.unpack_from(">II", blob, at + 6)
            for child in range(first, first + count):
                yield from walk(child, parents)
            return
        (offset,) = struct.unpack_from(">I", blob, at + 10)
        (size,) = struct.unpack_from(">I", blob, data + offset)
        content = blob[data + offset + 4 : data + offset + 4 + size]
        # Qt writes the unpacked size before zlib's own stream.
        yield "/".join(parents), zlib.decompress(content[4:]) if flags & _COMPRESSED else content

    yield from walk(0, ())
