"""QLoRA: a frozen language model in 4 or 8 bits under adapters in full precision.

The linear layers of the blocks are replaced by those of bitsandbytes (NF4 or LLM.int8), which
quantize when they move to the GPU. Head, embeddings, tower and compressor are not quantized.
"""

import torch
from torch import nn

from vlm.model import PVCForConditionalGeneration


def quantize(model: PVCForConditionalGeneration, bits: str) -> None:
    """Replaces the language model's linear layers, before trainable_parts.py adds adapters."""
    try:
        import bitsandbytes as bnb
    except ImportError:
        raise ValueError(
            "`quantize` needs bitsandbytes: `pip install bitsandbytes`, or leave `quantize` empty"
        ) from None
    language_model = model.language_model
    linears = [
        (name, layer)
        for name, layer in language_model.named_modules()
        if isinstance(layer, nn.Linear) and name != "lm_head"
    ]
    for name, layer in linears:
        parent = language_model.get_submodule(name.rpartition(".")[0])
        setattr(parent, name.rpartition(".")[2], _quantized(layer, bits, bnb))
    # peft chooses the kind of adapter by these.
    language_model.is_loaded_in_4bit = bits == "4bit"
    language_model.is_loaded_in_8bit = bits == "8bit"


def _quantized(layer: nn.Linear, bits: str, bnb: object) -> nn.Module:
    rows, columns, biased = layer.out_features, layer.in_features, layer.bias is not None
    nn_of = bnb.nn  # type: ignore[attr-defined]
    if bits == "4bit":
        dtype = layer.weight.dtype
        new = nn_of.Linear4bit(columns, rows, biased, compute_dtype=dtype, quant_type="nf4")
        new.weight = nn_of.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4")
    else:
        new = nn_of.Linear8bitLt(columns, rows, biased, has_fp16_weights=False)
        new.weight = nn_of.Int8Params(
            layer.weight.data, requires_grad=False, has_fp16_weights=False
        )
    if biased:
        new.bias = nn.Parameter(layer.bias.data, requires_grad=False)
    return new.to("cuda" if torch.cuda.is_available() else "cpu")
