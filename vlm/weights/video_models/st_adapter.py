"""ST-Adapter: files of linziyi96/st-adapter (MIT). Their frozen part is in half precision."""

from vlm.weights.video_models.clip_names import BLOCK, LAST_NORM, LAYER, STEM, THEIRS
from vlm.weights.video_models.layout import Layout

LAYOUTS = [
    Layout(
        "the authors",
        [
            *STEM,
            *LAYER,
            *LAST_NORM,
            *(
                (
                    BLOCK + rf"{where}_adapter\.{ours}\.(.*)",
                    THEIRS + rf"adapter_pre_{where}.{part}.\2",
                )
                for where in ("attn", "mlp")
                for ours, part in (("down", "fc1"), ("conv", "conv"), ("up", "fc2"))
            ),
        ],
        unused=["fc.*"],
    )
]
