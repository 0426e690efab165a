"""CLIP's image transformer (arXiv 2103.00020) as a backbone, as far as it goes without time.

A CLS token, learned positions, a norm in front of the first block ("pre_layrnorm" in transformers),
then pre-norm blocks without LayerScale. OpenAI's weights want quick_gelu, OpenCLIP's mostly gelu.
CLIP's last norm is for its pooled CLS alone and is not part of the tower.
"""

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import BlockStyle, ViTBlock
from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.layers.position import resize_positions

CLIP_STYLE = BlockStyle(layer_scale=None, activation="quick_gelu", eps=1e-5)


class CLIP(ImageBackbone):
    """Patches without a bias, CLS, positions, a norm and `depth` blocks."""

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
        style: BlockStyle = CLIP_STYLE,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.patch_size = patch_size
        num_patches = (image_size // patch_size) ** 2
        self.class_embedding = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.patch_embedding = nn.Conv2d(3, dim, patch_size, stride=patch_size, bias=False)
        self.position_embedding = nn.Parameter(torch.randn(1, 1 + num_patches, dim) * 0.02)
        self.pre_norm = nn.LayerNorm(dim, eps=style.eps)
        self.layers = nn.ModuleList(ViTBlock(dim, num_heads, mlp_dim, style) for _ in range(depth))

    def grid(self, height: int, width: int) -> tuple[int, int]:
        return height // self.patch_size, width // self.patch_size

    def forward(self, images: Tensor) -> ImageTokens:
        grid = self.grid(*images.shape[-2:])
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)  # [F, N, C]
        x = torch.cat([self.class_embedding.expand(len(images), -1, -1), patches], dim=1)
        x = self.pre_norm(x + resize_positions(self.position_embedding, grid))
        for layer in self.layers:
            x = layer(x)
        return ImageTokens(x, grid)
