"""Counts operations and saved activations of one sample on the meta device.

The model must be in bfloat16, in which autocast computes: the activations then have about the size
that training saves. Operations are those of torch's counter, which costs attention in full.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from training.dry_run.saved_for_backward import FusedAttention, block_inputs, saved_bytes
from vlm.config import PVCConfig
from vlm.encoders.pvc import ProgressiveEncoder, progressive
from vlm.model import PVCForConditionalGeneration


@dataclass(frozen=True)
class Shape:
    """A sample of one kind: clips of `frames` frames with `looks` looks in all, and text."""

    name: str
    share: float  # of the samples of a run
    clips: int
    frames: int
    looks: int
    text_tokens: int
    answer_tokens: int

    def tokens(self, config: PVCConfig) -> int:
        """Tokens in the language model, without the markup of each look or tile."""
        return self.clips * self.looks * config.tokens_per_look + self.text_tokens


@dataclass(frozen=True)
class Cost:
    """The cost of one sample. Operations are multiplications and additions; memory is in bytes."""

    parts: dict[str, float]  # forward operations: tower, compressor, language model
    training: float  # forward and backward operations; frozen parts have no backward
    saved: float  # bytes of activations saved for the backward pass
    saved_checkpointed: float  # the same if every block saves only its input

    @property
    def forward(self) -> float:
        return sum(self.parts.values())


def sample_cost(model: PVCForConditionalGeneration, shape: Shape) -> Cost:
    """Runs a sample of this shape forward and backward through a model on the meta device."""
    decoder = model.language_model.get_decoder()
    vision: dict[str, float] = {}
    if shape.clips:
        kind = isinstance(model.tower, ProgressiveEncoder)
        measured = _progressive(model, shape) if kind else _whole(model, shape)
        vision = {name: shape.clips * number for name, number in measured.items()}
    checkpointed = vision.get("checkpointed", 0.0)
    language = _by_depth([decoder], [decoder.layers], lambda: _language(model, shape))
    inputs = 2 * shape.tokens(model.config) * model.config.text_width * len(decoder.layers)
    checkpointed += inputs + (language["saved"] - inputs) / len(decoder.layers)
    parts: dict[str, float] = {n: vision[n] for n in ("tower", "compressor") if n in vision}
    parts["language model"] = language["language model"]
    return Cost(
        parts,
        vision.get("training", 0.0) + language["training"],
        vision.get("saved", 0.0) + language["saved"],
        checkpointed,
    )


def _progressive(model: PVCForConditionalGeneration, shape: Shape) -> dict[str, float]:
    """Returns the cost of one clip in PVC's tower, extrapolated from its first layers."""
    tower = progressive(model.tower)
    plain = getattr(tower.backbone, "layers", None)
    owners = [tower] if plain is None else [tower.backbone, tower]
    kinds: list[Any] = [tower.blocks] if plain is None else [plain, tower.blocks]
    found = _by_depth(owners, kinds, lambda: _vision(model, shape, _patches(model)))
    inputs = _block_inputs(model, shape)
    again = inputs + (found["saved"] - inputs) / max(sum(map(len, kinds)), 1)
    return {**found, "checkpointed": again}


def _whole(model: PVCForConditionalGeneration, shape: Shape) -> dict[str, float]:
    """Returns the cost of one clip in any other tower, whose layers differ: all of them run."""
    with FusedAttention(), sdpa_kernel(SDPBackend.MATH):
        found = _vision(model, shape)
        with block_inputs(model.tower) as blocks:
            outside = _vision(model, shape)["saved"]
    again = outside + blocks.inputs + blocks.largest
    return {**found, "checkpointed": min(again, found["saved"])}


