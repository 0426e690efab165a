"""Writes adapters.safetensors: AIM, VPT, AdaptFormer, ST-Adapter and Pro-tuning, written out.

python -m tests.goldens.make_adapters
"""

import torch
from torch import Tensor

from tests import golden
from tests.goldens import plain
from tests.goldens.plain import Weights, linear, mlp, norm, quick_gelu, self_attention
from vlm.encoders import PRESETS, build_tower

HEADS, DEPTH, PATCH = 2, 2, 8  # of all presets here


def adapter(w: Weights, name: str, x: Tensor, act: object = plain.gelu) -> Tensor:
    return linear(w, f"{name}.up", act(linear(w, f"{name}.down", x)))  # type: ignore[operator]


def aim(w: Weights, clip: Tensor) -> Tensor:
    """One clip [T, 3, H, W] -> [T, 1 + N, C]; the preset with an adapter in front, s = 0.5."""
    x = plain.clip_stem(w, clip, PATCH, w["time"][0][:, None])
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        over_time = torch.zeros_like(x)
        for n in range(x.shape[1]):  # one patch, or CLS, through the frames
            u = norm(w, f"{b}.norm1", x[:, n])
            u = u + adapter(w, f"{b}.time_in_adapter", u)
            u = self_attention(w, f"{b}.attn", u, HEADS)
            over_time[:, n] = adapter(w, f"{b}.time_adapter", u)
        x = x + over_time
        for t in range(len(x)):
            u = self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x[t]), HEADS)
            x[t] = x[t] + u + adapter(w, f"{b}.space_adapter", u)
        u = norm(w, f"{b}.norm2", x)
        x = x + mlp(w, f"{b}.mlp", u) + 0.5 * adapter(w, f"{b}.mlp_adapter", u)
    return norm(w, "norm", x)


def vpt(w: Weights, clip: Tensor, deep: bool) -> Tensor:
    """The code's order: CLS, prompts, patches."""
    x, prompts = plain.clip_stem(w, clip, PATCH), w["prompts"]
    P = prompts.shape[1]
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        if layer == 0 or deep:
            patches = x[:, 1:] if layer == 0 else x[:, 1 + P :]
            x = torch.cat([x[:, :1], prompts[layer].expand(len(x), -1, -1), patches], 1)
        x = x + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x), HEADS)
        x = x + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", x))
    return norm(w, "norm", torch.cat([x[:, :1], x[:, 1 + P :]], 1))


def adaptformer(w: Weights, clip: Tensor) -> Tensor:
    x = plain.clip_stem(w, clip, PATCH)
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        x = x + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x), HEADS)
        beside = 0.1 * adapter(w, f"{b}.adapter", x, torch.relu)
        x = x + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", x)) + beside
    return norm(w, "norm", x)


def st_adapter(w: Weights, clip: Tensor, before: str, causal: bool) -> Tensor:
    def detour(name: str, x: Tensor) -> Tensor:
        h = plain.depthwise_time(
            w, f"{name}.conv", linear(w, f"{name}.down", x[:, 1:]), 2 if causal else 1
        )
        return torch.cat([x[:, :1], x[:, 1:] + linear(w, f"{name}.up", h)], 1)

    x = plain.clip_stem(w, clip, PATCH)
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        if "attention" in before:
            x = detour(f"{b}.attn_adapter", x)
        x = x + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x), HEADS)
        x = detour(f"{b}.mlp_adapter", x)
        x = x + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", x), quick_gelu)
    return x  # before the last norm, which stands behind the mean


def pro_tuning(w: Weights, clip: Tensor) -> Tensor:
    x = plain.clip_stem(w, clip, PATCH)
    side = int((x.shape[1] - 1) ** 0.5)
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        x = x + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x), HEADS)
        x = x + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", x))
        flat = {k: v.flatten(1) if v.dim() == 4 and v.shape[-1] == 1 else v for k, v in w.items()}
        for t in range(len(x)):
            h = linear(flat, f"{b}.prompt.down", x[t, 1:]).unflatten(0, (side, side))
            h = plain.depthwise_image(w, f"{b}.prompt.conv", h, 5).flatten(0, 1)
            x[t, 1:] = x[t, 1:] + linear(flat, f"{b}.prompt.up", h)
    return norm(w, "norm", x)


REFERENCES = {
    "aim-test": aim,
    "vpt-deep-test": lambda w, clip: vpt(w, clip, deep=True),
    "vpt-shallow-test": lambda w, clip: vpt(w, clip, deep=False),
    "adaptformer-clip-test": adaptformer,
    "st-adapter-test": lambda w, clip: st_adapter(w, clip, "attention mlp", causal=False),
    "st-adapter-causal-test": lambda w, clip: st_adapter(w, clip, "mlp", causal=True),
    "pro-tuning-test": pro_tuning,
}


def main() -> None:
    clip = golden.clip(2, 4, 16).double()
    out = {}
    for name, reference in REFERENCES.items():
        tower = build_tower(PRESETS[name].tower)
        golden.fill(tower)
        w = plain.weights_of(tower)
        tokens = torch.stack([reference(w, one) for one in clip])
        out[f"{name}.tokens"] = tokens[:, :, 1:].float()
        pooled = tokens[:, :, 0].mean(1)
        if name.startswith("st-adapter"):
            out[f"{name}.tokens"] = norm(w, "norm", tokens)[:, :, 1:].float()
            pooled = norm(w, "norm", pooled)
        out[f"{name}.pooled"] = pooled.float()
    golden.write("adapters", out)


if __name__ == "__main__":
    main()
