"""Presets: whole architectures by name. A preset is a row of numbers; a recipe is a run.

`pvc-internvl2-8b` has the sizes of OpenGVLab/PVC-InternVL2-8B (9.55 billion parameters), `-2b`
those of its unreleased smaller sibling; `embedded` is the model this repository trains; `test`, for
tests, has about thirty thousand parameters.
"""

from typing import Any

import torch

from vlm.config import PVCConfig
from vlm.model import PVCForConditionalGeneration
from vlm.unknown_name import check_name

INTERNVIT_300M: dict[str, Any] = {
    "image_size": 448,
    "block": {"dim": 1024, "num_heads": 16, "mlp_dim": 4096},
    "backbone": {"name": "vit", "patch_size": 14, "depth": 16},
    "temporal": {"num_layers": 8, "num_heads": 16},
}

INTERNLM2: dict[str, Any] = {  # read as Llama
    "model_type": "llama",
    "vocab_size": 92553,
    "num_key_value_heads": 8,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e6},
    "bos_token_id": 1,
    "eos_token_id": [92542, 92543],
    "pad_token_id": 2,
    "tie_word_embeddings": False,
}

PRESETS: dict[str, dict[str, Any]] = {
    "pvc-internvl2-8b": {
        "tower": INTERNVIT_300M,
        "prompt": {"template": "internlm2-chat"},
        "image_token_id": 92546,
        "text_config": {  # InternLM2.5-7B
            **INTERNLM2,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
        },
    },
    "pvc-internvl2-2b": {
        "tower": INTERNVIT_300M,
        "prompt": {"template": "internlm2-chat"},
        "image_token_id": 92546,
        "text_config": {  # InternLM2-1.8B
            **INTERNLM2,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
    },
    "embedded": {
        "tower": {
            "image_size": 256,
            "timestep_scale": 16.0,  # at 1, neighboring looks differ by 6 % of the sinusoid
            "image_mean": (127 / 255,) * 3,
            "image_std": (128 / 255,) * 3,
            "block": {"dim": 256, "num_heads": 4, "mlp_dim": 1024, "layer_scale": 1.0},
            "backbone": {"name": "efficientnet-lite2", "num_classes": 1000},
            "temporal": {"num_layers": 2, "num_heads": 4, "alpha": 0.5},
        },
        "compressor": {
            "factor": 2,
            "adaln": {"hidden_dim": 512},
            "global_token": True,
            "stages": ("concepts",),
        },
        "prompt": {
            "template": "chatml",
            "frame_label": "",
            "image_label": "File {index}:\n",
            "experts": ("kinds", "things", "text"),
            "max_tiles": 6,
            "default_tiles": 1,
            "max_frames": 64,
            "default_frames": 8,
            "frames_per_second": 2.0,
        },
        "image_token_id": 49153,
        "text_config": {  # SmolLM2-135M-Instruct and three added tokens
            "model_type": "llama",
            "vocab_size": 49155,
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-5,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e5},
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 2,
            "tie_word_embeddings": True,
        },
    },
    "test": {
        "tower": {
            "image_size": 32,
            "block": {"dim": 8, "num_heads": 2, "mlp_dim": 16},
            "backbone": {"patch_size": 8, "depth": 1},
            "temporal": {"num_layers": 2, "num_heads": 2, "alpha": 0.5},
        },
        "compressor": {"factor": 2},
        "prompt": {"frame_label": "", "max_tiles": 4, "default_tiles": 1, "default_frames": 8},
        "image_token_id": 509,
        "text_config": {
            "model_type": "llama",
            "vocab_size": 512,
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 2048,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 2,
            "tie_word_embeddings": True,
        },
    },
}

# The parts that `python -m vlm.assemble` adds to an image tower and a language model.
ASSEMBLIES: dict[str, dict[str, dict[str, Any]]] = {
    # The paper's: a third of the tower's layers temporal, AdaLN of full width.
    "pvc": {"tower": {}, "compressor": {"factor": 4}, "prompt": {"looks": 4}},
    # The same with a narrow AdaLN: at full width it holds most of the new parameters.
    "pvc-narrow": {
        "tower": {"temporal": {"adaln": {"hidden_dim": 256}}},
        "compressor": {"factor": 4, "adaln": {"hidden_dim": 256}},
        "prompt": {"looks": 4},
    },
    # No time embedding, one look: InternVL, whose projector is kept if it fits.
    "image": {
        "tower": {"temporal": {"num_layers": 0}},
        "compressor": {"factor": 2, "adaptive": False},
        "prompt": {"looks": 1},
    },
}


def preset_config(name: str, **changes: Any) -> PVCConfig:
    """Returns a preset's config; `changes` replace whole fields."""
    check_name("preset", name, PRESETS)
    return PVCConfig(**{**PRESETS[name], **changes})


def build_model(name: str, seed: int = 0, **changes: Any) -> PVCForConditionalGeneration:
    """Builds a preset's model with random weights, equal for equal seeds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PVCForConditionalGeneration(preset_config(name, **changes)).eval()
