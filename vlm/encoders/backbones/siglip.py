"""SigLIP's and SigLIP2's image transformer (arXiv 2303.15343, 2502.14786) as a backbone.

No CLS token: the grid of patches is all there is. Learned positions, pre-norm blocks without
LayerScale, the tanh form of GELU. A side that does not divide into patches loses the rest of a
patch (384 px in patches of 14 are 27). Their last norm belongs to the last layer's features and
stands above the temporal layers (`TowerConfig.final_norm`).
"""

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import BlockStyle, ViTBlock
from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.layers.position import resize_positions

SIGLIP_STYLE = BlockStyle(layer_scale=None, activation="gelu_pytorch_tanh", eps=1e-6)


class SigLIP(ImageBackbone):
    """Patches, positions and `depth` blocks."""

    num_prefix = 0
    num_classes = 0

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        dim: int,
        depth: int,
        num_heads: int,
        mlp_dim: int,
        style: BlockStyle = SIGLIP_STYLE,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.patch_size = patch_size
        num_patches = (image_size // patch_size) ** 2
        self.patch_embedding = nn.Conv2d(3, dim, patch_size, stride=patch_size)
        self.position_embedding = nn.Parameter(torch.randn(1, num_patches, dim) * 0.02)
        self.layers = nn.ModuleList(ViTBlock(dim, num_heads, mlp_dim, style) for _ in range(depth))

    def grid(self, height: int, width: int) -> tuple[int, int]:
        return height // self.patch_size, width // self.patch_size

    def forward(self, images: Tensor) -> ImageTokens:
        grid = self.grid(*images.shape[-2:])
        x = self.patch_embedding(images).flatten(2).transpose(1, 2)  # [F, N, C]
        x = x + resize_positions(self.position_embedding, grid, num_prefix=0)
        for layer in self.layers:
            x = layer(x)
        return ImageTokens(x, grid)
