"""What a folder holds, what each tensor would become, and what an original checkpoint tells of PVC.

Nothing is converted and nothing but headers and a few small vectors is read, so this takes seconds
for a model of any size. Where names do not fit, tensors of the same shape are put side by side, and
a `revisit.json` is proposed that would make them fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os.path import commonprefix
from pathlib import Path

from vlm.weights.io.rename import Fit, Rule, Shape
from vlm.weights.io.shapes import model_shapes
from vlm.weights.io.shards import Shards
from vlm.weights.own import own_config, own_fit
from vlm.weights.pvc.names import ADDED, LAYERS, OURS, theirs
from vlm.weights.pvc.published import MODEL_TYPE, READING, Published, is_published, open_published

Row = tuple[str, str, str]  # a name, its shape, what becomes of it


def inspect(folder: Path, everything: bool = False) -> tuple[list[str], bool]:
    """The lines to print, and whether the folder can be loaded.

    Layers that are alike are one line, unless `everything` is asked for.
    """
    if is_published(folder):
        published = open_published(folder)
        lines = [*_head(folder, published.shards, f"an original release ({MODEL_TYPE})")]
        title = "What each tensor becomes"
        lines += _tensors(published.fit, published.shards.shapes, everything, title)
        lines += _problems(published.fit, published.shards.shapes, everything)
        lines += _proposal(published)
        lines += _unknowns(published)
        return lines, published.fit.ok
    shards = Shards(folder)
    fit = own_fit(own_config(folder), shards)
    lines = [*_head(folder, shards, "a model of ours")]
    lines += _tensors(fit, shards.shapes, everything, "Its tensors")
    lines += _problems(fit, shards.shapes, everything)
    return lines, fit.ok


def _head(folder: Path, shards: Shards, what: str) -> Iterator[str]:
    numbers = sum(_product(shape) for shape in shards.shapes.values())
    yield f"{folder}: {what}"
    yield (
        f"  {len(shards.files)} file{'s' * (len(shards.files) > 1)}, {shards.bytes / 1e9:.2f} GB,"
        f" {len(shards.shapes)} tensors, {numbers / 1e6:,.1f} million numbers,"
        f" {', '.join(sorted(set(shards.dtypes.values())))}"
    )


def _tensors(fit: Fit, shapes: Mapping[str, Shape], everything: bool, title: str) -> Iterator[str]:
    yield ""
    yield title
    rows = [
        (_together(rule.sources), _shape(shapes[rule.sources[0]]), _becomes(rule))
        for rule in fit.rules
    ]
    yield from _table(rows if everything else collapsed(rows))
    if fit.dropped:
        yield from _table([(name, _shape(shapes[name]), "not used") for name in fit.dropped])


def _becomes(rule: Rule) -> str:
    if rule.sources == rule.targets:
        return ""
    targets = _together(rule.targets)
    return f"{targets}  ({rule.note})" if rule.note else targets


def _together(names: Sequence[str]) -> str:
    """Several names as one: `self_attn.{q,k,v}_proj.weight`."""
    if len(names) == 1:
        return names[0]
    start = commonprefix(names)
    end = commonprefix([name[len(start) :][::-1] for name in names])[::-1]
    middle = [name[len(start) : len(name) - len(end)] for name in names]
    return f"{start}{{{','.join(middle)}}}{end}"


def _problems(fit: Fit, shapes: Mapping[str, Shape], everything: bool) -> Iterator[str]:
    yield ""
    if fit.ok:
        yield "Everything fits: nothing is missing, left over or of another shape."
        return
    yield "What does not fit"
    for title, names in (("missing", fit.missing), ("left over", fit.left_over)):
        rows = [(name, _shape(shapes[name]) if name in shapes else "", "") for name in names]
        if rows:
            yield f"  {title}:"
            yield from (f"  {line}" for line in _table(rows if everything else collapsed(rows)))
    if fit.misshapen:
        yield "  of another shape:"
        yield from (f"    {line}" for line in fit.misshapen)


def _proposal(published: Published) -> list[str]:
    """Which left-over tensor could be which missing one, as a revisit.json."""
    names = propose(published)
    if not names:
        return []
    text = json.dumps({"names": {**published.names, **names}}, indent=2)
    return [
        "",
        f"By shape and by name, this {READING} beside the weights might make them fit"
        " (look at it before you believe it):",
        *(f"  {line}" for line in text.splitlines()),
    ]


# What their programmers may have called what we call ... : a part of the name.
HINTS = {
    "gamma": ("gamma", "scale", "weight_mlp"),
    "beta": ("beta", "shift", "bias_mlp"),
    "time": ("time", "t_emb", "temb", "te.", "te_", "timestep"),
    "qkv": ("qkv",),
    "proj": ("proj", "out"),
    "alpha": ("alpha", "gate", "ls_t", "ls3"),
}


def propose(published: Published) -> dict[str, str]:
    """Our name -> the file's, for slots whose guess is missing: same shape, likest name.

    The last layer and the compressor stand for all; two slots never get the same tensor.
    """
    tower = published.config.tower_config
    last = f"{LAYERS}{tower.depth + tower.num_temporal_layers - 1}."
    shapes, missing = published.shards.shapes, set(published.fit.missing)
    wanted = model_shapes(published.config)
    left = [name.removesuffix(".weight") for name in published.fit.left_over]
    found: dict[str, str] = {}
    for ours in OURS:
        inside = ours in ADDED
        where = last if inside else ""
        ending = "" if ours == "alpha" else ".weight"
        if where + theirs(ours, published.names) + ending not in missing:
            continue
        target = f"tower.blocks.{tower.num_temporal_layers - 1}.{ours}" if inside else ours
        candidates = [
            name
            for name in left
            if name.startswith(where or "mlp1.")
            and name.removeprefix(where) not in found.values()
            and _same(shapes.get(name + ending), wanted[target + ending])
        ]
        if candidates:
            best = max(candidates, key=lambda name: _likeness(ours, name))
            found[ours] = best.removeprefix(where)
    return found


def _same(found: Shape | None, wanted: Shape) -> bool:
    return found is not None and (found == wanted or _product(found) == 1 == len(wanted))


def _likeness(ours: str, name: str) -> tuple[int, int]:
    """How well a name of the file goes with one of ours: shared hints, then the last number."""
    hints = sum(
        any(word in name.lower() for word in words) for part, words in HINTS.items() if part in ours
    )
    first = ours.endswith((".0", "fc1"))
    numbers = re.findall(r"\d+", name)
    low = bool(numbers) and int(numbers[-1]) in (0, 1)
    return hints, int(first == low)


def _unknowns(published: Published) -> Iterator[str]:
    """What is not known of PVC, and how it reads from this folder (docs/models.md has the why)."""
    yield ""
    yield f"What is not known of PVC, and how it is read here (fields for {READING})"
    rows = list(_readings(published))
    width = max(len(what) for what, _, _ in rows)
    field_width = max(len(field) for _, field, _ in rows)
    for what, field, reading in rows:
        yield f"  {what:<{width}}  {field:<{field_width}}  {reading}"


def _readings(published: Published) -> Iterator[Row]:
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
        "nothing in the file shows it; try t/(T-1) and t, and 1000 times t/T",
    )
    layers = f"{tower.depth} to {tower.depth + tower.num_temporal_layers - 1}"
    yield (
        "temporal layers",
        f"tower.num_temporal_layers = {tower.num_temporal_layers}",
        f"layers {layers}: those with more tensors than InternViT's",
    )
    first = f"{LAYERS}{tower.depth}."
    yield ("alpha", "", _alpha(published, first))
    yield (
        "AdaLN of the tower",
        f"tower.adaln_one_plus = {tower.adaln_one_plus}".lower(),
        _gamma(published, first + theirs("temporal_norm.gamma.2", published.names)),
    )
    yield (
        "AdaLN of the compressor",
        f"compressor.adaln_one_plus = {compressor.adaln_one_plus}".lower(),
        _gamma(published, theirs("compressor.norm.gamma.2", published.names)),
    )
    yield (
        "its norm's own affine",
        f"tower.adaln_affine = {tower.adaln_affine}".lower(),
        "there is one" if tower.adaln_affine else "no such tensor (left-over ones would show it)",
    )
    yield (
        "CLS in temporal attention",
        f"tower.temporal_cls = {tower.temporal_cls}".lower(),
        "nothing in the file shows it",
    )
    yield (
        "heads of temporal attention",
        f"tower.temporal_heads = {tower.temporal_heads}",
        "nothing in the file shows it; any divisor of the width fits the shapes",
    )
    repeat = json.dumps(original.values.get("image_repeat_time"))
    yield (
        "looks at a picture",
        f"prompt.looks = {prompt.looks}",
        f"image_repeat_time is {repeat} in config.json",
    )
    yield (
        "label of a frame",
        f"prompt.frame_label = {json.dumps(prompt.frame_label)}",
        'nothing in the file shows it; its benchmark writes "Frame{index}:"',
    )


def _alpha(published: Published, where: str) -> str:
    name = where + theirs("alpha", published.names)
    if name not in published.shards.shapes:
        return "not found under its guessed name"
    values = published.shards.get(name).float().abs()
    return (
        f"shape {_shape(published.shards.shapes[name])}, mean size {float(values.mean()):.3g}"
        " in the first temporal layer (0 would be untrained)"
    )


def _gamma(published: Published, name: str) -> str:
    if f"{name}.bias" not in published.shards.shapes:
        return "gamma's bias was not found under its guessed name"
    mean = float(published.shards.get(f"{name}.bias").float().mean())
    form = "1 + gamma" if mean < 0.5 else "gamma"
    return f"gamma's bias is {mean:.3f} in the mean, so the scale is {form}"


def collapsed(rows: Iterable[Row]) -> list[Row]:
    """Rows that differ in a layer's number only, as one: `layers.{0..15}.attn`."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_blank(part) for part in row), []).append(row)
    return [tuple(_span([r[i] for r in group]) for i in range(3)) for group in groups.values()]  # type: ignore[misc]


NUMBER = re.compile(r"(?<=layers\.|blocks\.)\d+")


def _blank(text: str) -> str:
    return NUMBER.sub("#", text)


def _span(texts: Sequence[str]) -> str:
    """One text for several that differ in a layer's number."""
    if len(set(texts)) == 1:
        return texts[0]
    numbers = [int(match[0]) for text in texts if (match := NUMBER.search(text))]
    low, high = min(numbers), max(numbers)
    whole = set(numbers) == set(range(low, high + 1))
    span = f"{{{low}..{high}}}" if whole else "{" + ",".join(map(str, sorted(set(numbers)))) + "}"
    return NUMBER.sub(span, texts[0])


def _table(rows: Sequence[Row]) -> Iterator[str]:
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
