"""InternViT's image transformer as far as a PVC tower needs it: below the temporal layers.

Pre-norm LayerNorm, learned positions, a CLS token, LayerScale, no norm at the end (OpenGVLab's
InternViT-300M-448px; in transformers, `InternVLVisionModel` with LayerNorm and attention bias).
"""

import torch
from torch import Tensor, nn

from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.layers.attention import Attention
from vlm.layers.mlp import MLP
from vlm.layers.position import resize_positions


class ViTBlock(nn.Module):
    """x += ls1 * MHA(LN(x)); x += ls2 * FFN(LN(x))."""

    def __init__(self, dim: int, num_heads: int, mlp_dim: int, layer_scale: float = 0.1) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads)
        self.ls1 = nn.Parameter(torch.full((dim,), layer_scale))
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, mlp_dim)
        self.ls2 = nn.Parameter(torch.full((dim,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        """[F, 1 + N, C] -> the same."""
        x = x + self.ls1 * self.attn(self.norm1(x))[0]
        return x + self.ls2 * self.mlp(self.norm2(x))


class ViT(ImageBackbone):
    """Patches, CLS, positions and `depth` blocks."""

    num_prefix = 1
    num_classes = 0

    def __init__(
        self, image_size: int, patch_size: int, dim: int, depth: int, num_heads: int, mlp_dim: int
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise ValueError(
                f"pictures of {image_size} px do not divide into patches of {patch_size}"
            )
        self.dim = dim
        self.patch_size = patch_size
        self.gradient_checkpointing = False  # set, with its function, by transformers
        num_patches = (image_size // patch_size) ** 2
        self.class_embedding = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.patch_embedding = nn.Conv2d(3, dim, patch_size, stride=patch_size)
        self.position_embedding = nn.Parameter(torch.randn(1, 1 + num_patches, dim) * 0.02)
        self.layers = nn.ModuleList(ViTBlock(dim, num_heads, mlp_dim) for _ in range(depth))

    def grid(self, height: int, width: int) -> tuple[int, int]:
        return height // self.patch_size, width // self.patch_size

    def forward(self, images: Tensor) -> ImageTokens:
        grid = self.grid(*images.shape[-2:])
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)  # [F, N, C]
        x = torch.cat([self.class_embedding.expand(len(images), -1, -1), patches], dim=1)
        x = x + resize_positions(self.position_embedding, grid)
        for layer in self.layers:
            if self.gradient_checkpointing and self.training:
                x = self._gradient_checkpointing_func(layer.__call__, x)
            else:
                x = layer(x)
        return ImageTokens(x, grid)
