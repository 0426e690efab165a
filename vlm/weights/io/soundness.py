"""Refuses weights that load without an error but compute nonsense.

These are integers that no quantization explains, NaN, infinite or absurdly large numbers, and files
that changed since they were written. A flipped bit is found by the checksum, if the folder has a
manifest; without one only if it makes a number absurdly large.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.cache import MANIFEST
from vlm.weights.io.files import WeightsError, sha256
from vlm.weights.io.rename import first_few

if TYPE_CHECKING:
    from torch import nn

    from vlm.weights.io.shards import Shards

FLOATS = {"F64", "F32", "F16", "BF16"}
# Trained weights stay below a thousand; one flipped bit of an exponent makes 1e36.
LARGEST = 1e10


def integer_tensors(shards: Shards) -> list[str]:
    """Returns the tensors that are not floating-point numbers, with their format.

    Single integers are left out: they count steps.
    """
    return [
        f"{name} ({dtype})"
        for name, dtype in shards.dtypes.items()
        if dtype not in FLOATS and shards.shapes[name]
    ]


def check_formats(shards: Shards) -> None:
    """Raises WeightsError for integers in a folder whose config names no quantization."""
    strange = integer_tensors(shards)
    if strange:
        raise WeightsError(
            f"{shards.folder}: these weights are not floating-point numbers, and config.json has no"
            f" quantization_config that explains them: {first_few(strange)}. Use the unquantized"
            " weights; --quantize makes them smaller."
        )


def check_numbers(model: nn.Module, folder: Path) -> None:
    """Raises WeightsError that names a tensor with NaN, infinite or absurdly large numbers."""
    import torch
    from torch import nn

    for name, tensor in model.state_dict().items():
        plain = type(tensor) in (torch.Tensor, nn.Parameter)  # not quantized, not sharded
        if not (plain and tensor.is_floating_point() and tensor.numel()) or tensor.is_meta:
            continue
        low, high = (float(value) for value in torch.aminmax(tensor))  # NaN if any of them is
        if not -LARGEST < low <= high < LARGEST:
            found = "NaN" if low != low else f"{max(low, high, key=abs):.3g}"
            raise WeightsError(
                f"{folder}: the tensor {name} holds {found}, so every answer would be nonsense."
                " Download or save the weights again."
            )


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Compares the weight files with the folder's manifest, if any, while the body loads them.

    Raises WeightsError for a file that changed since it was written.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="checksums") as pool:
        comparison = pool.submit(_changed, folder)
        yield
        changed = comparison.result()
    if changed:
        raise WeightsError(
            f"{folder / changed}: the file changed since it was written. Copy or make the folder"
            f" again; if the change was intended, delete {MANIFEST} beside it."
        )


def _changed(folder: Path) -> str:
    """Returns the first weight file that differs from the manifest, "" if none or no manifest."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        known = {name: facts["sha256"] for name, facts in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    for path in sorted(folder.glob("*.safetensors")):
        if path.name in known and sha256(path) != known[path.name]:
            return path.name
    return ""
