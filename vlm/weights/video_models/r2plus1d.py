"""The R(2+1)D study: torchvision's r3d_18, mc3_18 and r2plus1d_18 (BSD-3-Clause).

A 3d or 2d convolution of a block is `conv1.0`, a 2plus1d one `conv1.0.0` to `conv1.0.3`.
The authors' own files are Caffe2 pickles and are not read.
"""

from vlm.weights.video_models.layout import Layout

BLOCK = r"stages\.#\.#\."
THEIRS = r"layer{#+1}.\2."
LAYOUTS = [
    Layout(
        "torchvision",
        [
            (r"stem\.conv\.(.*)", r"stem.0.\1"),
            (r"stem\.norm\.(.*)", r"stem.1.\1"),
            (r"stem\.0\.conv\.(.*)", r"stem.0.\1"),
            (r"stem\.0\.norm\.(.*)", r"stem.1.\1"),
            (r"stem\.1\.conv\.(.*)", r"stem.3.\1"),
            (r"stem\.1\.norm\.(.*)", r"stem.4.\1"),
            (BLOCK + r"conv#\.weight", THEIRS + r"conv\3.0.weight"),
            (BLOCK + r"conv#\.0\.conv\.(.*)", THEIRS + r"conv\3.0.0.\4"),
            (BLOCK + r"conv#\.0\.norm\.(.*)", THEIRS + r"conv\3.0.1.\4"),
            (BLOCK + r"conv#\.1\.(.*)", THEIRS + r"conv\3.0.3.\4"),
            (BLOCK + r"norm#\.(.*)", THEIRS + r"conv\3.1.\4"),
            (BLOCK + r"shortcut\.conv\.(.*)", THEIRS + r"downsample.0.\3"),
            (BLOCK + r"shortcut\.norm\.(.*)", THEIRS + r"downsample.1.\3"),
        ],
        unused=["fc.*"],
    )
]
