"""The language model's weights in 8 or 4 bits; the tower and the compressor stay as they are.

Uses bitsandbytes on CUDA GPUs. On CPUs it uses torchao for 8 bits and bitsandbytes for 4 bits, for
which torchao has GPU kernels only. Both packages are optional.
"""

from importlib.util import find_spec
from typing import Any

import torch

from vlm.projector import STAGES

BITS = {"8bit": 8, "4bit": 4}
# Vision and the head: they are small, and their rounding errors reach every token.
FULL_PRECISION_PARTS = ("tower", "compressor", *STAGES, "lm_head")
BLOCK = 64  # weights that share one scale, in 4 bits
DEVICES = ("cuda", "cpu")


def backend(bits: str, device: torch.device) -> str:
    """Returns the package to use. Raises ValueError if the device or the package is missing."""
    if bits not in BITS:
        raise ValueError(f"--quantize is {' or '.join(BITS)}, not {bits}.")
    if device.type not in DEVICES:
        raise ValueError(
            f"--quantize works on cuda and cpu, not on {device.type}; leave it out, or add"
            " --device cpu."
        )
    missing = missing_packages(bits, device)
    if missing:
        raise ValueError(
            f"--quantize {bits} on {device.type} needs {' and '.join(missing)}; install with:"
            f" pip install {' '.join(missing)}"
        )
    return _packages(bits, device)[0]


def missing_packages(bits: str, device: torch.device) -> list[str]:
    """Returns the packages to install before this machine can quantize."""
    return [name for name in _packages(bits, device) if find_spec(name) is None]


def _packages(bits: str, device: torch.device) -> list[str]:
    """Returns the package that quantizes, then those that it needs."""
    if bits == "8bit" and device.type == "cpu":
        return ["torchao"]
    return ["bitsandbytes", "accelerate"]


def quantization(bits: str, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Returns keyword arguments for `from_pretrained`."""
    if backend(bits, device) == "torchao":
        from torchao.quantization import Int8WeightOnlyConfig
        from transformers import TorchAoConfig

        config = TorchAoConfig(
            Int8WeightOnlyConfig(), modules_to_not_convert=list(FULL_PRECISION_PARTS)
        )
        return {"quantization_config": config}
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_8bit=bits == "8bit",
            load_in_4bit=bits == "4bit",
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=list(FULL_PRECISION_PARTS),
        )
    }


def quantized_bytes(out_features: int, in_features: int, bits: str) -> float:
    """Returns the bytes of one linear layer's weight, its float32 scales included."""
    numel = out_features * in_features
    if bits == "8bit":
        return numel + 4 * out_features
    return numel / 2 + 4 * numel / BLOCK