def _by_depth(
    owners: Sequence[nn.Module],
    layers: Sequence[nn.ModuleList],
    measure: Callable[[], dict[str, float]],
) -> dict[str, float]:
    """Extrapolates `measure` to the whole model from one and two layers of each kind.

    Layers of one kind cost the same, so this is exact, and ten times faster than running them all.
    A kind may be empty.
    """

    def found(depths: Sequence[int]) -> dict[str, float]:
        with _cut(owners, layers, depths):
            return measure()

    few = [min(len(kind), 1) for kind in layers]
    base = found(few)
    whole = dict(base)
    for index, kind in enumerate(layers):
        if len(kind) > 1:
            more = found([depth + (index == other) for other, depth in enumerate(few)])
            for name in whole:
                whole[name] += (len(kind) - 1) * (more[name] - base[name])
    return whole


@contextmanager
def _cut(
    owners: Sequence[nn.Module], layers: Sequence[nn.ModuleList], depths: Sequence[int]
) -> Iterator[None]:
    """Cuts each owner to its first layers inside this context."""
    names = [
        next(name for name, child in owner.named_children() if child is kind)
        for owner, kind in zip(owners, layers, strict=True)
    ]
    slots = list(zip(owners, names, layers, strict=True))
    try:
        for (owner, name, kind), depth in zip(slots, depths, strict=True):
            setattr(owner, name, kind[:depth])
        yield
    finally:
        for owner, name, kind in slots:
            setattr(owner, name, kind)


def _vision(
    model: PVCForConditionalGeneration, shape: Shape, rows: int | None = None
) -> dict[str, float]:
    """Operations of one clip by part and in total, and its saved bytes (`rows`: see there)."""
    S = model.config.image_size
    pixels = torch.empty(shape.frames, 3, S, S, device="meta", dtype=torch.bfloat16)
    times = torch.zeros(shape.looks, device="meta")
    with saved_bytes(model, rows) as saved:
        with FlopCounterMode(display=False, depth=1) as forward:
            tokens = model.encode(pixels, [shape.frames], [shape.looks], times)
        backward = _backward(tokens)
    total = forward.get_total_flops()
    compressor = sum(forward.get_flop_counts()[type(model.compressor).__name__].values())
    return {
        "tower": total - compressor,
        "compressor": compressor,
        "training": total + backward,
        "saved": saved[0],
    }


def _language(model: PVCForConditionalGeneration, shape: Shape) -> dict[str, float]:
    """Forward and total operations, and saved bytes."""
    L, D = shape.tokens(model.config), model.config.text_width
    below = (*model.tower.parameters(), *model.compressor.parameters())
    pictures = any(p.requires_grad for p in below)
    with saved_bytes(model, L) as saved:
        inputs = torch.empty(1, L, D, device="meta", dtype=torch.bfloat16)
        inputs.requires_grad_(pictures and shape.clips > 0)
        # Given as a mask: making one reads positions, which have no values on the meta device.
        mask = torch.ones(1, 1, L, L, device="meta", dtype=torch.bool)
        decoder = model.language_model.get_decoder()
        with FlopCounterMode(display=False) as forward:
            out = decoder(inputs_embeds=inputs, attention_mask=mask, use_cache=False)
            hidden = out.last_hidden_state[:, : shape.answer_tokens]
            logits = model.get_output_embeddings()(hidden).float()
        backward = _backward(logits)
    total = forward.get_total_flops()
    return {"language model": total, "training": total + backward, "saved": saved[0]}


def _backward(out: Tensor) -> float:
    if not out.requires_grad:
        return 0.0
    with FlopCounterMode(display=False) as counter:
        out.sum().backward()
    return counter.get_total_flops()


def _block_inputs(model: PVCForConditionalGeneration, shape: Shape) -> float:
    """Bytes of the inputs of the tower's blocks; of progressive blocks, for each look."""
    tower = progressive(model.tower)
    plain = len(getattr(tower.backbone, "layers", ())) * shape.frames
    return 2.0 * tower.dim * _patches(model) * (plain + len(tower.blocks) * shape.looks)


def _patches(model: PVCForConditionalGeneration) -> int:
    """Tokens of a frame in the tower, including prefix tokens."""
    rows, columns = model.config.grid
    return progressive(model.tower).backbone.num_prefix + rows * columns
