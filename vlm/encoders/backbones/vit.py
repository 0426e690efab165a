"""Image transformers as backbones, as far as a PVC tower needs them: below the temporal layers.

Pre-norm blocks on patches with learned positions. Three published families differ in what stands
around the blocks (their blocks differ in `BlockConfig` alone):

    InternViT   CLS                                          LayerScale       eps 1e-6
    CLIP        CLS, a norm before the blocks, no patch bias no LayerScale    eps 1e-5
    SigLIP      no CLS                                       no LayerScale    eps 1e-6

InternViT-300M-448px is OpenGVLab's (in transformers, `InternVLVisionModel` with LayerNorm and
attention bias). CLIP: arXiv 2103.00020; OpenAI's weights need quick_gelu, OpenCLIP's mostly gelu;
CLIP's last norm is for its pooled CLS alone and is not part of the tower. SigLIP and SigLIP2: arXiv
2303.15343 and 2502.14786; their last norm belongs to the last layer's features and stands above
the temporal layers (`TowerConfig.final_norm`).
"""

import torch
from torch import Tensor, nn

from vlm.encoders.base import ImageBackbone, ImageTokens
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.layers.attention import Attention
from vlm.layers.checkpointing import Checkpointing
from vlm.layers.mlp import MLP
from vlm.layers.position import resize_positions


class ViTBlock(Checkpointing):
    """x += ls1 * MHA(LN(x)); x += ls2 * FFN(LN(x))."""

    def __init__(self, config: BlockConfig) -> None:
        super().__init__()
        dim, eps = config.dim, config.norm_eps
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, config.num_heads)
        self.ls1 = layer_scale(dim, config.layer_scale)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = MLP(dim, config.mlp_dim, activation=config.activation)
        self.ls2 = layer_scale(dim, config.layer_scale)

    def forward(self, x: Tensor) -> Tensor:
        """[F, prefix + N, C] -> the same."""
        return self.run(self._layer, x)

    def _layer(self, x: Tensor) -> Tensor:
        x = x + self.ls1 * self.attn(self.norm1(x))[0]
        return x + self.ls2 * self.mlp(self.norm2(x))


def layer_scale(dim: int, start: float | None) -> nn.Parameter | float:
    """Returns a learned scale of each channel of a branch, or 1 if the family has none."""
    return 1.0 if start is None else nn.Parameter(torch.full((dim,), start))


class ViT(ImageBackbone):
    """InternViT: patches, CLS, positions and `depth` blocks."""

    cls_token = True
    norm_before_blocks = False
    patch_bias = True
    position_std: float | None = 0.02  # of fresh positions; None: 1 / sqrt(dim)
    whole_patches = True  # the image size must be a multiple of the patch size

    def __init__(self, *, image_size: int, patch_size: int, depth: int, block: BlockConfig) -> None:
        super().__init__()
        dim = self.dim = block.dim
        self.stride = patch_size
        self.num_prefix = int(self.cls_token)
        num_positions = self.num_prefix + (image_size // patch_size) ** 2
        if self.cls_token:
            self.class_embedding = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.patch_embedding = nn.Conv2d(
            3, dim, patch_size, stride=patch_size, bias=self.patch_bias
        )
        std = self.position_std or dim**-0.5
        self.position_embedding = nn.Parameter(torch.randn(1, num_positions, dim) * std)
        self.pre_norm = (
            nn.LayerNorm(dim, eps=block.norm_eps) if self.norm_before_blocks else nn.Identity()
        )
        self.layers = nn.ModuleList(ViTBlock(block) for _ in range(depth))

    @classmethod
    def from_config(cls, config: TowerConfig) -> "ViT":
        backbone = config.backbone
        return cls(
            image_size=config.image_size,
            patch_size=backbone.patch_size,
            depth=backbone.depth,
            block=config.block,
        )

    @classmethod
    def stride_of(cls, config: TowerConfig) -> int:
        patch = config.backbone.patch_size
        if cls.whole_patches and config.image_size % patch:
            raise ValueError(
                f"image_size {config.image_size} is not a multiple of patch_size {patch}"
            )
        return patch

    def embed(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """images [F, 3, H, W] -> patches with positions [F, prefix + N, C], before any norm."""
        grid = self.grid(*images.shape[-2:])
        x = self.patch_embedding(images).flatten(2).transpose(1, 2)  # [F, N, C]
        return self.place(x, grid), grid

    def place(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """Puts CLS in front of patches [F, N, C] and adds positions."""
        x = patches
        if self.cls_token:
            x = torch.cat([self.class_embedding.expand(len(x), -1, -1), x], dim=1)
        return x + resize_positions(self.position_embedding, grid, self.num_prefix)

    def forward(self, images: Tensor) -> ImageTokens:
        x, grid = self.embed(images)
        x = self.pre_norm(x)
        for layer in self.layers:
            x = layer(x)
        return ImageTokens(x, grid)


class CLIP(ViT):
    """CLIP's: a norm in front of the first block ("pre_layrnorm" in transformers)."""

    norm_before_blocks = True
    patch_bias = False
    whole_patches = False


class SigLIP(ViT):
    """SigLIP's: the grid of patches is all there is.

    A side that does not divide into patches loses the rest (384 px in patches of 14 are 27).
    """

    cls_token = False
    position_std = None  # as in its code
    whole_patches = False
