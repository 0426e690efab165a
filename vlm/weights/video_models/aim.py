"""AIM: files of taoyang1122/adapt-image-models (Apache-2.0), written by mmaction."""

from vlm.weights.video_models.clip_names import BLOCK, LAST_NORM, LAYER, STEM, THEIRS
from vlm.weights.video_models.layout import Layout

ADAPTERS = {
    "time_in_adapter": "T_Adapter_in",
    "time_adapter": "T_Adapter",
    "space_adapter": "S_Adapter",
    "mlp_adapter": "MLP_Adapter",
}
LAYOUTS = [
    Layout(
        "the authors",
        [
            (r"time", "temporal_embedding"),
            *STEM,
            *LAYER,
            *LAST_NORM,
            *(
                (BLOCK + rf"{ours}\.{part}\.(.*)", THEIRS + rf"{theirs}.{linear}.\2")
                for ours, theirs in ADAPTERS.items()
                for part, linear in (("down", "D_fc1"), ("up", "D_fc2"))
            ),
        ],
        unused=["cls_head.*"],
    )
]
