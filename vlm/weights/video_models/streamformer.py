"""StreamFormer: the authors' file, with or without its heads for training.

Its config.json has the model_type of transformers' TimeSformer, whose names these resemble.
"""

from vlm.weights.video_models.layout import Layout
from vlm.weights.video_models.timesformer import BLOCK, transformers_layer


def _authors(prefix: str) -> Layout:
    theirs = prefix + r"encoder.layer.\1."
    return Layout(
        "the authors",
        [
            (BLOCK + r"gate", theirs + "temporal_attention_gating"),
            (BLOCK + r"time_dense\.(.*)", theirs + r"temporal_dense.\2"),
            (BLOCK + r"time_norm\.(.*)", theirs + r"temporal_layernorm.\2"),
            (
                BLOCK + r"attn\.qkv\.lora_([ab])",
                theirs + r"attention.attention.qkv_lora_\2.weight",
            ),
            (BLOCK + r"attn\.proj\.lora_([ab])", theirs + r"attention.output.dense_lora_\2.weight"),
            *transformers_layer(theirs, first="time_"),
            (r"stem\.position_embedding", f"{prefix}embeddings.position_embeddings"),
            (r"stem\.patch_embedding\.(.*)", prefix + r"embeddings.patch_embeddings.projection.\1"),
            (r"time", f"{prefix}embeddings.time_embeddings"),
            (r"norm\.(.*)", prefix + r"post_layernorm.\1"),
            (r"head\.attn\.qkv\.(.*)", prefix + r"head.attention.in_proj_\1"),
            (r"head\.attn\.proj\.(.*)", prefix + r"head.attention.out_proj.\1"),
            (r"head\.norm\.(.*)", prefix + r"head.layernorm.\1"),
            (r"head\.(probe|mlp\..*)", prefix + r"head.\1"),
        ],
        unused=[
            "*temporal_attention.attention.mask",
            "logit_*",
            "text_encoder.*",
            "task_heads.*",
        ],
    )


LAYOUTS = [_authors("timesformer."), _authors("")]
