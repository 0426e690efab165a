"""Writes uniformerv2.safetensors: UniFormerV2 and its four fusions, written out.

python -m tests.goldens.make_uniformerv2
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from tests import golden
from tests.goldens import plain
from tests.goldens.plain import Weights, attention, linear, mlp, norm, self_attention
from vlm.encoders import PRESETS, build_tower

HEADS, DEPTH, PATCH, GLOBAL = 2, 2, 8, 2
NAMES = ("", "ssv2-", "parallel-", "keys-", "queries-", "frozen-")


def stem(w: Weights, clip: Tensor, stride: int) -> Tensor:
    """One clip [T, 3, S, S] -> [T', 1 + N, C]; with a stride, three frames make one."""
    if stride == 1:
        return plain.clip_stem(w, clip, PATCH)
    kernel = w["stem.patch_embedding.weight"]  # [C, 3, 3, P, P]
    padded = F.pad(clip, (0, 0, 0, 0, 0, 0, 1, 1))
    steps = []
    for t in range(0, len(clip), stride):
        parts = [
            plain.patches({"k.weight": kernel[:, :, i]}, "k", padded[t + i], PATCH)
            for i in range(3)
        ]
        steps.append(sum(parts))
    x = torch.stack(steps)  # type: ignore[arg-type]
    cls = w["stem.class_embedding"][0].expand(len(x), 1, -1)
    return norm(w, "stem.pre_norm", torch.cat([cls, x], 1) + w["stem.position_embedding"][0])


def local_time(w: Weights, name: str, x: Tensor) -> Tensor:
    """Adds LT on patches of [T, 1 + N, C], with running statistics."""
    if f"{name}.up.weight" not in w:
        return x
    n = f"{name}.norm"
    scale = w[f"{n}.weight"] / torch.sqrt(w[f"{n}.running_var"] + 1e-5)
    h = (x[:, 1:] - w[f"{n}.running_mean"]) * scale + w[f"{n}.bias"]
    flat = {key: value.flatten(1) if value.dim() == 5 else value for key, value in w.items()}
    h = linear(flat, f"{name}.down", h)
    h = linear(flat, f"{name}.up", plain.depthwise_time(w, f"{name}.conv", h))
    return torch.cat([x[:, :1], x[:, 1:] + h], 1)


def gather(w: Weights, g: str, q: Tensor, x: Tensor, before: Tensor | None) -> Tensor:
    """q [Q, C] and all tokens [T, 1 + N, C] -> q."""
    T, N, C = x.shape
    side = int((N - 1) ** 0.5)
    patches = x[:, 1:].reshape(T, side, side, C)
    kernel, padded = w[f"{g}.positions.weight"], F.pad(patches, (0, 0, 1, 1, 1, 1, 1, 1))
    change = torch.zeros_like(patches)
    for i in range(3):
        for j in range(3):
            for k in range(3):
                part = padded[i : i + T, j : j + side, k : k + side]
                change += kernel[:, 0, i, j, k] * part
    change = (change + w[f"{g}.positions.bias"]).reshape(T, N - 1, C)
    keys = torch.cat([x[:, :1], x[:, 1:] + change], 1).reshape(T * N, C)
    if before is not None:
        keys = torch.cat([before, keys])
    u = norm(w, f"{g}.key_norm", keys)
    _, k, v = linear(w, f"{g}.attn.qkv", u).chunk(3, -1)
    p = linear(w, f"{g}.attn.qkv", norm(w, f"{g}.query_norm", q)).chunk(3, -1)[0]
    q = q + linear(w, f"{g}.attn.proj", attention(p, k, v, HEADS))
    return q + mlp(w, f"{g}.mlp", norm(w, f"{g}.norm", q))


def reference(w: Weights, clip: Tensor, fusion: str, stride: int) -> tuple[Tensor, Tensor]:
    x, results = stem(w, clip, stride), []
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        x = local_time(w, f"{b}.time1", x)
        x = x + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x), HEADS)
        x = local_time(w, f"{b}.time2", x)
        x = x + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", x))
        number = layer - (DEPTH - GLOBAL)
        if number < 0:
            continue
        last = results[-1] if results else None
        own = w["queries"][0 if fusion == "sequential" else number]
        if fusion == "sequential" and last is not None:
            own = last
        if fusion == "queries" and last is not None:
            own = torch.cat([last, own])
        before = last if fusion == "keys" else None
        results.append(gather(w, f"global_blocks.{number}", own, x, before))
    out = results[-1].mean(0)
    if fusion == "parallel":
        out = linear(w, "combine", torch.cat(results, -1))[0]
    if "balance" in w:
        share = torch.sigmoid(w["balance"])
        out = (1 - share) * out + share * x[:, 0].mean(0)
    return x[:, 1:], norm(w, "norm", out)


def main() -> None:
    clip = golden.clip(1, 4, 16).double()
    out = {}
    for part in NAMES:
        name = f"uniformerv2-{part}test"
        options = PRESETS[name].tower.options
        tower = build_tower(PRESETS[name].tower)
        golden.fill(tower)
        tokens, pooled = reference(
            plain.weights_of(tower),
            clip[0],
            options.get("fusion", "sequential"),
            options.get("time_stride", 1),
        )
        out[f"{name}.tokens"], out[f"{name}.pooled"] = tokens[None].float(), pooled[None].float()
    golden.write("uniformerv2", out)


if __name__ == "__main__":
    main()
