"""InternViT's image transformer as far as a PVC tower needs it: below the temporal layers.

Pre-norm LayerNorm, learned positions, a CLS token, LayerScale, no norm at the end (OpenGVLab's
InternViT-300M-448px; in transformers, `InternVLVisionModel` with LayerNorm and attention bias).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.layers.attention import Attention
from vlm.layers.checkpointing import Checkpointing
from vlm.layers.mlp import MLP
from vlm.layers.position import resize_positions


@dataclass(frozen=True)
class BlockStyle:
    """In what the pre-norm blocks of InternViT, CLIP and SigLIP differ."""

    layer_scale: float | None = 0.1  # where LayerScale starts; None: there is none
    activation: str = "gelu"
    eps: float = 1e-6


INTERNVIT = BlockStyle()


class ViTBlock(Checkpointing):
    """x += ls1 * MHA(LN(x)); x += ls2 * FFN(LN(x))."""

    def __init__(
        self, dim: int, num_heads: int, mlp_dim: int, style: BlockStyle = INTERNVIT
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=style.eps)
        self.attn = Attention(dim, num_heads)
        self.ls1 = layer_scale(dim, style.layer_scale)
        self.norm2 = nn.LayerNorm(dim, eps=style.eps)
        self.mlp = MLP(dim, mlp_dim, activation=style.activation)
        self.ls2 = layer_scale(dim, style.layer_scale)

    def forward(self, x: Tensor) -> Tensor:
        """[F, prefix + N, C] -> the same."""
        return self.run(self._layer, x)

    def _layer(self, x: Tensor) -> Tensor:
        x = x + self.ls1 * self.attn(self.norm1(x))[0]
        return x + self.ls2 * self.mlp(self.norm2(x))


def layer_scale(dim: int, start: float | None) -> nn.Parameter | float:
    """A learned scale of each channel of a branch, or 1 where the system has none."""
    return 1.0 if start is None else nn.Parameter(torch.full((dim,), start))


class ViT(ImageBackbone):
    """Patches, CLS, positions and `depth` blocks."""

    num_prefix = 1
    num_classes = 0

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        dim: int,
        depth: int,
        num_heads: int,
        mlp_dim: int,
        style: BlockStyle = INTERNVIT,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.patch_size = patch_size
        num_patches = (image_size // patch_size) ** 2
        self.class_embedding = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.patch_embedding = nn.Conv2d(3, dim, patch_size, stride=patch_size)
        self.position_embedding = nn.Parameter(torch.randn(1, 1 + num_patches, dim) * 0.02)
        self.layers = nn.ModuleList(ViTBlock(dim, num_heads, mlp_dim, style) for _ in range(depth))

    def grid(self, height: int, width: int) -> tuple[int, int]:
        return height // self.patch_size, width // self.patch_size

    def forward(self, images: Tensor) -> ImageTokens:
        grid = self.grid(*images.shape[-2:])
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)  # [F, N, C]
        x = torch.cat([self.class_embedding.expand(len(images), -1, -1), patches], dim=1)
        x = x + resize_positions(self.position_embedding, grid)
        for layer in self.layers:
            x = layer(x)
        return ImageTokens(x, grid)
