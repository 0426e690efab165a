"""Writes timesformer.safetensors: the two schemes that no library has, written out.

python -m tests.goldens.make_timesformer
"""

import torch
from torch import Tensor

from tests import golden
from tests.goldens import plain
from tests.goldens.plain import Weights, linear, mlp, norm, self_attention
from vlm.encoders import PRESETS, build_tower

HEADS, DEPTH, PATCH, EPS = 2, 2, 8, 1e-6
Place = tuple[int, int, int]  # frame, row, column


def neighbors(name: str, places: list[Place], H: int, W: int) -> list[list[Place]]:
    """The sets of places that attend to one another."""
    keys = {
        "time": lambda t, y, x: (y, x),
        "width": lambda t, y, x: (t, y),
        "height": lambda t, y, x: (t, x),
        "local": lambda t, y, x: (y >= H // 2, x >= W // 2),
        "global": lambda t, y, x: (t % 2, y % 2, x % 2),
    }
    groups: dict[object, list[Place]] = {}
    for place in places:
        groups.setdefault(keys[name](*place), []).append(place)
    return list(groups.values())


def reference(w: Weights, clip: Tensor, first: list[str], last: str) -> tuple[Tensor, Tensor]:
    """One clip [T, 3, S, S] -> patches [T, N, C], CLS [C]; tokens are held in a dict by place."""
    x = plain.patches(w, "stem.patch_embedding", clip, PATCH)
    positions = w["stem.position_embedding"][0]
    cls = w["stem.class_embedding"][0, 0] + positions[0]
    side = clip.shape[-1] // PATCH
    token = {
        (t, y, c): x[t, y * side + c] + positions[1 + y * side + c] + w["time"][0, t]
        for t in range(len(clip))
        for y in range(side)
        for c in range(side)
    }
    places = list(token)
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        for index, name in enumerate(first):
            p, change = f"{b}.first.{index}", {}
            for group in neighbors(name, places, side, side):
                h = norm(w, f"{p}.norm", torch.stack([token[i] for i in group]), EPS)
                h = linear(w, f"{p}.out", self_attention(w, f"{p}.attn", h, HEADS))
                change.update(zip(group, h, strict=True))
            token = {i: token[i] + change[i] for i in places}
        groups = neighbors(last, places, side, side)
        changes, of_cls = {}, []
        for group in groups:
            h = torch.stack([cls, *(token[i] for i in group)])
            h = self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", h, EPS), HEADS)
            of_cls.append(h[0])
            changes.update(zip(group, h[1:], strict=True))
        cls = cls + torch.stack(of_cls).mean(0)
        token = {i: token[i] + changes[i] for i in places}
        cls = cls + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", cls, EPS), plain.gelu)
        token = {
            i: v + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", v, EPS), plain.gelu)
            for i, v in token.items()
        }
    out = torch.stack([token[i] for i in places]).unflatten(0, (len(clip), -1))
    return norm(w, "norm", out, EPS), norm(w, "norm", cls, EPS)


def main() -> None:
    clip = golden.clip(1, 4, 32).double()
    out = {}
    for scheme, first, last in (
        ("local-global", ["local"], "global"),
        ("axial", ["time", "width"], "height"),
    ):
        tower = build_tower(golden.larger(PRESETS[f"timesformer-{scheme}-test"].tower))
        golden.fill(tower)
        tokens, cls = reference(plain.weights_of(tower), clip[0], first, last)
        out[f"{scheme}.tokens"], out[f"{scheme}.pooled"] = tokens[None].float(), cls[None].float()
    golden.write("timesformer", out)


if __name__ == "__main__":
    main()
