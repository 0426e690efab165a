"""Video Swin: torchvision's swin3d_t, _s, _b (BSD-3-Clause) and the authors' files (Apache-2.0)."""

from vlm.weights.video_models.layout import Layout

BLOCK = r"stages\.#\.#\."
EMBEDDING = [
    (r"patch_embed\.(.*)", r"patch_embed.proj.\1"),
    (r"patch_norm\.(.*)", r"patch_embed.norm.\1"),
]
TABLE = "attn.relative_position_bias_table"
UNUSED = ["*relative_position_index", "head.*", "*attn_mask*"]
LAYOUTS = [
    Layout(
        "torchvision",
        [
            *EMBEDDING,
            (BLOCK + r"attn\.bias\.table", r"features.{#*2}.\2." + TABLE),
            (BLOCK + r"mlp\.fc1\.(.*)", r"features.{#*2}.\2.mlp.0.\3"),
            (BLOCK + r"mlp\.fc2\.(.*)", r"features.{#*2}.\2.mlp.3.\3"),
            (BLOCK + r"(.*)", r"features.{#*2}.\2.\3"),
            (r"merges\.#\.(.*)", r"features.{#*2+1}.\2"),
        ],
        unused=UNUSED,
    ),
    Layout(
        "the authors",
        [
            *EMBEDDING,
            (BLOCK + r"attn\.bias\.table", r"layers.\1.blocks.\2." + TABLE),
            (BLOCK + r"(.*)", r"layers.\1.blocks.\2.\3"),
            (r"merges\.#\.(.*)", r"layers.\1.downsample.\2"),
        ],
        unused=[*UNUSED, "cls_head.*"],
    ),
]
