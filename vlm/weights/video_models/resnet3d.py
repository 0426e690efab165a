"""Bottleneck networks: SlowFast, Slow, C2D, I3D with and without non-local blocks (Apache-2.0).

PySlowFast's files (.pyth) and pytorchvideo's. PySlowFast's oldest ones (.pkl) are Caffe2 pickles of
arrays and are not read.
"""

from vlm.weights.video_models.layout import Layout

BLOCK = r"\.#\.blocks\.#\."
NONLOCAL = r"\.#\.nonlocal_blocks\.#\."
PARTS = [("theta", "conv_theta"), ("phi", "conv_phi"), ("g", "conv_g"), ("out", "conv_out")]


def pyslowfast_stages(ours: str, path: int) -> list[tuple[str, str]]:
    """Stages under the name `ours` are path 0 or 1 of s2 to s5."""
    block = rf"s{{#+2}}.pathway{path}_res\2."
    nonlocal_block = rf"s{{#+2}}.pathway{path}_nonlocal\2."
    return [
        (ours + BLOCK + r"shortcut\.conv\.(.*)", block + r"branch1.\3"),
        (ours + BLOCK + r"shortcut\.norm\.(.*)", block + r"branch1_bn.\3"),
        (ours + BLOCK + r"([abc])\.conv\.(.*)", block + r"branch2.\3.\4"),
        (ours + BLOCK + r"([abc])\.norm\.(.*)", block + r"branch2.\3_bn.\4"),
        *[
            (ours + NONLOCAL + part + r"\.(.*)", nonlocal_block + name + r".\3")
            for part, name in PARTS
        ],
        (ours + NONLOCAL + r"norm\.(.*)", nonlocal_block + r"bn.\3"),
    ]


def pytorchvideo_stages(ours: str, stage: str) -> list[tuple[str, str]]:
    """Stages under the name `ours`; `stage` is the file's name of one."""
    block = stage + r".res_blocks.\2."
    return [
        (ours + BLOCK + r"shortcut\.conv\.(.*)", block + r"branch1_conv.\3"),
        (ours + BLOCK + r"shortcut\.norm\.(.*)", block + r"branch1_norm.\3"),
        (ours + BLOCK + r"([abc])\.conv\.(.*)", block + r"branch2.conv_\3.\4"),
        (ours + BLOCK + r"([abc])\.norm\.(.*)", block + r"branch2.norm_\3.\4"),
    ]


def _one_path(first: list[tuple[str, str]]) -> Layout:
    return Layout(
        "pytorchvideo", [(r"stem\.(.*)", r"blocks.0.\1"), *first], unused=["blocks.*.proj.*"]
    )


RES2 = [
    (pattern.replace(r"stages\.#", r"stages\.(0)"), name)
    for pattern, name in pytorchvideo_stages("stages", r"blocks.{#+1}")
]
NONLOCAL_LAYOUTS = [
    # A pooling after res2 is a block of its own in pytorchvideo.
    _one_path(RES2 + pytorchvideo_stages("stages", r"blocks.{#+2}")),
    _one_path(pytorchvideo_stages("stages", r"blocks.{#+1}")),
    Layout(
        "PySlowFast",
        [
            (r"stem\.conv\.(.*)", r"s1.pathway0_stem.conv.\1"),
            (r"stem\.norm\.(.*)", r"s1.pathway0_stem.bn.\1"),
            *pyslowfast_stages("stages", 0),
        ],
        unused=["head.*"],
    ),
]
PATHS = [("slow", 0), ("fast", 1)]
SLOWFAST_LAYOUTS = [
    Layout(
        "pytorchvideo",
        [
            (r"slow_stem\.(.*)", r"blocks.0.multipathway_blocks.0.\1"),
            (r"fast_stem\.(.*)", r"blocks.0.multipathway_blocks.1.\1"),
            (
                r"laterals\.#\.conv\.conv\.(.*)",
                r"blocks.\1.multipathway_fusion.conv_fast_to_slow.\2",
            ),
            (r"laterals\.#\.conv\.norm\.(.*)", r"blocks.\1.multipathway_fusion.norm.\2"),
            *[
                rule
                for name, path in PATHS
                for rule in pytorchvideo_stages(
                    f"{name}_stages", rf"blocks.{{#+1}}.multipathway_blocks.{path}"
                )
            ],
        ],
        unused=["blocks.*.proj.*"],
    ),
    Layout(
        "PySlowFast",
        [
            *[
                (rf"{name}_stem\.{ours}\.(.*)", rf"s1.pathway{path}_stem.{theirs}.\1")
                for name, path in PATHS
                for ours, theirs in (("conv", "conv"), ("norm", "bn"))
            ],
            (r"laterals\.#\.conv\.conv\.(.*)", r"s{#+1}_fuse.conv_f2s.\2"),
            (r"laterals\.#\.conv\.norm\.(.*)", r"s{#+1}_fuse.bn.\2"),
            *pyslowfast_stages("slow_stages", 0),
            *pyslowfast_stages("fast_stages", 1),
        ],
        unused=["head.*"],
    ),
]
