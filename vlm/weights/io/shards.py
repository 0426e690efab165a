"""Reads the weights of a model folder: names and shapes first, then tensor by tensor.

A folder holds one file, or several (shards) with an index from tensor names to files. Only
safetensors files are opened. Tensors are memory-mapped, so untouched ones are not read and pages
can be released: a folder of any size can be traversed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from vlm.weights.io.files import WeightsError, likely_cause
from vlm.weights.io.rename import Shape, first_few

if TYPE_CHECKING:
    from torch import Tensor

FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.pkl")


class Shards:
    """All tensors of a folder by name. Raises WeightsError that names the broken file."""

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
        """Returns one tensor, memory-mapped from its file."""
        path = self.file_of[name]
        if path not in self._open:
            self.close()  # one file at a time, so that the pages of the others can be released
            self._open[path] = _opened(path)
        return self._open[path].get_tensor(name)

    def close(self) -> None:
        """Closes the files; tensors in use keep theirs mapped."""
        self._open.clear()

    @property
    def bytes(self) -> int:
        """Total size of the files."""
        return sum(path.stat().st_size for path in self.files)

    def _read_header(self, path: Path) -> None:
        file = _opened(path)
        for name in file.keys():  # noqa: SIM118
            if name in self.file_of:
                raise WeightsError(
                    f"{path}: the tensor {name} is also in {self.file_of[name].name}. Download the"
                    " folder again, into an empty one."
                )
            part = file.get_slice(name)
            self.file_of[name] = path
            self.shapes[name] = tuple(part.get_shape())
            self.dtypes[name] = str(part.get_dtype())

    def _compare_with_index(self) -> None:
        index = read_index(self.folder)
        lost = [n for n, file in index.items() if self.file_of.get(n) != self.folder / file]
        if lost:
            raise WeightsError(
                f"{self.folder / INDEX}: these tensors are not in the files that the index names:"
                f" {first_few(lost)}. Download the folder again."
            )


def saved_dtype(shards: Shards) -> Any:
    """Returns torch's dtype of the weights, the narrowest that occurs. Raises WeightsError."""
    import torch

    known = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
    dtypes = set(shards.dtypes.values())
    strange = sorted(dtypes - known.keys())
    if strange:
        raise WeightsError(
            f"{shards.folder}: the weights are stored as {', '.join(strange)}, but only BF16, F16"
            " and F32 can be read. Ask for the unquantized weights."
        )
    return known[min(dtypes, key=list(known).index)] if dtypes else torch.float32


def weight_files(folder: Path) -> list[Path]:
    """Returns the safetensors files of a folder, in order. Raises WeightsError if it has none."""
    if not folder.is_dir():
        raise WeightsError(f"{folder}: there is no such folder.")
    shards = sorted(set(read_index(folder).values()))
    missing = [name for name in shards if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"{folder}: {len(missing)} of {len(shards)} weight files are missing:"
            f" {first_few(missing)}. Download them."
        )
    if shards:
        return [folder / name for name in shards]
    if (folder / FILE).is_file():
        return [folder / FILE]
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise WeightsError(
            f"{folder}: the weights are pickles ({first_few(pickles, 3)}), which can run code when"
            " opened, so they are refused. Ask for the weights as safetensors."
        )
    stray = sorted(path.name for path in folder.glob("*.safetensors"))
    if stray:
        raise WeightsError(
            f"{folder}: it has {first_few(stray, 3)}, but neither {FILE} nor {INDEX}, which lists"
            " their tensors. Download the index."
        )
    raise WeightsError(f"{folder}: it has no weights (no {FILE}, no {INDEX}).")


def read_index(folder: Path) -> Mapping[str, str]:
    """Returns the file of each tensor; empty if there is no index."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    try:
        index = json.loads(path.read_bytes())["weight_map"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path}: {likely_cause(path, 'an index of weights')}") from error
    if not isinstance(index, dict) or not all(
        isinstance(file, str) and file == Path(file).name and file.endswith(".safetensors")
        for file in index.values()
    ):
        raise WeightsError(f"{path}: weight_map must name safetensors files of the same folder.")
    return index


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {likely_cause(path)}") from error
