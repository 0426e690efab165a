"""Operations and kept activations of one sample, counted on the meta device.

The model is to be in bfloat16, as autocast computes it: what is kept is then about what training
keeps. Operations are those of torch's counter, an attention's square in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vlm.model import PVCForConditionalGeneration

if TYPE_CHECKING:
    from training.dryrun import Shape


@dataclass(frozen=True)
class Count:
    """Of one sample. Operations are multiplications and additions; memory is in bytes."""

    parts: dict[str, float]  # operations forwards: tower, compressor, language model
    training: float  # operations forwards and backwards, what is frozen left out
    kept: float  # activations kept for the backward pass
    kept_checkpointed: float  # where every block keeps only what went into it

    @property
    def forward(self) -> float:
        return sum(self.parts.values())


def count(model: PVCForConditionalGeneration, shape: Shape) -> Count:
    """Sends a sample of this shape through a model on the meta device, there and back."""
    parts: dict[str, float] = {}
    training = kept = checkpointed = 0.0
    if shape.clips:
        flops, vision = _vision(model, shape)
        parts |= {name: shape.clips * f for name, f in flops.items() if name != "training"}
        training += shape.clips * flops["training"]
        kept += shape.clips * vision
        blocks = [*getattr(model.tower.backbone, "layers", ()), *model.tower.blocks]
        inputs = _block_inputs(model, shape)
        checkpointed += shape.clips * (inputs + (vision - inputs) / max(len(blocks), 1))
    forward, there_and_back, words = _language(model, shape)
    decoder = model.language_model.get_decoder()
    inputs = 2 * shape.tokens(model.config) * model.config.text_width * len(decoder.layers)
    return Count(
        {**parts, "language model": forward},
        training + there_and_back,
        kept + words,
        checkpointed + inputs + (words - inputs) / len(decoder.layers),
    )


def _vision(model: PVCForConditionalGeneration, shape: Shape) -> tuple[dict[str, float], float]:
    """Operations of one clip by part, and the bytes kept of it."""
    S = model.config.image_size
    pixels = torch.empty(shape.frames, 3, S, S, device="meta", dtype=torch.bfloat16)
    times = torch.zeros(shape.looks, device="meta")
    with kept_bytes(model, _patches(model)) as kept:
        with FlopCounterMode(display=False, depth=1) as forward:
            tokens = model.encode(pixels, [shape.frames], [shape.looks], times)
        backward = _backward(tokens)
    total = forward.get_total_flops()
    compressor = sum(forward.get_flop_counts()[type(model.compressor).__name__].values())
    flops = {"tower": total - compressor, "compressor": compressor, "training": total + backward}
    return flops, kept[0]


def _language(model: PVCForConditionalGeneration, shape: Shape) -> tuple[float, float, float]:
    """Operations forwards, in all, and the bytes kept."""
    L, D = shape.tokens(model.config), model.config.text_width
    pictures = any(p.requires_grad for p in (*model.tower.parameters(), *model.compressor.parameters()))
    with kept_bytes(model, L) as kept:
        inputs = torch.empty(1, L, D, device="meta", dtype=torch.bfloat16)
        inputs.requires_grad_(pictures and shape.clips > 0)
        # A mask as it is used: one that is made looks at positions, which have no values here.
        mask = torch.ones(1, 1, L, L, device="meta", dtype=torch.bool)
        decoder = model.language_model.get_decoder()
        with FlopCounterMode(display=False) as forward:
            out = decoder(inputs_embeds=inputs, attention_mask=mask, use_cache=False)
            hidden = out.last_hidden_state[:, : shape.answer_tokens]
            logits = model.get_output_embeddings()(hidden).float()
        backward = _backward(logits)
    return forward.get_total_flops(), forward.get_total_flops() + backward, kept[0]


def _backward(out: Tensor) -> float:
    if not out.requires_grad:
        return 0.0
    with FlopCounterMode(display=False) as counter:
        out.sum().backward()
    return counter.get_total_flops()


def _block_inputs(model: PVCForConditionalGeneration, shape: Shape) -> float:
    """Bytes of what goes into each block of the tower, once for every look where looks differ."""
    tower = model.tower
    plain = len(getattr(tower.backbone, "layers", ())) * shape.frames
    return 2.0 * tower.dim * _patches(model) * (plain + len(tower.blocks) * shape.looks)


def _patches(model: PVCForConditionalGeneration) -> int:
    """Tokens of a frame in the tower, its summary in front included."""
    rows, columns = model.config.tower_config.grid
    return model.tower.backbone.num_prefix + rows * columns


@contextmanager
def kept_bytes(model: nn.Module, rows: int) -> Iterator[list[float]]:
    """Bytes that autograd keeps for the backward pass, parameters left out, in the list's one entry.

    On the meta device attention is written out and keeps its squares of `rows` by `rows` weights; a
    fused one, as GPUs run it, does not. They are left out.
    """
    seen = {p.untyped_storage()._cdata for p in model.parameters()}
    total = [0.0]

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()._cdata
        square = tensor.ndim >= 3 and tensor.shape[-1] == tensor.shape[-2] == rows
        if storage not in seen and not square:
            seen.add(storage)
            total[0] += tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield total
