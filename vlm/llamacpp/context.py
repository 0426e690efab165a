"""A model and its keys and values in llama.cpp: reads embeddings or tokens, returns logits.

All sequences share one pool of cells. A copy of a sequence shares its cells, so a conversation that
branches costs only what is new. Used by one thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlm.inference.decoding.generation import PREFILL_CHUNK
from vlm.llamacpp.library import library

NUM_SEQUENCES = 32
NO_ROOM = 1  # what llama_decode returns if the pool is full


class NoRoom(Exception):  # noqa: N818 - the caller makes room
    """The pool has no cells left for these tokens; nothing was read."""


class LlamaContext:
    """Keys and values are float16, or float32 with `exact`."""

    def __init__(self, path: Path, num_cells: int, threads: int, exact: bool = False) -> None:
        self._lib = lib = library()
        owned = contextlib.ExitStack()  # freed in reverse order
        # Runs at exit, too, while the library's functions still exist; __del__ would run later.
        self._free = weakref.finalize(self, owned.close)
        loading = lib.llama_model_default_params()
        loading.n_gpu_layers = 0
        model = lib.llama_model_load_from_file(bytes(path), loading)
        if not model:
            raise ValueError(
                f"{path}: llama.cpp cannot read this file, or memory is short; write it again."
            )
        owned.callback(lib.llama_model_free, model)
        options = lib.llama_context_default_params()
        options.n_ctx = num_cells
        options.n_batch = options.n_ubatch = PREFILL_CHUNK
        options.n_seq_max = NUM_SEQUENCES
        options.n_threads = options.n_threads_batch = threads
        options.kv_unified = True
        if exact:
            options.type_k = options.type_v = lib.GGML_TYPE_F32
            options.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = lib.llama_init_from_model(model, options)
        if not self._context:
            raise ValueError(f"llama.cpp has no memory for {num_cells:,} tokens; lower --context.")
        owned.callback(lib.llama_free, self._context)
        self._memory = lib.llama_get_memory(self._context)
        self.num_tokens = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        self.width = lib.llama_model_n_embd(model)
        self._words = lib.llama_batch_init(PREFILL_CHUNK, 0, 1)
        self._rows = lib.llama_batch_init(PREFILL_CHUNK, self.width, 1)
        for batch in (self._words, self._rows):
            owned.callback(lib.llama_batch_free, batch)

    def read(self, sequence: int, start: int, embeddings: Tensor, every: bool = False) -> Tensor:
        """Reads embeddings [L, D], L <= PREFILL_CHUNK, at positions from `start`.

        Returns the logits [1, V] after the last, or after `every` one [L, V]. Raises NoRoom.
        """
        rows = embeddings.float().contiguous()
        assert rows.shape[1] == self.width, f"{rows.shape[1]} channels for {self.width}"
        ctypes.memmove(self._rows.embd, rows.data_ptr(), rows.nbytes)
        return self._decode(self._rows, len(rows), sequence, start, every)

    def read_tokens(self, sequence: int, start: int, ids: list[int], every: bool = False) -> Tensor:
        """Reads tokens as `read` does embeddings."""
        for i, token in enumerate(ids):
            self._words.token[i] = token
        return self._decode(self._words, len(ids), sequence, start, every)

    def copy(self, source: int, target: int, length: int) -> None:
        """Gives `target` the first `length` tokens of `source`; they share the cells."""
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def cut(self, sequence: int, length: int = 0) -> None:
        """Forgets all but the first `length` tokens of a sequence."""
        self._lib.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def length(self, sequence: int) -> int:
        """Returns the number of tokens of a sequence."""
        return int(self._lib.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def close(self) -> None:
        """Frees the memory; the context cannot be used afterwards."""
        self._free()

    def _decode(self, batch: Any, count: int, sequence: int, start: int, every: bool) -> Tensor:
        assert 0 < count <= PREFILL_CHUNK, f"{count} tokens at once"
        batch.n_tokens = count
        for i in range(count):
            batch.pos[i] = start + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = every or i == count - 1
        code = self._lib.llama_decode(self._context, batch)
        if code == NO_ROOM:
            raise NoRoom
        if code:
            raise RuntimeError(f"llama.cpp failed to compute (code {code})")
        wanted = range(count) if every else (count - 1,)
        return torch.stack([self._logits(i) for i in wanted])

    def _logits(self, place: int) -> Tensor:
        pointer = self._lib.llama_get_logits_ith(self._context, place)
        return torch.from_numpy(np.ctypeslib.as_array(pointer, (self.num_tokens,)).copy())
