"""Reports what a folder holds, what each tensor would become, and what a release shows about PVC.

Only headers and a few small vectors are read and nothing is converted, so this takes seconds for a
model of any size. If names do not fit, tensors of equal shape are matched and a `revisit.json` that
maps them is proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os.path import commonprefix
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Fit, Rule, Shape
from vlm.weights.io.shapes import model_shapes
from vlm.weights.io.shards import Shards
from vlm.weights.io.soundness import integer_tensors
from vlm.weights.own import own_config, own_fit, own_processor
from vlm.weights.pvc.names import ADDED, LAYERS, OURS, theirs
from vlm.weights.pvc.published import MODEL_TYPE, OVERRIDES, Published, is_published, open_published

if TYPE_CHECKING:
    from vlm.config import PVCConfig

TableRow = tuple[str, str, str]  # a name, its shape, the new name


def inspect(folder: Path, all_tensors: bool = False) -> tuple[list[str], bool]:
    """Returns the lines to print, and whether the folder can be loaded.

    Identical layers share one line unless `all_tensors` is set.
    """
    if is_published(folder):
        published = open_published(folder)
        lines = [*_head(folder, published.shards, f"an original release ({MODEL_TYPE})")]
        title = "What each tensor becomes"
        lines += _tensors(published.fit, published.shards.shapes, all_tensors, title)
        lines += _problems(published.fit, published.shards.shapes, all_tensors)
        lines += _proposal(published)
        lines += _unknowns(published)
        return lines, published.fit.ok
    shards = Shards(folder)
    config = own_config(folder)
    fit = own_fit(config, shards)
    others = _other_problems(folder, config, shards)
    lines = [*_head(folder, shards, "a model in our format")]
    lines += _tensors(fit, shards.shapes, all_tensors, "Tensors")
    lines += _problems(fit, shards.shapes, all_tensors, others)
    return lines, fit.ok and not others


def _other_problems(folder: Path, config: PVCConfig, shards: Shards) -> list[str]:
    """Returns the reasons besides names and shapes why a folder in our format cannot be used."""
    found = []
    if getattr(config, "quantization_config", None) is None:
        found += [f"not floating-point: {name}" for name in integer_tensors(shards)]
    try:
        own_processor(folder)
    except WeightsError as error:
        found.append(str(error))
    return found


def _head(folder: Path, shards: Shards, what: str) -> Iterator[str]:
    numbers = sum(_product(shape) for shape in shards.shapes.values())
    yield f"{folder}: {what}"
    yield (
        f"  {len(shards.files)} file{'s' * (len(shards.files) > 1)}, {shards.bytes / 1e9:.2f} GB,"
        f" {len(shards.shapes)} tensors, {numbers / 1e6:,.1f} million parameters,"
        f" {', '.join(sorted(set(shards.dtypes.values())))}"
    )


def _tensors(fit: Fit, shapes: Mapping[str, Shape], all_tensors: bool, title: str) -> Iterator[str]:
    yield ""
    yield title
    rows = [
        (_braced(rule.sources), _shape(shapes[rule.sources[0]]), _becomes(rule))
        for rule in fit.rules
    ]
    yield from _table(rows if all_tensors else collapsed(rows))
    if fit.dropped:
        yield from _table([(name, _shape(shapes[name]), "not used") for name in fit.dropped])


def _becomes(rule: Rule) -> str:
    if rule.sources == rule.targets:
        return ""
    targets = _braced(rule.targets)
    return f"{targets}  ({rule.note})" if rule.note else targets


def _braced(names: Sequence[str]) -> str:
    """Joins several names: `self_attn.{q,k,v}_proj.weight`."""
    if len(names) == 1:
        return names[0]
    start = commonprefix(names)
    end = commonprefix([name[len(start) :][::-1] for name in names])[::-1]
    middle = [name[len(start) : len(name) - len(end)] for name in names]
    return f"{start}{{{','.join(middle)}}}{end}"


def _problems(
    fit: Fit, shapes: Mapping[str, Shape], all_tensors: bool, others: Sequence[str] = ()
) -> Iterator[str]:
    yield ""
    if fit.ok and not others:
        yield "Everything fits: nothing is missing, unexpected or of the wrong shape."
        return
    yield "Problems"
    yield from (f"  {line}" for line in others)
    for title, names in (("missing", fit.missing), ("unexpected", fit.unexpected)):
        rows = [(name, _shape(shapes[name]) if name in shapes else "", "") for name in names]
        if rows:
            yield f"  {title}:"
            yield from (f"  {line}" for line in _table(rows if all_tensors else collapsed(rows)))
    if fit.mismatched:
        yield "  wrong shape:"
        yield from (f"    {line}" for line in fit.mismatched)


def _proposal(published: Published) -> list[str]:
    """Proposes a revisit.json that maps unexpected tensors to missing ones."""
    names = propose(published)
    if not names:
        return []
    text = json.dumps({"names": {**published.names, **names}}, indent=2)
    return [
        "",
        f"Judged by shape and name, this {OVERRIDES} beside the weights might make them fit"
        " (check it before use):",
        *(f"  {line}" for line in text.splitlines()),
    ]


# Part of our name -> words that the file may use for it.
HINTS = {
    "gamma": ("gamma", "scale", "weight_mlp"),
    "beta": ("beta", "shift", "bias_mlp"),
    "time": ("time", "t_emb", "temb", "te.", "te_", "timestep"),
    "qkv": ("qkv",),
    "proj": ("proj", "out"),
    "alpha": ("alpha", "gate", "ls_t", "ls3"),
}


def propose(published: Published) -> dict[str, str]:
    """Proposes our name -> the file's for missing guesses: equal shape, most similar name.

    Looks at the last layer and the compressor only; no tensor is proposed twice.
    """
    tower = published.config.tower_config
    last = f"{LAYERS}{tower.backbone.depth + tower.temporal.num_layers - 1}."
    shapes, missing = published.shards.shapes, set(published.fit.missing)
    expected = model_shapes(published.config)
    unexpected = [name.removesuffix(".weight") for name in published.fit.unexpected]
    found: dict[str, str] = {}
    for ours in OURS:
        inside = ours in ADDED
        where = last if inside else ""
        ending = "" if ours == "alpha" else ".weight"
        if where + theirs(ours, published.names) + ending not in missing:
            continue
        target = f"tower.blocks.{tower.temporal.num_layers - 1}.{ours}" if inside else ours
        candidates = [
            name
            for name in unexpected
            if name.startswith(where or "mlp1.")
            and name.removeprefix(where) not in found.values()
            and _same(shapes.get(name + ending), expected[target + ending])
        ]
        if candidates:
            best = max(candidates, key=lambda name: _similarity(ours, name))
            found[ours] = best.removeprefix(where)
    return found


def _same(found: Shape | None, expected: Shape) -> bool:
    return found is not None and (found == expected or _product(found) == 1 == len(expected))


def _similarity(ours: str, name: str) -> tuple[int, int]:
    """Scores a name of the file against one of ours: shared hints, then the last number."""
    hints = sum(
        any(word in name.lower() for word in words) for part, words in HINTS.items() if part in ours
    )
    first = ours.endswith((".0", "fc1"))
    numbers = re.findall(r"\d+", name)
    low = bool(numbers) and int(numbers[-1]) in (0, 1)
    return hints, int(first == low)


def _unknowns(published: Published) -> Iterator[str]:
    """Lists what is unknown about PVC and what is assumed here (docs/models.md has the reasons)."""
    yield ""
    yield f"What is unknown about PVC, and what is assumed here (fields for {OVERRIDES})"
    rows = list(_assumptions(published))
    width = max(len(what) for what, _, _ in rows)
    field_width = max(len(field) for _, field, _ in rows)
    for what, field, evidence in rows:
        yield f"  {what:<{width}}  {field:<{field_width}}  {evidence}"


def _assumptions(published: Published) -> Iterator[TableRow]:
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
        f"shape {_shape(published.shards.shapes[name])}, mean magnitude"
        f" {float(values.mean()):.3g} in the first temporal layer (0 would be untrained)"
    )


def _gamma(published: Published, name: str) -> str:
    if f"{name}.bias" not in published.shards.shapes:
        return "the bias of gamma was not found under its assumed name"
    mean = float(published.shards.get(f"{name}.bias").float().mean())
    form = "1 + gamma" if mean < 0.5 else "gamma"
    return f"the bias of gamma has mean {mean:.3f}, so the scale is {form}"


def collapsed(rows: Iterable[TableRow]) -> list[TableRow]:
    """Merges rows that differ in the layer number only: `layers.{0..15}.attn`."""
    groups: dict[tuple[str, ...], list[TableRow]] = {}
    for row in rows:
        groups.setdefault(tuple(_blank(part) for part in row), []).append(row)
    return [tuple(_span([r[i] for r in group]) for i in range(3)) for group in groups.values()]  # type: ignore[misc]


NUMBER = re.compile(r"(?<=layers\.|blocks\.)\d+")


def _blank(text: str) -> str:
    return NUMBER.sub("#", text)


def _span(texts: Sequence[str]) -> str:
    """Merges texts that differ in the layer number."""
    if len(set(texts)) == 1:
        return texts[0]
    numbers = [int(match[0]) for text in texts if (match := NUMBER.search(text))]
    low, high = min(numbers), max(numbers)
    whole = set(numbers) == set(range(low, high + 1))
    span = f"{{{low}..{high}}}" if whole else "{" + ",".join(map(str, sorted(set(numbers)))) + "}"
    return NUMBER.sub(span, texts[0])


def _table(rows: Sequence[TableRow]) -> Iterator[str]:
    if not rows:
        return
    name_width = min(max(len(row[0]) for row in rows), 78)
    shape_width = max(len(row[1]) for row in rows)
    for name, shape, becomes in rows:
        line = f"  {name:<{name_width}}  {shape:<{shape_width}}"
        yield f"{line}  -> {becomes}" if becomes else line.rstrip()


def _shape(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _product(shape: Shape) -> int:
    product = 1
    for length in shape:
        product *= length
    return product
