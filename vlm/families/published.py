"""The published models by name, with the sizes of their parts: for the table, without any file.

The numbers are those of each repository's config.json. `python -m vlm.families` prints what they
come to; the tests compare the sums with the published parameter counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from vlm.weights.towers.read import tower_config, tower_source

if TYPE_CHECKING:
    from vlm.config import PVCConfig

INTERNVIT_300M = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 448,
    "patch_size": 14,
    "norm_type": "layer_norm",
    "qk_normalization": False,
    "qkv_bias": True,
}
SIGLIP_BASE_512 = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 512,
    "patch_size": 16,
}
SIGLIP_SO400M_384 = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 384,
    "patch_size": 14,
}


@dataclass(frozen=True)
class Language:
    """The sizes of a language model. InternLM2 is read as Llama."""

    model_type: str
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields of its config; none of these models ties its head."""
        fields = {**asdict(self), **self.more, "pad_token_id": 0, "tie_word_embeddings": False}
        del fields["more"]
        return fields


HEAD_128 = {"head_dim": 128}
INTERNLM2_1_8B = Language("llama", 2048, 8192, 24, 16, 8, 92553)
INTERNLM2_7B = Language("llama", 4096, 14336, 32, 32, 8, 92553)
INTERNVL = {
    "OpenGVLab/InternVL2-1B": Language("qwen2", 896, 4864, 24, 14, 2, 151655),
    "OpenGVLab/InternVL2-2B": INTERNLM2_1_8B,
    "OpenGVLab/InternVL2-4B": Language("phi3", 3072, 8192, 32, 32, 32, 32020),
    "OpenGVLab/InternVL2-8B": INTERNLM2_7B,
    "OpenGVLab/InternVL2_5-1B": Language("qwen2", 896, 4864, 24, 14, 2, 151674),
    "OpenGVLab/InternVL2_5-2B": INTERNLM2_1_8B,
    "OpenGVLab/InternVL2_5-4B": Language("qwen2", 2048, 11008, 36, 16, 2, 151674),
    "OpenGVLab/InternVL2_5-8B": INTERNLM2_7B,
    "OpenGVLab/InternVL3-1B": Language("qwen2", 896, 4864, 24, 14, 2, 151674),
    "OpenGVLab/InternVL3-2B": Language("qwen2", 1536, 8960, 28, 12, 2, 151674),
    "OpenGVLab/InternVL3-8B": Language("qwen2", 3584, 18944, 28, 28, 4, 151674),
    "OpenGVLab/InternVL3-14B": Language("qwen2", 5120, 13824, 48, 40, 8, 151674),
    "OpenGVLab/InternVL3_5-1B": Language("qwen3", 1024, 3072, 28, 16, 8, 151936, HEAD_128),
    "OpenGVLab/InternVL3_5-2B": Language("qwen3", 2048, 6144, 28, 16, 8, 151936, HEAD_128),
    "OpenGVLab/InternVL3_5-4B": Language("qwen3", 2560, 9728, 36, 32, 8, 151936, HEAD_128),
    "OpenGVLab/InternVL3_5-8B": Language("qwen3", 4096, 12288, 36, 32, 8, 151936, HEAD_128),
    "OpenGVLab/InternVL3_5-14B": Language("qwen3", 5120, 17408, 40, 40, 8, 151936, HEAD_128),
}
SMOLLM2_135M = Language("llama", 576, 1536, 30, 9, 3, 49280)
SMOLLM2_360M = Language("llama", 960, 2560, 32, 15, 5, 49280)


@dataclass(frozen=True)
class Smol:
    """The parts of a SmolVLM."""

    vision: Mapping[str, Any]
    factor: int
    language: Language


_SMALL = Smol(SIGLIP_BASE_512, 4, SMOLLM2_135M)
_MIDDLE = Smol(SIGLIP_BASE_512, 4, SMOLLM2_360M)
SMOLVLM = {
    "HuggingFaceTB/SmolVLM-256M-Instruct": _SMALL,
    "HuggingFaceTB/SmolVLM-500M-Instruct": _MIDDLE,
    "HuggingFaceTB/SmolVLM-Instruct": Smol(
        SIGLIP_SO400M_384, 3, Language("llama", 2048, 8192, 24, 32, 32, 49155)
    ),
    "HuggingFaceTB/SmolVLM2-256M-Video-Instruct": _SMALL,
    "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": _MIDDLE,
    "HuggingFaceTB/SmolVLM2-2.2B-Instruct": Smol(
        SIGLIP_SO400M_384, 3, Language("llama", 2048, 8192, 24, 32, 32, 49280)
    ),
}
ROWS_OF_SQUARES = 4  # along the longer side of a picture, in SmolVLM


def internvl_config(language: Language) -> PVCConfig:
    """Returns the config of an InternVL as ours."""
    from vlm.config import PVCConfig

    given = {"model_type": "internvl_chat", "vision_config": INTERNVIT_300M}
    prompt = {"looks": 1, "max_tiles": 12, "default_tiles": 12, "default_frames": 16}
    return PVCConfig(
        text_config=language.to_dict(),
        tower=_tower(given),
        compressor={"factor": 2, "adaptive": False},
        prompt=prompt,
    )


def smolvlm_config(parts: Smol) -> PVCConfig:
    """Returns the config of a SmolVLM as ours."""
    from vlm.config import PVCConfig

    squares = ROWS_OF_SQUARES**2
    prompt = {"looks": 1, "layout": "smolvlm", "max_tiles": squares, "default_tiles": squares}
    return PVCConfig(
        text_config=parts.language.to_dict(),
        tower=_tower({"model_type": "smolvlm", "vision_config": dict(parts.vision)}),
        compressor={"factor": parts.factor, "adaptive": False, "linear": True},
        prompt=prompt,
    )


def published_configs() -> dict[str, Callable[[], PVCConfig]]:
    """Returns every name with the function that builds its config."""
    found: dict[str, Callable[[], PVCConfig]] = {}
    for name, language in INTERNVL.items():
        found[name] = lambda language=language: internvl_config(language)  # type: ignore[misc]
    for name, parts in SMOLVLM.items():
        found[name] = lambda parts=parts: smolvlm_config(parts)  # type: ignore[misc]
    return found


def _tower(given: Mapping[str, Any]) -> dict[str, Any]:
    source = tower_source(given, "the table of published models")
    return asdict(tower_config(source, {"temporal": {"num_layers": 0}}, "the table"))
