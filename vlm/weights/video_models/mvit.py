"""MViT: torchvision's mvit_v1_b and mvit_v2_s, PySlowFast's and pytorchvideo's files (Apache-2.0).

pytorchvideo has queries, keys and values in three matrices.
"""

from vlm.weights.video_models.layout import Layout

BLOCK = r"blocks\.#\."
THEIRS = r"blocks.\1."


def _layout(publisher: str, whole: list[tuple[str, str]], qkv: str, positions: str) -> Layout:
    """PySlowFast's names of a block; `whole` names what stands around the blocks."""
    return Layout(
        publisher,
        [
            *whole,
            (BLOCK + r"attn\.qkv\.(.*)", THEIRS + f"attn.{qkv}." + r"\2"),
            (BLOCK + r"attn\.pool_([qkv])\.conv\.(.*)", THEIRS + r"attn.pool_\2.\3"),
            (BLOCK + r"attn\.pool_([qkv])\.norm\.(.*)", THEIRS + r"attn.norm_\2.\3"),
            (BLOCK + r"attn\.positions\.time", THEIRS + "attn.rel_pos_t"),
            (BLOCK + r"attn\.positions\.rows", THEIRS + "attn.rel_pos_h"),
            (BLOCK + r"attn\.positions\.columns", THEIRS + "attn.rel_pos_w"),
            (BLOCK + r"skip\.(.*)", THEIRS + r"proj.\2"),
            (r"positions\.space", f"{positions}pos_embed_spatial"),
            (r"positions\.time", f"{positions}pos_embed_temporal"),
            (r"positions\.cls", f"{positions}pos_embed_class"),
            (r"class_token", f"{positions}cls_token"),
        ],
        unused=["head.*"],
    )


LAYOUTS = [
    Layout(
        "torchvision",
        [
            (r"patch_embed\.(.*)", r"conv_proj.\1"),
            (r"class_token", "pos_encoding.class_token"),
            (r"positions\.space", "pos_encoding.spatial_pos"),
            (r"positions\.time", "pos_encoding.temporal_pos"),
            (r"positions\.cls", "pos_encoding.class_pos"),
            (BLOCK + r"attn\.proj\.(.*)", THEIRS + r"attn.project.0.\2"),
            (BLOCK + r"attn\.pool_([qkv])\.conv\.(.*)", THEIRS + r"attn.pool_\2.pool.\3"),
            (BLOCK + r"attn\.pool_([qkv])\.norm\.(.*)", THEIRS + r"attn.pool_\2.norm_act.0.\3"),
            (BLOCK + r"attn\.positions\.time", THEIRS + "attn.rel_pos_t"),
            (BLOCK + r"attn\.positions\.rows", THEIRS + "attn.rel_pos_h"),
            (BLOCK + r"attn\.positions\.columns", THEIRS + "attn.rel_pos_w"),
            (BLOCK + r"mlp\.fc1\.(.*)", THEIRS + r"mlp.0.\2"),
            (BLOCK + r"mlp\.fc2\.(.*)", THEIRS + r"mlp.3.\2"),
            (BLOCK + r"skip\.(.*)", THEIRS + r"project.\2"),
        ],
        unused=["head.*"],
    ),
    _layout("PySlowFast", [(r"patch_embed\.(.*)", r"patch_embed.proj.\1")], "qkv", ""),
    _layout(
        "pytorchvideo",
        [
            (r"patch_embed\.(.*)", r"patch_embed.patch_model.\1"),
            (r"norm\.(.*)", r"norm_embed.\1"),
        ],
        "q|k|v",
        "cls_positional_encoding.",
    ),
]
