"""Reports what a folder holds, what each tensor would become, and what a release shows about PVC.

Only headers and a few small vectors are read and nothing is converted, so this takes seconds for a
model of any size. If names do not fit, a `revisit.json` that maps them is proposed (proposal.py);
what is unknown about PVC is listed (assumptions.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from os.path import commonprefix
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Fit, Rule, Shape
from vlm.weights.io.shards import Shards
from vlm.weights.io.soundness import integer_tensors
from vlm.weights.own import own_config, own_fit, own_processor
from vlm.weights.pvc.assumptions import assumptions
from vlm.weights.pvc.proposal import propose
from vlm.weights.pvc.published import MODEL_TYPE, OVERRIDES, Published, is_published, open_published
from vlm.weights.tensor_table import collapsed, shape_text, table

if TYPE_CHECKING:
    from vlm.config import PVCConfig


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
    numbers = sum(prod(shape) for shape in shards.shapes.values())
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
        (_braced(rule.sources), shape_text(shapes[rule.sources[0]]), _becomes(rule))
        for rule in fit.rules
    ]
    yield from table(rows if all_tensors else collapsed(rows))
    if fit.dropped:
        yield from table([(name, shape_text(shapes[name]), "not used") for name in fit.dropped])


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
        rows = [(name, shape_text(shapes[name]) if name in shapes else "", "") for name in names]
        if rows:
            yield f"  {title}:"
            yield from (f"  {line}" for line in table(rows if all_tensors else collapsed(rows)))
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


def _unknowns(published: Published) -> Iterator[str]:
    """Lists what is unknown about PVC and what is assumed here (docs/models.md has the reasons)."""
    yield ""
    yield f"What is unknown about PVC, and what is assumed here (fields for {OVERRIDES})"
    rows = list(assumptions(published))
    width = max(len(what) for what, _, _ in rows)
    field_width = max(len(field) for _, field, _ in rows)
    for what, field, evidence in rows:
        yield f"  {what:<{width}}  {field:<{field_width}}  {evidence}"
