"""OpenAI's names of CLIP's picture tower, which the encoders built on it keep."""

BLOCK = r"blocks\.#\."
THEIRS = r"transformer.resblocks.\1."
STEM = [
    (r"stem\.class_embedding", "class_embedding"),
    (r"stem\.position_embedding", "positional_embedding"),
    (r"stem\.patch_embedding\.(.*)", r"conv1.\1"),
    (r"stem\.pre_norm\.(.*)", r"ln_pre.\1"),
]
LAYER = [
    (BLOCK + r"attn\.qkv\.(.*)", THEIRS + r"attn.in_proj_\2"),
    (BLOCK + r"attn\.proj\.(.*)", THEIRS + r"attn.out_proj.\2"),
    (BLOCK + r"norm([12])\.(.*)", THEIRS + r"ln_\2.\3"),
    (BLOCK + r"mlp\.fc1\.(.*)", THEIRS + r"mlp.c_fc.\2"),
    (BLOCK + r"mlp\.fc2\.(.*)", THEIRS + r"mlp.c_proj.\2"),
]
LAST_NORM = [(r"norm\.(.*)", r"ln_post.\1")]
