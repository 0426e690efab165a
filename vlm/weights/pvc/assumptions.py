"""What is unknown about PVC, what is assumed here, and what a release shows of it.

docs/models.md has the reasons.
"""

import json
from collections.abc import Iterator

from vlm.weights.pvc.names import LAYERS, theirs
from vlm.weights.pvc.published import Published
from vlm.weights.tensor_table import shape_text


def assumptions(published: Published) -> Iterator[tuple[str, str, str]]:
    """Yields what is unknown, the field that sets it, and the evidence in the release."""
    config, original = published.config, published.original
    tower, compressor, prompt = (
        config.tower_config,
        config.compressor_config,
        config.prompt_config,
    )
    way = json.dumps(original.values.get("tile_repeat_way"))
    yield (
        "token order of tiles",
        f"prompt.tile_order = {prompt.tile_order}",
        f"tile_repeat_way is {way} in config.json; try both on a page of small print",
    )
    yield (
        "timestep",
        f"tower.timestep_form = {tower.timestep_form}, timestep_scale = {tower.timestep_scale:g}",
        "not in the file; try t/(T-1), t, and 1000 times t/T",
    )
    layers = f"{tower.backbone.depth} to {tower.backbone.depth + tower.temporal.num_layers - 1}"
    yield (
        "temporal layers",
        f"tower.temporal.num_layers = {tower.temporal.num_layers}",
        f"layers {layers} have more tensors than InternViT's",
    )
    first = f"{LAYERS}{tower.backbone.depth}."
    yield ("alpha", "", _alpha(published, first))
    yield (
        "AdaLN of the tower",
        f"tower.temporal.adaln.one_plus = {tower.temporal.adaln.one_plus}".lower(),
        _gamma(published, first + theirs("temporal_norm.gamma.2", published.names)),
    )
    yield (
        "AdaLN of the compressor",
        f"compressor.adaln.one_plus = {compressor.adaln.one_plus}".lower(),
        _gamma(published, theirs("compressor.norm.gamma.2", published.names)),
    )
    yield (
        "affine of AdaLN's norm",
        f"tower.temporal.adaln.affine = {tower.temporal.adaln.affine}".lower(),
        "found"
        if tower.temporal.adaln.affine
        else "no such tensor (it would be listed as unexpected)",
    )
    yield (
        "CLS in temporal attention",
        f"tower.temporal.cls = {tower.temporal.cls}".lower(),
        "not in the file",
    )
    yield (
        "heads of temporal attention",
        f"tower.temporal.num_heads = {tower.temporal.num_heads}",
        "not in the file; any divisor of the width fits the shapes",
    )
    repeat = json.dumps(original.values.get("image_repeat_time"))
    yield (
        "looks per image",
        f"prompt.looks = {prompt.looks}",
        f"image_repeat_time is {repeat} in config.json",
    )
    yield (
        "frame label",
        f"prompt.frame_label = {json.dumps(prompt.frame_label)}",
        'not in the file; the MVBench script of the release writes "Frame{index}:"',
    )


def _alpha(published: Published, where: str) -> str:
    name = where + theirs("alpha", published.names)
    if name not in published.shards.shapes:
        return "not found under its assumed name"
    values = published.shards.get(name).float().abs()
    return (
        f"shape {shape_text(published.shards.shapes[name])}, mean magnitude"
        f" {float(values.mean()):.3g} in the first temporal layer (0 would be untrained)"
    )


def _gamma(published: Published, name: str) -> str:
    if f"{name}.bias" not in published.shards.shapes:
        return "the bias of gamma was not found under its assumed name"
    mean = float(published.shards.get(f"{name}.bias").float().mean())
    form = "1 + gamma" if mean < 0.5 else "gamma"
    return f"the bias of gamma has mean {mean:.3f}, so the scale is {form}"
