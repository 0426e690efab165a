"""Writes streamformer.safetensors: StreamFormer written out, frame by frame.

python -m tests.goldens.make_streamformer
"""

import torch
from torch import Tensor

from tests import golden
from tests.goldens import plain
from tests.goldens.plain import Weights, attention, linear, mlp, norm, self_attention
from vlm.encoders import PRESETS, build_tower

HEADS, DEPTH, PATCH, EPS = 2, 2, 8, 1e-6


def lora(w: Weights, name: str, x: Tensor) -> Tensor:
    return linear(w, name, x) + x @ w[f"{name}.lora_a"].T @ w[f"{name}.lora_b"].T


def entries(w: Weights, rule: str, T: int) -> Tensor:
    table = w["time"][0]
    size = len(table)
    index = {
        "modulo": [t % size for t in range(T)],
        "clamp": [min(t, size - 1) for t in range(T)],
        "stretch": [t * size // T for t in range(T)],
    }[rule]
    return table[index]


def reference(w: Weights, clip: Tensor, rule: str, window: int) -> tuple[Tensor, Tensor]:
    """One clip [T, 3, S, S] -> patches [T, N, C], pooled [T, C]."""
    z = plain.patches(w, "stem.patch_embedding", clip, PATCH)
    z = z + w["stem.position_embedding"][0]
    T = len(z)
    z = z + entries(w, rule, T)[:, None]
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        u, change = norm(w, f"{b}.time_norm", z, EPS), torch.zeros_like(z)
        for t in range(T):
            seen = u[max(0, t - window + 1) : t + 1].transpose(0, 1)  # [N, frames, C]
            q = linear(w, f"{b}.time_attn.qkv", seen[:, -1:]).chunk(3, -1)[0]
            k, v = linear(w, f"{b}.time_attn.qkv", seen).chunk(3, -1)[1:]
            h = linear(w, f"{b}.time_attn.proj", attention(q, k, v, HEADS))
            change[t] = linear(w, f"{b}.time_dense", h)[:, 0]
        z = z + torch.tanh(w[f"{b}.gate"]) * change
        u = norm(w, f"{b}.norm1", z, EPS)
        if f"{b}.attn.qkv.lora_a" in w:
            q, k, v = lora(w, f"{b}.attn.qkv", u).chunk(3, -1)
            z = z + lora(w, f"{b}.attn.proj", attention(q, k, v, HEADS))
        else:
            z = z + self_attention(w, f"{b}.attn", u, HEADS)
        z = z + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", z, EPS), plain.tanh_gelu)
    z = norm(w, "norm", z, EPS)
    q = linear(w, "head.attn.qkv", w["head.probe"][0]).chunk(3, -1)[0]
    _, k, v = linear(w, "head.attn.qkv", z).chunk(3, -1)
    p = linear(w, "head.attn.proj", attention(q, k, v, HEADS))
    return z, (p + mlp(w, "head.mlp", norm(w, "head.norm", p, EPS), plain.tanh_gelu))[:, 0]


def main() -> None:
    clip = golden.clip(1, 5, 16).double()
    out = {}
    for name, rule, window in (
        ("streamformer-test", "modulo", 3),
        ("streamformer-clamp-test", "clamp", 99),
        ("streamformer-stretch-test", "stretch", 99),
    ):
        tower = build_tower(PRESETS[name].tower)
        golden.fill(tower)
        tokens, frames = reference(plain.weights_of(tower), clip[0], rule, window)
        out[f"{name}.tokens"], out[f"{name}.frames"] = tokens[None].float(), frames[None].float()
    golden.write("streamformer", out)


if __name__ == "__main__":
    main()
