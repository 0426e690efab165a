"""Maps the tensor names of OpenGVLab's PVC-InternVL2 to ours: the only place to correct one.

The names of InternViT, of `mlp1` in InternVL2 and of InternLM2 are known. Those of the tensors that
PVC adds are not: its code is published inside the checkpoint only. The file sizes imply 17 more
tensors in each of 8 temporal layers and 12 in the compressor, and the size of the index implies
names about as long as these. So ADDED and COMPRESSOR are guesses: the conventions of InternVL2
(`qkv`, `proj`, layers of an nn.Sequential by number), of DiT for the timestep embedding (`mlp.0`,
`mlp.2`), and the letters of the paper (gamma, beta, alpha).

Correct a wrong guess here, or without changing code in a file `revisit.json` beside the weights:
{"names": {"temporal_attn.qkv": "attn_t.qkv"}}, from our name to the file's.
`python -m vlm.weights inspect` reports which names fit and proposes such a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vlm.weights.io.rename import Rule, Transform, for_each, rename
from vlm.weights.language.internlm2 import internlm2_rules

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.config import PVCConfig

WEIGHT_BIAS = ("weight", "bias")
VISION = "vision_model."
LAYERS = "vision_model.encoder.layers."
LANGUAGE = "language_model."

STEM = [
    *rename(f"{VISION}embeddings.class_embedding", "tower.backbone.class_embedding"),
    *rename(f"{VISION}embeddings.position_embedding", "tower.backbone.position_embedding"),
    *rename(f"{VISION}embeddings.patch_embedding", "tower.backbone.patch_embedding", *WEIGHT_BIAS),
]
LAYER = [
    *rename(LAYERS + "{layer}.ls1", "{ours}.ls1"),
    *rename(LAYERS + "{layer}.ls2", "{ours}.ls2"),
    *rename(LAYERS + "{layer}.attn.qkv", "{ours}.attn.qkv", *WEIGHT_BIAS),
    *rename(LAYERS + "{layer}.attn.proj", "{ours}.attn.proj", *WEIGHT_BIAS),
    *rename(LAYERS + "{layer}.mlp.fc1", "{ours}.mlp.fc1", *WEIGHT_BIAS),
    *rename(LAYERS + "{layer}.mlp.fc2", "{ours}.mlp.fc2", *WEIGHT_BIAS),
    *rename(LAYERS + "{layer}.norm1", "{ours}.norm1", *WEIGHT_BIAS),
    *rename(LAYERS + "{layer}.norm2", "{ours}.norm2", *WEIGHT_BIAS),
]

# Ours -> theirs (guessed), within a temporal layer; each with a weight and a bias except alpha.
ALPHA = "alpha"
ADDED = {
    ALPHA: "alpha",
    "temporal_attn.qkv": "temporal_attn.qkv",
    "temporal_attn.proj": "temporal_attn.proj",
    "temporal_norm.gamma.0": "temporal_norm.gamma.0",
    "temporal_norm.gamma.2": "temporal_norm.gamma.2",
    "temporal_norm.beta.0": "temporal_norm.beta.0",
    "temporal_norm.beta.2": "temporal_norm.beta.2",
    "time.fc1": "t_embedder.mlp.0",
    "time.fc2": "t_embedder.mlp.2",
}
ADDED_AFFINE = {"temporal_norm.norm": "temporal_norm.norm"}  # only if the norm is affine

# Ours -> theirs in the compressor. 0, 1 and 3 are the indices in InternVL2's mlp1 (2 is GELU).
COMPRESSOR = {
    "compressor.time.fc1": "mlp1.0.t_embedder.mlp.0",
    "compressor.time.fc2": "mlp1.0.t_embedder.mlp.2",
    "compressor.norm.gamma.0": "mlp1.0.gamma.0",
    "compressor.norm.gamma.2": "mlp1.0.gamma.2",
    "compressor.norm.beta.0": "mlp1.0.beta.0",
    "compressor.norm.beta.2": "mlp1.0.beta.2",
    "compressor.mlp.fc1": "mlp1.1",
    "compressor.mlp.fc2": "mlp1.3",
}
COMPRESSOR_AFFINE = {"compressor.norm.norm": "mlp1.0.norm"}

OURS = (*ADDED, *ADDED_AFFINE, *COMPRESSOR, *COMPRESSOR_AFFINE)  # the names revisit.json may map


def theirs(ours: str, names: Mapping[str, str]) -> str:
    """Returns the file's name for one of OURS: from revisit.json (`names`), else the guess."""
    guesses = {**ADDED, **ADDED_AFFINE, **COMPRESSOR, **COMPRESSOR_AFFINE}
    return names.get(ours, guesses[ours])


def pvc_rules(config: PVCConfig, names: Mapping[str, str]) -> list[Rule]:
    """Returns the rules for a model of this config, in the order of the original state dict."""
    tower, compressor = config.tower_config, config.compressor_config
    added = added_rules(tower.block.dim, names, tower.temporal.adaln.affine)
    rules = list(STEM)
    for layer in range(tower.backbone.depth + tower.temporal.num_layers):
        block = layer - tower.backbone.depth
        ours = f"tower.backbone.layers.{layer}" if block < 0 else f"tower.blocks.{block}"
        rules += for_each(LAYER, {"layer": layer, "ours": ours})
        if block >= 0:
            rules += for_each(added, {"layer": layer, "ours": ours})
    text: Any = config.text_config
    rules += internlm2_rules(text, theirs=LANGUAGE, ours=LANGUAGE)
    affine = COMPRESSOR_AFFINE if compressor.adaln.affine else {}
    for name in (*COMPRESSOR, *affine):
        rules += rename(theirs(name, names), name, *WEIGHT_BIAS)
    return rules


def added_rules(dim: int, names: Mapping[str, str], affine: bool) -> list[Rule]:
    """Returns the rules for the tensors that PVC adds to a layer, with {layer} and {ours} open."""
    rules = [
        Rule(
            (f"{LAYERS}{{layer}}.{theirs(ALPHA, names)}",),
            (f"{{ours}}.{ALPHA}",),
            _per_channel(dim),
            "one number per channel",
        )
    ]
    for name in (*ADDED, *(ADDED_AFFINE if affine else ())):
        if name != ALPHA:
            rules += rename(
                f"{LAYERS}{{layer}}.{theirs(name, names)}", f"{{ours}}.{name}", *WEIGHT_BIAS
            )
    return rules


def _per_channel(dim: int) -> Transform:
    """Expands a gate, one number or a vector of any shape, to a vector of `dim`."""

    def transform(alpha: Tensor) -> Sequence[Tensor]:
        return [alpha.reshape(-1).expand(dim).contiguous()]

    return transform


def temporal_layers(found: Collection[str], num_layers: int) -> int:
    """Counts the last layers that have more tensors than InternViT's, whatever their names."""
    plain = {
        rule.sources[0]
        for n in range(num_layers)
        for rule in for_each(LAYER, {"layer": n, "ours": ""})
    }
    more = [
        name.removeprefix(LAYERS).partition(".")[0]
        for name in found
        if name.startswith(LAYERS) and name not in plain
    ]
    inside = [int(layer) for layer in more if layer.isdecimal() and int(layer) < num_layers]
    return num_layers - min(inside) if inside else 0
