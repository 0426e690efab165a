"""VTN: files of bomri/SlowFast (Apache-2.0): timm's ViT and transformers' Longformer."""

from vlm.weights.video_models.layout import Layout

LAYER = r"layers\.#\."
THEIRS = r"temporal_encoder.encoder.layer.\1."
LAYOUTS = [
    Layout(
        "the authors",
        [
            (r"cls", "cls_token"),
            (r"stem\.class_embedding", "backbone.cls_token"),
            (r"stem\.position_embedding", "backbone.pos_embed"),
            (r"stem\.patch_embedding\.(.*)", r"backbone.patch_embed.proj.\1"),
            (r"((blocks|norm)\..*)", r"backbone.\1"),
            (r"positions\.(.*)", r"temporal_encoder.embeddings.position_embeddings.\1"),
            (r"types\.(.*)", r"temporal_encoder.embeddings.token_type_embeddings.\1"),
            (r"time_norm\.(.*)", r"temporal_encoder.embeddings.LayerNorm.\1"),
            (LAYER + r"attn\.qkv\.(.*)", THEIRS + r"attention.self.query|key|value.\2"),
            (
                LAYER + r"attn\.global_qkv\.(.*)",
                THEIRS + r"attention.self.query_global|key_global|value_global.\2",
            ),
            (LAYER + r"attn\.proj\.(.*)", THEIRS + r"attention.output.dense.\2"),
            (LAYER + r"norm1\.(.*)", THEIRS + r"attention.output.LayerNorm.\2"),
            (LAYER + r"mlp\.fc1\.(.*)", THEIRS + r"intermediate.dense.\2"),
            (LAYER + r"mlp\.fc2\.(.*)", THEIRS + r"output.dense.\2"),
            (LAYER + r"norm2\.(.*)", THEIRS + r"output.LayerNorm.\2"),
        ],
        unused=["mlp_head.*", "temporal_encoder.embeddings.position_ids"],
    )
]
