"""NanoDet-g: a small one-stage detector of the eighty COCO classes, inference only.

NanoDet by RangiLyu (github.com/RangiLyu/nanodet, Apache-2.0): CSPNet backbone (Wang et al. 2020,
arXiv 1911.11929), a path aggregation without convolutions, and the head of generalized focal loss
(Li et al. 2020, arXiv 2006.04388), whose box sides are means of distributions over eleven bins.
3.8 M parameters; published COCO mAP 22.9 at 416 x 416. Batch norm is folded into the convolutions.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (8, 16, 32)
NUM_CLASSES, NUM_BINS = 80, 11
SLOPE = 0.1  # of the leaky ReLU


class ConvAct(nn.Module):
    """A 3 x 3 convolution and a leaky ReLU."""

    def __init__(self, dim_in: int, dim_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim_in, dim_out, 3, stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x), SLOPE, inplace=True)


class TinyResBlock(nn.Module):
    """Half the channels as they are, half of them convolved once more."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.reduce = ConvAct(dim, dim // 2)
        self.mix = ConvAct(dim // 2, dim // 2)

    def forward(self, x: Tensor) -> Tensor:
        half = self.reduce(x)
        return torch.cat([self.mix(half), half], dim=1)


class CspStage(nn.Module):
    """[B, dim, H, W] -> [B, 2 * dim, H / stride, W / stride]."""

    def __init__(self, dim: int, num_blocks: int, stride: int) -> None:
        super().__init__()
        self.inward = ConvAct(dim, dim, stride)
        self.blocks = nn.Sequential(*(TinyResBlock(dim) for _ in range(num_blocks)))
        self.outward = ConvAct(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inward(x)
        return torch.cat([self.outward(self.blocks(x)), x], dim=1)


class Head(nn.Module):
    """[B, dim, H, W] -> class scores [B, H*W, 80] and logits of the box sides [B, H*W, 4, 11]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.hidden = ConvAct(dim, dim)
        self.out = nn.Conv2d(dim, NUM_CLASSES + 4 * NUM_BINS, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        out = self.out(self.hidden(x)).flatten(2).mT  # [B, H*W, 80 + 44]
        scores, sides = out.split([NUM_CLASSES, 4 * NUM_BINS], dim=-1)
        return scores.sigmoid(), sides.unflatten(-1, (4, NUM_BINS))


class NanoDet(nn.Module):
    """Pixels [B, 3, H, W] -> scores [B, A, 80] and boxes [B, A, 4] in pixels.

    Boxes are left, top, right, bottom. Channels are blue, green, red, normalized by MEAN and STD;
    H and W are multiples of 32. A counts the cells of the three strides, finest first, row by row.
    """

    MEAN = (103.53, 116.28, 123.675)
    STD = (57.375, 57.12, 58.395)

    def __init__(self, dim: int = 128) -> None:
        super().__init__()
        self.stem = ConvAct(3, 32, stride=2)
        self.stages = nn.ModuleList(
            CspStage(*row) for row in ((32, 1, 1), (64, 2, 2), (128, 2, 2), (256, 3, 2))
        )
        self.lateral = nn.ModuleList(nn.Conv2d(c, dim, 1) for c in (128, 256, 512))
        self.heads = nn.ModuleList(Head(dim) for _ in STRIDES)

    def pyramid(self, pixels: Tensor) -> list[Tensor]:
        """Returns the feature maps [B, 128, H / stride, W / stride] of the three strides."""
        x = F.max_pool2d(self.stem(pixels), 3, 2, padding=1)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        fine, middle, coarse = (conv(x) for conv, x in zip(self.lateral, maps[1:], strict=True))
        middle = middle + _resize(coarse, middle)
        fine = fine + _resize(middle, fine)
        middle = middle + _resize(fine, middle)
        coarse = coarse + _resize(middle, coarse)
        return [fine, middle, coarse]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        scores, boxes = [], []
        for stride, head, x in zip(STRIDES, self.heads, self.pyramid(pixels), strict=True):
            score, sides = head(x)
            bins = torch.arange(NUM_BINS, dtype=sides.dtype, device=sides.device)
            sides = (sides.softmax(dim=-1) @ bins) * stride  # [B, H*W, 4]
            centers = _centers(x.shape[-2], x.shape[-1], stride).to(sides)
            scores.append(score)
            boxes.append(
                torch.cat([centers - sides[..., :2], centers + sides[..., 2:]], dim=-1),
            )
        return torch.cat(scores, dim=1), torch.cat(boxes, dim=1)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


def _centers(rows: int, columns: int, stride: int) -> Tensor:
    """[rows * columns, 2], x and y of the cells' centers in pixels."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return (torch.stack([x, y], dim=-1).flatten(0, 1) + 0.5) * stride
