"""The four models of the claim: one tiny architecture, and which parts of PVC each has.

    uncompressed  one look with four times the tokens; a quarter of a video's frames
    repeats       four looks, compressed; all looks are equal
    progressive   causal temporal attention over time (AdaLN, TE): a look attends to earlier looks
    pvc           the compressor adapts to time as well

As in the paper's ablation (table 3), all spend the same number of tokens on an image and on a
video.
"""

from dataclasses import dataclass
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from training.claim.worlds import CELLS, HEIGHT, SIZE, WAYS
from vlm.config import PVCConfig

LOOKS = 4
ALPHA = 0.3  # initial gates: from 0, the natural choice, they hardly open in a few thousand steps
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "<IMG_CONTEXT>", "</img>")
QUESTIONS = ("read", "way", "order")
WORDS = (*"0123456789 ?", *CELLS, "\n", "system", "user", "assistant", *QUESTIONS, *WAYS)


@dataclass(frozen=True)
class Variant:
    """The differences between the four models."""

    looks: int
    factor: int  # factor x factor patches become one token
    temporal: bool
    adaptive: bool
    every: int = 1  # every n-th frame of a video is used


VARIANTS = {
    "uncompressed": Variant(looks=1, factor=2, temporal=False, adaptive=False, every=4),
    "repeats": Variant(looks=LOOKS, factor=4, temporal=False, adaptive=False),
    "progressive": Variant(looks=LOOKS, factor=4, temporal=True, adaptive=False),
    "pvc": Variant(looks=LOOKS, factor=4, temporal=True, adaptive=True),
}


@dataclass(frozen=True)
class Scale:
    """The size of the models, the training steps of the start model, the number of questions."""

    dim: int  # of the tower
    depth: int  # layers of the tower
    temporal_layers: int  # of them progressive, in models that have any
    text_dim: int
    text_layers: int
    start_steps: int
    questions: int  # per kind


SCALES = {
    "claim-test": Scale(16, 2, 1, 16, 1, start_steps=2, questions=4),
    "claim-small": Scale(64, 3, 2, 64, 2, start_steps=1500, questions=200),
    "claim-large": Scale(256, 8, 4, 256, 4, start_steps=10000, questions=1000),
}


def config(variant: Variant, scale: Scale, timestep_scale: float = 16.0) -> PVCConfig:
    """Returns the config of one of the four models."""
    temporal = scale.temporal_layers if variant.temporal else 0
    tower: dict[str, Any] = {
        "image_size": SIZE,
        "image_mean": (0.0,) * 3,
        "image_std": (0.25,) * 3,
        "timestep_scale": timestep_scale,
        "block": {
            "dim": scale.dim,
            "num_heads": 4,
            "mlp_dim": 4 * scale.dim,
            "layer_scale": 1.0,
        },
        "backbone": {"patch_size": HEIGHT, "depth": scale.depth - temporal},
        "temporal": {"num_layers": temporal, "num_heads": 4, "alpha": ALPHA},
    }
    text = {
        "model_type": "llama",
        "vocab_size": len(MARKS) + len(WORDS),
        "hidden_size": scale.text_dim,
        "intermediate_size": 3 * scale.text_dim,
        "num_hidden_layers": scale.text_layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 512,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "tie_word_embeddings": True,
    }
    compressor = {
        "factor": variant.factor,
        "mlp_dim": scale.text_dim * (variant.factor // 2) ** 2,
        "adaptive": variant.adaptive,
        "adaln": {"hidden_dim": scale.dim},
    }
    prompt = {"frame_label": "", "looks": variant.looks, "max_tiles": 1, "default_tiles": 1}
    return PVCConfig(
        tower=tower,
        compressor=compressor,
        prompt=prompt,
        text_config=text,
        image_token_id=MARKS.index("<IMG_CONTEXT>"),
    )


def tokenizer() -> PreTrainedTokenizerFast:
    """Returns a tokenizer whose only tokens are words, digits and markup."""
    vocabulary = {token: i for i, token in enumerate((*MARKS, *WORDS))}
    whole = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    pieces = "|".join([word for word in WORDS if len(word) > 1] + [r"[\s\S]"])
    whole.pre_tokenizer = pre_tokenizers.Split(Regex(pieces), "isolated")
    whole.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=whole,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[token for token in MARKS if token != "<|im_end|>"],
    )
