"""TimeSformer: the authors' files and those of transformers (both CC-BY-NC 4.0)."""

from vlm.weights.video_models.layout import Layout

BLOCK = r"blocks\.#\."


def transformers_layer(theirs: str, first: str = "") -> list[tuple[str, str]]:
    """transformers' names of a block; `first` is our name of its temporal attention, if any."""
    time = first or r"first\.0\."
    return [
        (BLOCK + time + r"attn\.qkv\.(.*)", theirs + r"temporal_attention.attention.qkv.\2"),
        (BLOCK + time + r"attn\.proj\.(.*)", theirs + r"temporal_attention.output.dense.\2"),
        (BLOCK + r"attn\.qkv\.(.*)", theirs + r"attention.attention.qkv.\2"),
        (BLOCK + r"attn\.proj\.(.*)", theirs + r"attention.output.dense.\2"),
        (BLOCK + r"norm1\.(.*)", theirs + r"layernorm_before.\2"),
        (BLOCK + r"norm2\.(.*)", theirs + r"layernorm_after.\2"),
        (BLOCK + r"mlp\.fc1\.(.*)", theirs + r"intermediate.dense.\2"),
        (BLOCK + r"mlp\.fc2\.(.*)", theirs + r"output.dense.\2"),
    ]


def _transformers(prefix: str) -> Layout:
    theirs = prefix + r"encoder.layer.\1."
    return Layout(
        "transformers",
        [
            (BLOCK + r"first\.0\.out\.(.*)", theirs + r"temporal_dense.\2"),
            (BLOCK + r"first\.0\.norm\.(.*)", theirs + r"temporal_layernorm.\2"),
            *transformers_layer(theirs),
            (r"stem\.class_embedding", f"{prefix}embeddings.cls_token"),
            (r"stem\.position_embedding", f"{prefix}embeddings.position_embeddings"),
            (r"stem\.patch_embedding\.(.*)", prefix + r"embeddings.patch_embeddings.projection.\1"),
            (r"time", f"{prefix}embeddings.time_embeddings"),
            (r"norm\.(.*)", prefix + r"layernorm.\1"),
        ],
        unused=["classifier.*"],
    )


LAYOUTS = [
    Layout(
        "the authors",
        [
            (BLOCK + r"first\.0\.attn\.(.*)", r"blocks.\1.temporal_attn.\2"),
            (BLOCK + r"first\.0\.norm\.(.*)", r"blocks.\1.temporal_norm1.\2"),
            (BLOCK + r"first\.0\.out\.(.*)", r"blocks.\1.temporal_fc.\2"),
            (r"stem\.class_embedding", "cls_token"),
            (r"stem\.position_embedding", "pos_embed"),
            (r"stem\.patch_embedding\.(.*)", r"patch_embed.proj.\1"),
            (r"time", "time_embed"),
        ],
        unused=["head.*"],
    ),
    _transformers("timesformer."),
    _transformers(""),
]
