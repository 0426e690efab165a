"""Weights of the language model in 8 or 4 bits; the tower and the compressor stay as they are.

bitsandbytes where there is a CUDA GPU. Elsewhere torchao for 8 bits, whose kernels for 4 bits are
made for GPUs only, so that 4 bits are bitsandbytes' again. Neither is needed unless asked for.
"""

from importlib.util import find_spec
from typing import Any

import torch

BITS = {"8bit": 8, "4bit": 4}
# What is looked at with, and the head: small, and errors in them are heard in every word.
FULL_PRECISION_PARTS = ("tower", "compressor", "concepts", "lm_head")
BLOCK = 64  # weights that share one scale, in 4 bits


def backend(bits: str, device: torch.device) -> str:
    """The package that does it. ValueError, one sentence, where it cannot be had."""
    if bits not in BITS:
        raise ValueError(f"--quantize is {' or '.join(BITS)}, not {bits}.")
    if device.type not in ("cuda", "cpu"):
        raise ValueError(
            f"--quantize works on cuda and cpu, not on {device.type}; leave it out, or add"
            " --device cpu."
        )
    package = "torchao" if bits == "8bit" and device.type == "cpu" else "bitsandbytes"
    needs = [package] if package == "torchao" else [package, "accelerate"]
    missing = [name for name in needs if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"--quantize {bits} on {device.type} needs {' and '.join(missing)}; install with:"
            f" pip install {' '.join(missing)}"
        )
    return package


def quantization(bits: str, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """What `from_pretrained` is to be told, by name."""
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
    """What the weight of one linear layer takes, its scales (float32) included."""
    numel = out_features * in_features
    if bits == "8bit":
        return numel + 4 * out_features
    return numel / 2 + 4 * numel / BLOCK
