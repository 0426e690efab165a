"""Non-local networks (arXiv 1711.07971): ResNets whose later stages see the whole clip at once.

    C2D   an image ResNet on every frame; frames meet in a max pooling after res2 and in the mean
    I3D   the same with inflated kernels: 5 x 7 x 7 in the stem, 3 x 1 x 1 in every other bottleneck
    Slow  kernels in res4 and res5 alone and no temporal pooling (the slow path of SlowFast)

    z = BN(W_z y) + x, y_i = 1/C sum_j f(x_i, x_j) g(x_j)           vlm/layers/nonlocal_block.py
    y = ReLU(shortcut(x) + C(B(A(x))))                              vlm/layers/resnet3d.py

Non-local blocks follow bottlenecks 1 and 3 of res3 and 1, 3, 5 of res4 (five), each of both stages
(ten), or the last but one of res4 (one). In R101 the code keeps 1, 3, 5.
A convolution sees its neighbors; one non-local block lets a ball in the first frame meet the same
ball in the last. Its cost grows with the square of the positions, and it knows no order: in C2D a
clip (of an even number of frames) played backward has the same pooled features, with any number of
blocks. Only I3D's kernels tell the two apart.

The presets for 8 frames (`nonlocal-c2d-r50-8x8` and more) follow PySlowFast. The paper's form for
32 frames strides time in the stem and in both poolings (names in 32x2); its block neither scales
the exponent nor pools before phi and g.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset
from vlm.encoders.pyslowfast import MODEL_ZOO, kinetics_preset
from vlm.encoders.strided import StridedEncoder, as_maps, as_tokens
from vlm.layers.conv3d import ConvUnit3d, init_convolutions
from vlm.layers.nonlocal_block import NonLocal, identity_at_start
from vlm.layers.resnet3d import STAGE_DEPTHS, Stage3d, cycled

C2D: dict[str, Any] = {"stem_kernel": 1, "time_kernels": [[1], [1], [1], [1]]}
I3D: dict[str, Any] = {"stem_kernel": 5, "time_kernels": [[3], [3, 1], [3, 1], [1, 3]]}
SLOW: dict[str, Any] = {
    "stem_kernel": 1,
    "time_kernels": [[1], [1], [3], [3]],
    "time_pool": False,
}
# Number of non-local blocks -> bottlenecks of res3 and res4 that they follow, in ResNet-50.
PLACES: dict[int, tuple[Sequence[int], Sequence[int]]] = {
    0: ((), ()),
    1: ((), (4,)),
    5: ((1, 3), (1, 3, 5)),
    10: (range(4), range(6)),
}


_preset = partial(kinetics_preset, "nonlocal", 2048, paper="1711.07971")
FIVE: dict[str, Any] = {"nonlocal_blocks": 5}
R101: dict[str, Any] = {"depths": [3, 4, 23, 3]}
PAPER: dict[str, Any] = {"paper_block": True}
PAPER_32: dict[str, Any] = {"stem_time_stride": 2, **PAPER}
PRESETS = {
    "nonlocal-i3d-r50-8x8-nl5": _preset(35_401_936, 8, weights=MODEL_ZOO, **I3D, **FIVE),
    "nonlocal-c2d-r50-8x8": _preset(24_327_632, 8, weights=MODEL_ZOO, **C2D),
    "nonlocal-c2d-r50-8x8-nl5": _preset(31_686_096, 8, weights=MODEL_ZOO, **C2D, **FIVE),
    "nonlocal-c2d-r50-8x8-nl1-gaussian": _preset(
        25_379_792, 8, **C2D, **PAPER, follows="paper", nonlocal_blocks=1, function="gaussian"
    ),
    "nonlocal-i3d-r50-8x8": _preset(28_043_472, 8, weights=MODEL_ZOO, **I3D),
    "nonlocal-i3d-r50-8x8-nl5-dot": _preset(35_401_936, 8, **I3D, **FIVE, function="dot"),
    "nonlocal-i3d-r50-8x8-nl5-gaussian": _preset(31_727_824, 8, **I3D, **FIVE, function="gaussian"),
    "nonlocal-i3d-r50-8x8-nl5-concat": _preset(35_406_032, 8, **I3D, **FIVE, function="concat"),
    "nonlocal-i3d-r50-8x8-nl10": _preset(42_760_400, 8, **I3D, nonlocal_blocks=10),
    "nonlocal-i3d-r101-8x8": _preset(51_754_192, 8, weights=MODEL_ZOO, **I3D, **R101),
    "nonlocal-i3d-r101-8x8-nl5": _preset(59_112_656, 8, weights=MODEL_ZOO, **I3D, **R101, **FIVE),
    "nonlocal-c2d-r50-32x2-nl5": _preset(
        31_686_096, 32, follows="paper", **C2D, **FIVE, **PAPER_32
    ),
    "nonlocal-i3d-r50-32x2-nl5": _preset(
        35_401_936, 32, follows="paper", **I3D, **FIVE, **PAPER_32
    ),
    "nonlocal-slow-r50-8x8": _preset(32_454_096, 8, weights=MODEL_ZOO, paper="1812.03982", **SLOW),
    "nonlocal-test": Preset(
        TowerConfig(
            encoder="nonlocal",
            image_size=64,
            options={"depths": [1, 2, 2, 1], "dim": 4, "nonlocal_blocks": 5},
        ),
        parameters=53_060,
        num_frames=4,
    ),
}


class NonLocalNet(StridedEncoder):
    """A ResNet with non-local blocks; a token for `time_stride` frames and 32 x 32 pixels."""

    presets = PRESETS
    stride = 32

    def __init__(
        self,
        *,
        stem_kernel: int = 5,
        time_kernels: Sequence[Sequence[int]] = ((3,), (3, 1), (3, 1), (1, 3)),
        depths: Sequence[int] = STAGE_DEPTHS[50],
        dim: int = 64,
        nonlocal_blocks: int = 0,
        function: str = "embedded",
        paper_block: bool = False,
        time_pool: bool = True,
        stem_time_stride: int = 1,
    ) -> None:
        """`time_kernels` of res2 to res5, each repeated along its stage.

        `stem_time_stride` 2 strides time in the stem's convolution and in its max pooling, which
        is then 3 frames deep (the paper's form for 32 frames). `time_pool`: max pooling of two
        frames after res2.
        """
        super().__init__()
        if nonlocal_blocks not in PLACES:
            raise ValueError(
                f"{nonlocal_blocks} non-local blocks have no places;"
                f" there are {', '.join(map(str, PLACES))}"
            )
        s = stem_time_stride
        self.time_stride = s * s * (2 if time_pool else 1)
        self.stem = ConvUnit3d(3, dim, (stem_kernel, 7, 7), (s, 2, 2))
        depth = 3 if s > 1 else 1
        self.stem_pool = nn.MaxPool3d((depth, 3, 3), (s, 2, 2), padding=(depth // 2, 1, 1))
        self.time_pool = _time_pool(strided=s > 1) if time_pool else nn.Identity()
        block = partial(
            NonLocal, function=function, scaled=not paper_block, pool_first=not paper_block
        )
        stages, wide = [], dim
        for index, (pattern, number) in enumerate(zip(time_kernels, depths, strict=True)):
            inner = dim * 2**index
            places = PLACES[nonlocal_blocks][index - 1] if index in (1, 2) else ()
            nonlocals = {i: block(4 * inner, 2 * inner) for i in places if i < number}
            stage = Stage3d(wide, inner, cycled(pattern, number), 2 if index else 1, nonlocals)
            stages.append(stage)
            wide = stage.dim
        self.stages = nn.ModuleList(stages)
        self.dim = self.pooled_dim = wide
        init_convolutions(self)
        identity_at_start(self)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        x = self.stem_pool(self.stem(clip.transpose(1, 2)))  # [B, C, T, H, W]
        pyramid = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index == 0:
                x = self.time_pool(x)
            pyramid.append(as_maps(x))
        H, W = x.shape[-2:]
        return VideoFeatures(as_tokens(x), (H, W), x.mean(dim=(2, 3, 4)), tuple(pyramid))


def _time_pool(strided: bool) -> nn.Module:
    """The pooling after res2: the paper's is 3 frames deep, PySlowFast's 2; an odd frame stays."""
    if strided:
        return nn.MaxPool3d((3, 1, 1), (2, 1, 1), padding=(1, 0, 0))
    return nn.MaxPool3d((2, 1, 1), (2, 1, 1), ceil_mode=True)
