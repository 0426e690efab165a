"""Writes a language model as a GGUF file, one tensor in memory at a time.

    write_gguf(model.language_model, Path("language_model.gguf"), "q8_0")

Up to 8 bits the package `gguf` rounds the weights, in its own order of operations; the K types are
made from a bfloat16 file by llama.cpp itself. Norms and biases stay in float32.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vlm.llamacpp.tensors import architecture_of, metadata, tensors
from vlm.weights.io.files import WeightsError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

# Bits per weight; those of a K type are an average over a model of a few billion parameters.
BITS = {"f32": 32, "bf16": 16, "f16": 16, "q8_0": 8.5, "q6_k": 6.6, "q5_k": 5.7, "q4_k": 4.9}
DEFAULT = "q8_0"
PLAIN = ("f32", "bf16", "f16", "q8_0")
# llama.cpp's mixtures: Q4_K_M is Q4_K with the more sensitive half of some tensors in Q6_K.
MIXTURES = {
    "q4_k": "LLAMA_FTYPE_MOSTLY_Q4_K_M",
    "q5_k": "LLAMA_FTYPE_MOSTLY_Q5_K_M",
    "q6_k": "LLAMA_FTYPE_MOSTLY_Q6_K",
}


def write_gguf(language_model: PreTrainedModel, path: Path, kind: str = DEFAULT) -> None:
    """Writes the weights in a type of `BITS`. Raises WeightsError if the model cannot be a GGUF.

    A K type raises ValueError without llama-cpp-python.
    """
    if kind not in BITS:
        raise WeightsError(f"--type is {kind}; it must be one of {', '.join(BITS)}.")
    if kind in PLAIN:
        _write(language_model, path, kind)
        return
    from vlm.llamacpp.library import library

    library()  # a missing package is reported before gigabytes are written
    whole = path.with_name(f"{path.name}.bf16")
    try:
        _write(language_model, whole, "bf16")
        _quantize(whole, path, kind)
    finally:
        whole.unlink(missing_ok=True)


def _write(language_model: PreTrainedModel, path: Path, kind: str) -> None:
    import gguf

    config: Any = language_model.config
    writer = gguf.GGUFWriter(path, architecture_of(config).name)
    for key, value in metadata(config).items():
        if isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        else:
            writer.add_uint32(key, value)
    writer.add_file_type(gguf.LlamaFileType[_file_type(kind)])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for name, tensor in tensors(language_model):
        chosen = _type_of(tensor, kind)
        block, size = gguf.GGML_QUANT_SIZES[chosen]
        dtype, shape = _dtype(chosen), tuple(tensor.shape)
        if dtype == np.uint8:
            shape = gguf.quant_shape_to_byte_shape(shape, chosen)
        writer.add_tensor_info(name, shape, dtype, tensor.numel() // block * size, chosen)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for _, tensor in tensors(language_model):
            rows = tensor.detach().float().contiguous().numpy()
            writer.write_tensor_data(gguf.quants.quantize(rows, _type_of(tensor, kind)))
    finally:
        writer.close()


def _type_of(tensor: Tensor, kind: str) -> Any:
    """Returns gguf's type for a tensor: rows that do not divide into blocks stay in float32."""
    import gguf

    types = gguf.GGMLQuantizationType
    block = gguf.GGML_QUANT_SIZES[types[kind.upper()]][0]
    return types.F32 if tensor.dim() < 2 or tensor.shape[-1] % block else types[kind.upper()]


def _file_type(kind: str) -> str:
    return "ALL_F32" if kind == "f32" else f"MOSTLY_{kind.upper()}"


def _dtype(chosen: Any) -> Any:
    """Returns the numpy type that gguf writes; it reads shapes of uint8 as bytes."""
    import gguf

    plain = {gguf.GGMLQuantizationType.F32: np.float32, gguf.GGMLQuantizationType.F16: np.float16}
    return np.dtype(plain.get(chosen, np.uint8))


def _quantize(source: Path, target: Path, kind: str) -> None:
    import torch

    from vlm.llamacpp.library import library

    lib = library()
    options = lib.llama_model_quantize_default_params()
    options.nthread = torch.get_num_threads()
    options.ftype = getattr(lib, MIXTURES[kind])
    if lib.llama_model_quantize(bytes(source), bytes(target), options) != 0:
        target.unlink(missing_ok=True)
        raise WeightsError(f"llama.cpp could not write {target} as {kind}; is its disk full?")
