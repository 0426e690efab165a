"""Stands where the language model is in torch: its config, and embeddings read from a GGUF file."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

TABLE = "token_embd.weight"


class GGUFEmbedding(nn.Module):
    """The rows of the embedding table, as llama.cpp reads them; the file is memory-mapped."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        import gguf

        table = next(tensor for tensor in gguf.GGUFReader(path).tensors if tensor.name == TABLE)
        self._rows, self._type = table.data, table.tensor_type

    def forward(self, ids: Tensor) -> Tensor:
        """ids [...] -> embeddings [..., D] in float32."""
        import gguf

        unique, places = np.unique(ids.numpy(), return_inverse=True)
        rows = gguf.quants.dequantize(np.ascontiguousarray(self._rows[unique]), self._type)
        found = torch.from_numpy(np.array(rows, np.float32))
        return found[torch.from_numpy(places).reshape(ids.shape)]


class GGUFText(nn.Module):
    """A language model whose weights llama.cpp holds."""

    def __init__(self, config: Any, path: Path) -> None:
        super().__init__()
        self.config, self.path = config, path
        self.embeddings = GGUFEmbedding(path)

    def get_input_embeddings(self) -> nn.Module:
        return self.embeddings
