"""UniFormerV2: an image transformer with local and global units for time (arXiv 2211.09552).

A local block works frame by frame, but for LT, a depth-wise convolution over time on the patches:

    x = x + LT(x);  x = x + MHA(LN1(x));  x = x + LT2(x);  x = x + MLP(LN2(x))
    LT(x) = Up(DWConv3x1x1(Down(BN(x))))         Up starts at zero

A global block stands on some of the local ones and gathers the clip into a token q:

    X = X + DPE(X)                               a depth-wise 3 x 3 x 3 convolution on the patches
    q = q + MHA(LN(q); LN(X))                    X: all tokens of all frames, CLS as well
    q = q + MLP(LN(q))                           both start at zero

`fusion` combines the n global blocks:

    sequential      q of a block is the result of the one before (the code's, and the default)
    parallel        F = Linear([F_1 .. F_n]), each with a q of its own
    keys            hierarchical KV: a q of its own, and the result before among the keys
    queries         hierarchical Q: the results before are queries beside a q of its own

    pooled = LN((1 - w) F + w mean_t CLS_t),  w = sigmoid(balance), of each channel

Presets follow the code (OpenGVLab/UniFormerV2). The paper's equation has no residual on q, and its
alpha weights F where w weights CLS; the models for Kinetics have no LT and no stride in time, those
for Something-Something have both. Of the other fusions there is no code: with "queries" the paper
leaves open how several tokens become F, and here it is their mean. The frozen presets have no w.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.adapter import train_only
from vlm.layers.attention import CrossAttention
from vlm.layers.conv3d import Conv3d
from vlm.layers.drop_path import DropPath, drop_path_rates
from vlm.layers.mlp import MLP
from vlm.layers.patches import whole_steps
from vlm.unknown_name import check_name

FUSIONS = ("sequential", "parallel", "keys", "queries")
HEAD = {"norm": False, "dropout": 0.5}
PLACE = "https://huggingface.co/Andy1621/uniformerv2"


def _preset(
    total: int, num_classes: int, *, num_frames: int = 8, trainable: int | None = None, **sizes: Any
) -> Preset:
    """Returns a preset by its published number of parameters with a head."""
    tower = vit_config("uniformerv2", **sizes)
    without_head = total - num_classes * (tower.block.dim + 1)
    return Preset(
        tower,
        without_head,
        trainable,
        paper="2211.09552",
        follows="code",
        num_frames=num_frames,
        head=HEAD,
        with_head={num_classes: total},
        trainable_with_head={num_classes: (trainable or without_head) + total - without_head},
        weights=PLACE,
        weights_license="MIT",
    )


SSV2: dict[str, Any] = {"local": True, "time_stride": 2}
TINY: dict[str, Any] = {"size": "test", "num_global": 2, "mlp_dropout": 0.0}
PRESETS = {
    "uniformerv2-b16": _preset(114_552_208, 400),
    "uniformerv2-b16-k710": _preset(114_790_598, 710),
    "uniformerv2-l14": _preset(354_099_600, 400, size="L", patch_size=14),
    "uniformerv2-l14-336-frozen": _preset(
        354_426_256,
        400,
        trainable=50_510_848,
        size="L",
        patch_size=14,
        image_size=336,
        frozen=True,
    ),
    "uniformerv2-b16-ssv2": _preset(
        162_992_814, 174, num_global=8, drop_path=0.2, num_frames=16, **SSV2
    ),
    "uniformerv2-l14-ssv2": _preset(
        573_949_966,
        174,
        size="L",
        patch_size=14,
        num_global=16,
        drop_path=0.4,
        num_frames=16,
        **SSV2,
    ),
    "uniformerv2-test": Preset(vit_config("uniformerv2", **TINY), 17_344),
    "uniformerv2-ssv2-test": Preset(
        vit_config("uniformerv2", local=True, time_stride=2, **TINY), 25_160
    ),
    "uniformerv2-parallel-test": Preset(
        vit_config("uniformerv2", fusion="parallel", **TINY), 17_888
    ),
    "uniformerv2-keys-test": Preset(vit_config("uniformerv2", fusion="keys", **TINY), 17_360),
    "uniformerv2-queries-test": Preset(vit_config("uniformerv2", fusion="queries", **TINY), 17_360),
    "uniformerv2-frozen-test": Preset(
        vit_config("uniformerv2", frozen=True, **TINY), 17_328, 7_568
    ),
}


class LocalTime(nn.Module):
    """LT(x) = Up(DWConv3x1x1(Down(BN(x)))) on patches; zero at first."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden_dim = int(dim / 1.5)
        self.norm = nn.BatchNorm3d(dim)
        self.down = nn.Conv3d(dim, hidden_dim, 1)
        self.conv = Conv3d(hidden_dim, hidden_dim, (3, 1, 1), padding=(1, 0, 0), groups=hidden_dim)
        self.up = nn.Conv3d(hidden_dim, dim, 1)
        assert self.up.bias is not None
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, N, C] -> the same."""
        h = x.permute(0, 3, 1, 2)[..., None]  # [B, C, T, N, 1]
        return self.up(self.conv(self.down(self.norm(h))))[..., 0].permute(0, 2, 3, 1)


class LocalBlock(ViTBlock):
    """A layer of the image transformer, with LT in front of its attention and its MLP."""

    def __init__(self, block: BlockConfig, local: bool, drop_path: float) -> None:
        super().__init__(block)
        self.time1 = LocalTime(block.dim) if local else None
        self.time2 = LocalTime(block.dim) if local else None
        self.drop_path = DropPath(drop_path)

    def _layer(self, x: Tensor) -> Tensor:
        """[B, T, 1 + N, C] -> the same."""
        B, T = x.shape[:2]
        x = self._over_time(x, self.time1)
        h = self.attn(self.norm1(x).flatten(0, 1))[0]
        x = x + self.drop_path(h).unflatten(0, (B, T))
        x = self._over_time(x, self.time2)
        return x + self.drop_path(self.mlp(self.norm2(x)).flatten(0, 1)).unflatten(0, (B, T))

    def _over_time(self, x: Tensor, local: LocalTime | None) -> Tensor:
        if local is None:
            return x
        change = self.drop_path(local(x[:, :, 1:]))
        return torch.cat([x[:, :, :1], x[:, :, 1:] + change], dim=2)


class GlobalBlock(nn.Module):
    """Gathers all tokens of a clip into the query tokens."""

    def __init__(self, block: BlockConfig, mlp_dropout: float) -> None:
        super().__init__()
        dim, eps = block.dim, 1e-5
        self.positions = Conv3d(dim, dim, 3, padding=1, groups=dim)
        self.query_norm = nn.LayerNorm(dim, eps=eps)
        self.key_norm = nn.LayerNorm(dim, eps=eps)
        self.attn = CrossAttention(dim, block.num_heads)
        self.norm = nn.LayerNorm(dim, eps=eps)
        self.mlp = MLP(dim, block.mlp_dim, activation="quick_gelu")
        self.dropout = nn.Dropout(mlp_dropout)
        nn.init.xavier_uniform_(self.attn.qkv.weight)
        nn.init.xavier_uniform_(self.mlp.fc1.weight)
        assert self.positions.bias is not None
        for start in (
            self.positions.bias,
            self.attn.proj.weight,
            self.attn.proj.bias,
            self.mlp.fc2.weight,
            self.mlp.fc2.bias,
        ):
            nn.init.zeros_(start)

    def forward(
        self, q: Tensor, x: Tensor, grid: tuple[int, int], before: Tensor | None = None
    ) -> Tensor:
        """q [B, Q, C], X [B, T, 1 + N, C] -> q; `before` [B, 1, C] stands among the keys."""
        patches = x[:, :, 1:].unflatten(2, grid).permute(0, 4, 1, 2, 3)  # [B, C, T, H, W]
        change = self.positions(patches).permute(0, 2, 3, 4, 1).flatten(2, 3)
        keys = torch.cat([x[:, :, :1], x[:, :, 1:] + change], dim=2).flatten(1, 2)
        if before is not None:
            keys = torch.cat([before, keys], dim=1)
        q = q + self.attn(self.query_norm(q), self.key_norm(keys))
        h = self.mlp.act(self.mlp.fc1(self.norm(q)))
        return q + self.mlp.fc2(self.dropout(h))


class UniFormerV2(OnImageTransformer):
    """An image transformer, local time in its blocks, and a token gathered from its last layers."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS
    keeps_last_norm = False  # its norm stands in front of the classifier

    def __init__(
        self,
        config: TowerConfig,
        num_global: int = 4,
        local: bool = False,
        time_stride: int = 1,
        fusion: str = "sequential",
        frozen: bool = False,
        drop_path: float = 0.0,
        mlp_dropout: float = 0.5,
    ) -> None:
        """`num_global`: blocks of this number, the last ones, carry a global block."""
        check_name("fusion", fusion, FUSIONS)
        block, depth, dim = config.block, config.backbone.depth, config.block.dim
        rates = drop_path_rates(drop_path, depth)
        super().__init__(config, [LocalBlock(block, local, rate) for rate in rates])
        self.time_stride, self.fusion = time_stride, fusion
        if time_stride > 1:
            patch = config.backbone.patch_size
            self.stem.patch_embedding = nn.Conv3d(  # type: ignore[assignment]
                3, dim, (3, patch, patch), (time_stride, patch, patch), (1, 0, 0), bias=False
            )
        self.first_global = depth - num_global
        self.global_blocks = nn.ModuleList(
            GlobalBlock(block, mlp_dropout) for _ in range(num_global)
        )
        num_queries = 1 if fusion == "sequential" else num_global
        self.queries = nn.Parameter(torch.zeros(num_queries, 1, dim))
        self.combine = nn.Linear(num_global * dim, dim) if fusion == "parallel" else None
        self.balance = None if frozen else nn.Parameter(torch.zeros(dim))
        if frozen:
            train_only(self, self.global_blocks, self.queries, self.norm)

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return -(-num_frames // self.time_stride), *self.stem.grid(height, width)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """`tokens` are those of the last local block; `global_token` repeats the clip's token.

        A clip that the stride in time does not divide is continued by its last frame.
        """
        clip, _ = self.seen(clip, times)
        x, grid = self._patches(clip)
        B, T = x.shape[:2]
        q = self.queries[:1].expand(-1, B, -1).transpose(0, 1)  # [B, 1, C]
        results: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index >= self.first_global:
                q = self._gather(q, x, grid, results)
                results.append(q)
        F = self._fuse(results)
        if self.balance is not None:
            w = self.balance.sigmoid()
            F = (1 - w) * F + w * x[:, :, 0].mean(dim=1)
        pooled = self.norm(F)
        clip_token = pooled[:, None].expand(B, T, -1)
        return VideoFeatures(x[:, :, 1:], grid, pooled, global_token=clip_token)

    def _patches(self, clip: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """[B, T, 3, H, W] -> [B, T', 1 + N, C], and the grid of N."""
        if self.time_stride == 1:
            return self.patches(clip)
        x = whole_steps(clip, self.time_stride).transpose(1, 2)  # [B, 3, T, H, W]
        x = self.stem.patch_embedding(x)  # [B, C, T', H', W']
        B, _, T, H, W = x.shape
        x = x.flatten(3).permute(0, 2, 3, 1).flatten(0, 1)  # [B * T', N, C]
        return self.stem.pre_norm(self.stem.place(x, (H, W))).unflatten(0, (B, T)), (H, W)

    def _gather(self, q: Tensor, x: Tensor, grid: tuple[int, int], results: list[Tensor]) -> Tensor:
        """Returns the result of the next global block, [B, Q, C]."""
        number = len(results)
        block = self.global_blocks[number]
        if self.fusion == "sequential":
            return block(q, x, grid)
        own = self.queries[number].expand(len(x), 1, -1)
        before = results[-1] if results else None
        if self.fusion == "keys":
            return block(own, x, grid, before)
        if self.fusion == "queries" and before is not None:
            own = torch.cat([before, own], dim=1)
        return block(own, x, grid)

    def _fuse(self, results: list[Tensor]) -> Tensor:
        """F [B, C] of the results of all global blocks."""
        if self.combine is not None:
            return self.combine(torch.cat([result[:, 0] for result in results], dim=-1))
        return results[-1].mean(dim=1)
