"""UniFormerV2: files of OpenGVLab/UniFormerV2 (MIT), written by PySlowFast."""

from vlm.weights.video_models.clip_names import BLOCK, LAYER, STEM, THEIRS
from vlm.weights.video_models.layout import Layout

GLOBAL = r"global_blocks\.#\."
DECODER = r"transformer.dec.\1."
LAYOUTS = [
    Layout(
        "the authors",
        [
            *STEM,
            *LAYER,
            *(
                (BLOCK + rf"time([12])\.{ours}\.(.*)", THEIRS + rf"lmhra\2.pos_embed.{index}.\3")
                for index, ours in enumerate(("norm", "down", "conv", "up"))
            ),
            (GLOBAL + r"positions\.(.*)", r"transformer.dpe.\1.\2"),
            (GLOBAL + r"query_norm\.(.*)", DECODER + r"ln_1.\2"),
            (GLOBAL + r"norm\.(.*)", DECODER + r"ln_2.\2"),
            (GLOBAL + r"key_norm\.(.*)", DECODER + r"ln_3.\2"),
            (GLOBAL + r"attn\.qkv\.(.*)", DECODER + r"attn.in_proj_\2"),
            (GLOBAL + r"attn\.proj\.(.*)", DECODER + r"attn.out_proj.\2"),
            (GLOBAL + r"mlp\.fc1\.(.*)", DECODER + r"mlp.c_fc.\2"),
            (GLOBAL + r"mlp\.fc2\.(.*)", DECODER + r"mlp.c_proj.\2"),
            (r"queries", "transformer.temporal_cls_token"),
            (r"balance", "transformer.balance"),
            (r"norm\.(.*)", r"transformer.proj.0.\1"),
        ],
        unused=["transformer.proj.2.*"],
    )
]
