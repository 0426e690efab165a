"""Transformer parts written out in float64, one head and one sequence axis at a time.

The reference scripts beside this file compute with these, not with the library's layers. Weights
are a dict by our names.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Weights = Mapping[str, Tensor]


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """All tensors of a module in float64."""
    return {name: tensor.double() for name, tensor in module.state_dict().items()}


def norm(w: Weights, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
    """LayerNorm over the last axis."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    """x W^T + b."""
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Softmax attention of projected q [..., L, C], k and v [..., S, C]; mask True where seen."""
    out = []
    for one_q, one_k, one_v in zip(
        q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1), strict=True
    ):
        logits = one_q @ one_k.transpose(-1, -2) / math.sqrt(one_q.shape[-1])
        if mask is not None:
            logits = logits.masked_fill(~mask, -math.inf)
        out.append(torch.softmax(logits, -1) @ one_v)
    return torch.cat(out, -1)


def self_attention(
    w: Weights, name: str, x: Tensor, heads: int, mask: Tensor | None = None
) -> Tensor:
    """x [..., L, C] -> the same, with the output projection."""
    q, k, v = linear(w, f"{name}.qkv", x).chunk(3, -1)
    return linear(w, f"{name}.proj", attention(q, k, v, heads, mask))


def quick_gelu(x: Tensor) -> Tensor:
    """CLIP's activation."""
    return x / (1 + torch.exp(-1.702 * x))


def gelu(x: Tensor) -> Tensor:
    """The exact GELU."""
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def tanh_gelu(x: Tensor) -> Tensor:
    """SigLIP's activation."""
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def mlp(w: Weights, name: str, x: Tensor, act: object = quick_gelu) -> Tensor:
    """Two linear layers."""
    return linear(w, f"{name}.fc2", act(linear(w, f"{name}.fc1", x)))  # type: ignore[operator]


def patches(w: Weights, name: str, image: Tensor, size: int) -> Tensor:
    """A convolution with stride = kernel as a matrix: images [..., 3, H, W] -> [..., N, C]."""
    rows = []
    H, W = image.shape[-2:]
    kernel = w[f"{name}.weight"].flatten(1)
    for y in range(0, H - size + 1, size):
        for x in range(0, W - size + 1, size):
            patch = image[..., y : y + size, x : x + size].flatten(-3)
            rows.append(patch @ kernel.T)
    out = torch.stack(rows, -2)
    return out + w[f"{name}.bias"] if f"{name}.bias" in w else out


def clip_stem(w: Weights, frame: Tensor, size: int, added: Tensor | float = 0.0) -> Tensor:
    """CLIP's tokens of frames [..., 3, H, W] before the first block; `added` in front of ln_pre."""
    x = patches(w, "stem.patch_embedding", frame, size)
    cls = w["stem.class_embedding"][0].expand(*x.shape[:-2], 1, x.shape[-1])
    x = torch.cat([cls, x], -2) + w["stem.position_embedding"][0] + added
    return norm(w, "stem.pre_norm", x)


def depthwise_time(w: Weights, name: str, x: Tensor, left: int = 1) -> Tensor:
    """A depth-wise convolution over the first axis, [T, ..., C], kernel 3, zeros around."""
    kernel = w[f"{name}.weight"].flatten(1)  # [C, 3]
    T = len(x)
    out = torch.zeros_like(x)
    for t in range(T):
        for k in range(3):
            if 0 <= t + k - left < T:
                out[t] += kernel[:, k] * x[t + k - left]
    return out + w[f"{name}.bias"]


def depthwise_image(w: Weights, name: str, x: Tensor, size: int) -> Tensor:
    """A depth-wise convolution over rows and columns, [H, W, C], zeros around."""
    kernel = w[f"{name}.weight"]  # [C, 1, s, s]
    padded = F.pad(x, (0, 0, size // 2, size // 2, size // 2, size // 2))
    out = torch.zeros_like(x)
    for i in range(size):
        for j in range(size):
            out += kernel[:, 0, i, j] * padded[i : i + x.shape[0], j : j + x.shape[1]]
    return out + w[f"{name}.bias"]
