"""Proposes names for tensors that a release has under other names than assumed."""

import re
from math import prod

from vlm.weights.io.rename import Shape
from vlm.weights.io.shapes import model_shapes
from vlm.weights.pvc.names import ADDED, LAYERS, OURS, theirs
from vlm.weights.pvc.published import Published

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
    return found is not None and (found == expected or prod(found) == 1 == len(expected))


def _similarity(ours: str, name: str) -> tuple[int, int]:
    """Scores a name of the file against one of ours: shared hints, then the last number."""
    hints = sum(
        any(word in name.lower() for word in words) for part, words in HINTS.items() if part in ours
    )
    first = ours.endswith((".0", "fc1"))
    numbers = re.findall(r"\d+", name)
    low = bool(numbers) and int(numbers[-1]) in (0, 1)
    return hints, int(first == low)
