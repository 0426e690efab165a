"""The weights of a model's folder: names and shapes first, then tensor by tensor.

A folder holds one file, or several (shards) with an index that says which tensor is where. Nothing
but safetensors is opened. Tensors are mapped from the file, so what is not touched is not read,
and pages that were read can be given back: a folder of any size can be walked through.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from vlm.weights.io.files import WeightsError, why_unreadable
from vlm.weights.io.rename import Shape, few

if TYPE_CHECKING:
    from torch import Tensor

FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.pkl")


class Shards:
    """All tensors of a folder by name. Raises WeightsError with the file that is at fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = weight_files(folder)
        self.file_of: dict[str, Path] = {}
        self.shapes: dict[str, Shape] = {}
        self.dtypes: dict[str, str] = {}  # as safetensors calls them: BF16, F32
        self._open: dict[Path, Any] = {}
        for path in self.files:
            self._read_header(path)
        self._compare_with_index()

    def get(self, name: str) -> Tensor:
        """One tensor, mapped from its file."""
        path = self.file_of[name]
        if path not in self._open:
            self.close()  # one file at a time: the pages of the others can go
            self._open[path] = _opened(path)
        return self._open[path].get_tensor(name)

    def close(self) -> None:
        """Let go of the files; tensors that are still in use keep theirs."""
        self._open.clear()

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(path.stat().st_size for path in self.files)

    def _read_header(self, path: Path) -> None:
        file = _opened(path)
        for name in file.keys():  # noqa: SIM118
            if name in self.file_of:
                raise WeightsError(
                    f"{path}: the tensor {name} is in {self.file_of[name].name} as well. Download"
                    " the folder again, into an empty place."
                )
            part = file.get_slice(name)
            self.file_of[name] = path
            self.shapes[name] = tuple(part.get_shape())
            self.dtypes[name] = str(part.get_dtype())

    def _compare_with_index(self) -> None:
        where = read_index(self.folder)
        lost = [n for n, file in where.items() if self.file_of.get(n) != self.folder / file]
        if lost:
            raise WeightsError(
                f"{self.folder / INDEX}: these tensors are not where the index says: {few(lost)}."
                " Download the folder again."
            )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder, in order; raises WeightsError where there are none."""
    if not folder.is_dir():
        raise WeightsError(f"{folder}: there is no such folder.")
    shards = sorted(set(read_index(folder).values()))
    missing = [name for name in shards if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"{folder}: {len(missing)} of {len(shards)} files of weights are missing:"
            f" {few(missing)}. Download them."
        )
    if shards:
        return [folder / name for name in shards]
    if (folder / FILE).is_file():
        return [folder / FILE]
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise WeightsError(
            f"{folder}: the weights are pickles ({few(pickles, 3)}), which can run code when they"
            " are opened, so they are not opened here. Ask for the weights as safetensors."
        )
    stray = sorted(path.name for path in folder.glob("*.safetensors"))
    if stray:
        raise WeightsError(
            f"{folder}: there are {few(stray, 3)}, but neither {FILE} nor {INDEX} that says what"
            " they hold. Download the index."
        )
    raise WeightsError(f"{folder}: there are no weights (no {FILE}, no {INDEX}).")


def read_index(folder: Path) -> Mapping[str, str]:
    """Which tensor is in which file; empty where there is no index."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    try:
        where = json.loads(path.read_bytes())["weight_map"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path}: {why_unreadable(path, 'an index of weights')}") from error
    if not isinstance(where, dict) or not all(
        isinstance(file, str) and file == Path(file).name and file.endswith(".safetensors")
        for file in where.values()
    ):
        raise WeightsError(
            f"{path}: weight_map must name safetensors files of the same folder, and it does not."
        )
    return where


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {why_unreadable(path)}") from error
