"""Keys and values of earlier positions: a value that is passed in and returned."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class KeyValues:
    """Keys and values of one attention, each [B, heads, L, dim per head]."""

    keys: Tensor
    values: Tensor

    def __len__(self) -> int:
        return self.keys.shape[2]
