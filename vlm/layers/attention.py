"""Multi-head self-attention over one axis, plain or causal, with an optional cache.

One leaf serves both attentions of PVC: spatial (the patches of one frame) and temporal (one patch
through the frames, causal). The block decides which axis it runs over.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.layers.kv_cache import KeyValues


class Attention(nn.Module):
    """Self-attention with one fused projection for queries, keys and values (InternViT's layout).

    `qkv` has the rows of q, then k, then v, each `num_heads` groups of `dim / num_heads`.
    """

    def __init__(self, dim: int, num_heads: int, qkv_bias: bool = True) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"a width of {dim} is not divisible by {num_heads} heads")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self,
        x: Tensor,
        causal: bool = False,
        past: KeyValues | None = None,
        window: int | None = None,
    ) -> tuple[Tensor, KeyValues]:
        """[B, L, C] -> [B, L, C], and the keys and values of all positions so far.

        With `past`, the L positions follow the past ones; with `causal`, each sees itself and the
        positions before it, with `window` only the last `window` of these. The returned ones are
        then only those that later positions see.
        """
        B, L, C = x.shape
        qkv = self.project(x).view(B, L, 3, self.num_heads, C // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, L, C/heads]
        if past is not None:
            k = torch.cat([past.keys, k], dim=2)
            v = torch.cat([past.values, v], dim=2)
        mask = None
        P = k.shape[2] - L
        if causal and L > 1 and (past is not None or window is not None):
            # Row i is position P + i of P + L: it sees the first P + i + 1.
            mask = torch.ones(L, P + L, dtype=torch.bool, device=x.device).tril(P)
            if window is not None:
                mask = mask.triu(P - window + 1)
        out = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=causal and past is None and window is None
        )
        out = out.transpose(1, 2).reshape(B, L, C)
        if window is not None:
            k, v = (x[:, :, max(0, P + L - window + 1) :] for x in (k, v))
        return self.proj(out), KeyValues(k, v)

    def project(self, x: Tensor) -> Tensor:
        """[B, L, C] -> queries, keys and values side by side, [B, L, 3 C]."""
        return self.qkv(x)


class KeyBiasFreeAttention(Attention):
    """Queries and values have biases, keys have none, as in BEiT and VideoMAE."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__(dim, num_heads, qkv_bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim))
        self.v_bias = nn.Parameter(torch.zeros(dim))

    def project(self, x: Tensor) -> Tensor:
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        return F.linear(x, self.qkv.weight, bias)


class CrossAttention(nn.Module):
    """Queries from one sequence, keys and values from another.

    `qkv` has the rows of q, then k, then v, as in `Attention` and in torch's MultiheadAttention.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"a width of {dim} is not divisible by {num_heads} heads")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x [B, Q, C], context [B, L, C] -> [B, Q, C]."""
        C = x.shape[-1]
        heads = (self.num_heads, C // self.num_heads)
        weight, bias = self.qkv.weight, self.qkv.bias
        q = F.linear(x, weight[:C], bias[:C]).unflatten(-1, heads)
        q = q.transpose(1, 2)  # [B, heads, Q, C/heads]
        kv = F.linear(context, weight[C:], bias[C:])
        k, v = kv.unflatten(-1, (2, *heads)).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v)
        return self.proj(out.transpose(1, 2).flatten(2))
