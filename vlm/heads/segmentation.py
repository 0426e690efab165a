"""Masks from words: every patch of every frame against class names, or against sentences.

    D(z) = o + MLP(LN(o)),   o = W_o W_v z        the value path of SigLIP's attention pooling
    logits = cos(D(z), c) exp(s) + b              upsampled from the patches to the frame's pixels

The pooled feature is a weighted mean of values, so the same path on one patch gives that patch a
feature in the text's space (StreamFormer). A head has its own copy of the path, which is trained.
An encoder without attention pooling has one linear layer in its place.

Training is cross-entropy over the texts on foreground pixels. StreamFormer ignores the background,
so what it is cannot be read from such a head alone; with a weight above 0, a learned vector stands
for the background, which masks need without a downstream model. Masks are of classes; instances
are their connected parts in space and time (`vlm.heads.connected`).
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import VideoEncoder, VideoFeatures
from vlm.heads.alignment import Alignment
from vlm.layers.attention_pooling import AttentionPooling


class ValuePath(nn.Module):
    """Tokens [..., C] -> [..., P], as attention pooling would treat a single one."""

    def __init__(self, pooling: AttentionPooling) -> None:
        super().__init__()
        C = pooling.attn.proj.in_features
        self.value = nn.Linear(C, C)
        with torch.no_grad():
            self.value.weight.copy_(pooling.attn.qkv.weight[2 * C :])
            self.value.bias.copy_(pooling.attn.qkv.bias[2 * C :])
        self.proj = copy.deepcopy(pooling.attn.proj)
        self.norm = copy.deepcopy(pooling.norm)
        self.mlp = copy.deepcopy(pooling.mlp)

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(self.value(x))
        return x + self.mlp(self.norm(x))


class SegmentationHead(nn.Module):
    """Tokens of T frames and K texts -> logits of every pixel."""

    def __init__(self, tower: VideoEncoder, text_dim: int, background: bool) -> None:
        super().__init__()
        pooling = getattr(tower, "head", None)
        self.dense: nn.Module = nn.Linear(tower.dim, text_dim)
        if isinstance(pooling, AttentionPooling):
            path = ValuePath(pooling)
            fits = tower.dim == text_dim
            self.dense = path if fits else nn.Sequential(path, nn.Linear(tower.dim, text_dim))
        self.align = Alignment("sigmoid")
        self.background = nn.Parameter(torch.randn(text_dim) * 0.02) if background else None

    def forward(self, features: VideoFeatures, texts: Tensor) -> Tensor:
        """Features of T frames and unit features [K, P] -> logits [B, T, K, H, W] of the patches.

        With a background there are K + 1; it is the last.
        """
        H, W = features.grid
        x = F.normalize(self.dense(features.tokens).float(), dim=-1)
        if self.background is not None:
            texts = torch.cat([texts, F.normalize(self.background, dim=-1)[None]])
        logits = self.align(x, texts)  # [B, T, N, K]
        return logits.transpose(2, 3).unflatten(-1, (H, W))


def upsampled(logits: Tensor, height: int, width: int) -> Tensor:
    """[B, T, K, H, W] of patches -> [B, T, K, height, width], bilinear."""
    B, T = logits.shape[:2]
    large = F.interpolate(
        logits.flatten(0, 1), (height, width), mode="bilinear", align_corners=False
    )
    return large.unflatten(0, (B, T))


def mask_logits(logits: Tensor, background: bool) -> Tensor:
    """Logits over texts and background [B, T, K (+ 1), H, W] -> of each text's mask [B, T, K, ...].

    Above 0: the text is likelier than the background; without one, than all other texts.
    """
    if background:
        return logits[:, :, :-1] - logits[:, :, -1:]
    if logits.shape[2] == 1:
        return logits
    others = [
        torch.cat([logits[:, :, :k], logits[:, :, k + 1 :]], dim=2).amax(dim=2, keepdim=True)
        for k in range(logits.shape[2])
    ]
    return logits - torch.cat(others, dim=2)
