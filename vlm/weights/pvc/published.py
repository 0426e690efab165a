"""Loads OpenGVLab's PVC-InternVL2 as published, without its code.

A folder of the original release (config.json with model_type `pvc_internvl`, safetensors shards,
SentencePiece tokenizer) becomes our config, our tensor names, our processor. docs/models.md lists
what is known and what is assumed; names.py maps the names. Some settings are inferred from shapes
and values (the number of temporal layers, whether the scale of AdaLN is gamma or 1 + gamma); the
others can be set in a file `revisit.json` beside the weights, by the fields of our config:

    {"tower": {"timestep_scale": 1000.0}, "prompt": {"tile_order": "look"}, "names": {...}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Fit, fit_rules
from vlm.weights.io.schema import JsonObject, check_dataclass, read_json_object
from vlm.weights.io.shapes import model_shapes
from vlm.weights.io.shards import Shards, saved_dtype
from vlm.weights.language.internlm2 import LARGEST, llama_config
from vlm.weights.language.internlm2_tokenizer import internlm2_tokenizer
from vlm.weights.pvc.names import LAYERS, OURS, pvc_rules, temporal_layers, theirs

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from vlm.config import PVCConfig
    from vlm.model import PVCForConditionalGeneration
    from vlm.processor import PVCProcessor

MODEL_TYPE = "pvc_internvl"
OVERRIDES = "revisit.json"
TEMPORAL_LAYERS = 8  # if the file does not show their number


@dataclass(frozen=True)
class Published:
    """An opened original folder; none of its weights is in memory."""

    folder: Path
    original: JsonObject  # its config.json
    config: PVCConfig
    names: Mapping[str, str]  # from revisit.json
    shards: Shards
    fit: Fit

    def state_dict(self) -> dict[str, Tensor]:
        """Returns our names -> tensors; a tensor that is only renamed stays memory-mapped."""
        self.fit.require(self.folder)
        return {n: t for rule in self.fit.rules for n, t in rule.apply(self.shards.get).items()}


def is_published(folder: Path) -> bool:
    """Returns whether a folder is an original PVC-InternVL2."""
    try:
        return read_json_object(folder / "config.json").values.get("model_type") == MODEL_TYPE
    except WeightsError:
        return False


def open_published(folder: Path) -> Published:
    """Reads the config and the headers of the weights and matches the table of names."""
    original = read_json_object(folder / "config.json")
    original.text("model_type", (MODEL_TYPE,))
    shards = Shards(folder)
    overrides = _overrides(folder)
    names: Mapping[str, str] = overrides.get("names", {})
    tokenizer = internlm2_tokenizer(folder)
    config = published_config(original, shards, tokenizer, overrides)
    fit = fit_rules(pvc_rules(config, names), shards.shapes, model_shapes(config))
    return Published(folder, original, config, names, shards, fit)


def load_published(
    folder: Path,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
    **options: Any,
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Loads an original folder without converting it; `options` go to from_pretrained."""
    from vlm.model import PVCForConditionalGeneration

    published = open_published(folder)
    model = PVCForConditionalGeneration.from_pretrained(
        None,
        config=published.config,
        state_dict=published.state_dict(),
        dtype=dtype or published.config.dtype,
        **{"attn_implementation": "sdpa", **options},
    )
    set_generation(model)
    published.shards.close()
    return (model if device is None else model.to(device)), published_processor(published)


def published_processor(published: Published) -> PVCProcessor:
    from vlm.processor import PVCProcessor

    tokenizer = internlm2_tokenizer(published.folder)
    text: Any = published.config.text_config
    tokenizer.model_max_length = text.max_position_embeddings
    return PVCProcessor.from_config(published.config, tokenizer)


def set_generation(model: PVCForConditionalGeneration) -> None:
    """Copies the ids of BOS, EOS and padding to the generation config."""
    text: Any = model.config.text_config
    assert model.generation_config is not None
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        setattr(model.generation_config, name, getattr(text, name))


def published_config(
    original: JsonObject,
    shards: Shards,
    tokenizer: PreTrainedTokenizerBase,
    overrides: Mapping[str, Any],
) -> PVCConfig:
    """Builds our config from config.json, from the weights and from revisit.json (`overrides`)."""
    from vlm.config import PVCConfig
    from vlm.config_upgrade import upgrade

    text = llama_config(original.section("llm_config"))
    names = overrides.get("names", {})
    if len(tokenizer) > text["vocab_size"]:
        raise WeightsError(
            f"{original.path}: the tokenizer has {len(tokenizer)} tokens and the language model"
            f" {text['vocab_size']}. Download all tokenizer files again, from one release."
        )
    ends = [_id(tokenizer, token, original) for token in ("<|im_end|>", "<|im_start|>")]
    text |= {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": ends,
        "pad_token_id": tokenizer.pad_token_id,
    }
    tower = upgrade("tower", _tower(original, shards, names), overrides.get("tower", {}))
    side = tower["image_size"] // tower["backbone"]["patch_size"]
    compressor = _compressor(original, shards, names, text["hidden_size"], side)
    config = PVCConfig(
        text_config=text,
        tower=tower,
        compressor=upgrade("compressor", compressor, overrides.get("compressor", {})),
        prompt={**_prompt(original), **overrides.get("prompt", {})},
        image_token_id=_id(tokenizer, "<IMG_CONTEXT>", original),
    )
    config.dtype = saved_dtype(shards)
    return config


def _tower(original: JsonObject, shards: Shards, names: Mapping[str, str]) -> dict[str, Any]:
    vision = original.section("vision_config")
    vision.text("norm_type", ("layer_norm",), "layer_norm")
    vision.text("hidden_act", ("gelu",), "gelu")
    if vision.boolean("qk_normalization", False):
        raise vision.wrong("qk_normalization", "false, as in InternViT-300M")
    if not vision.boolean("qkv_bias", True):
        raise vision.wrong("qkv_bias", "true, as in InternViT-300M")
    original.integer("select_layer", -1, -1, -1)
    num_layers = vision.integer("num_hidden_layers", 2, 512)
    temporal = temporal_layers(shards.shapes, num_layers) or min(TEMPORAL_LAYERS, num_layers - 1)
    heads = vision.integer("num_attention_heads", 1, 1024)
    width = vision.integer("hidden_size", 1, 1 << 16)
    size = original.integer(
        "force_image_size", 1, 1 << 14, vision.integer("image_size", 1, 1 << 14)
    )
    patch = vision.integer("patch_size", 1, 1 << 10)
    if width % heads:
        raise vision.wrong("hidden_size", f"a multiple of its {heads} heads")
    if size % patch:
        raise vision.wrong("image_size", f"a multiple of its patches of {patch} px")
    first = f"{LAYERS}{num_layers - temporal}."
    return {
        "image_size": size,
        "block": {
            "dim": width,
            "num_heads": heads,
            "mlp_dim": vision.integer("intermediate_size", 1, LARGEST),
        },
        "backbone": {"name": "vit", "patch_size": patch, "depth": num_layers - temporal},
        "temporal": {
            "num_layers": temporal,
            "num_heads": heads,
            "adaln": _adaln(shards, first, "temporal_norm", width, names),
        },
    }


def _compressor(
    original: JsonObject, shards: Shards, names: Mapping[str, str], text_width: int, side: int
) -> dict[str, Any]:
    original.text("ps_version", ("v2",), "v2")
    ratio = original.number("downsample_ratio", 1 / 64, 1)
    factor = round(1 / ratio)
    if side % factor:
        raise original.wrong("downsample_ratio", f"one over a divisor of {side} patches")
    inner = shards.shapes.get(theirs("compressor.mlp.fc1", names) + ".weight", (text_width,))[0]
    wide = shards.shapes.get(theirs("compressor.mlp.fc1", names) + ".weight", (0, 0))[-1]
    return {
        "factor": factor,
        "mlp_dim": None if inner == text_width else inner,
        "adaln": _adaln(shards, "", "compressor.norm", wide, names),
    }


def _adaln(
    shards: Shards, where: str, ours: str, width: int, names: Mapping[str, str]
) -> dict[str, Any]:
    """Infers the fields of an AdaLN from the weights: hidden width, form of scale, affine norm."""
    inner = shards.shapes.get(f"{where}{theirs(f'{ours}.gamma.0', names)}.weight", (width,))[0]
    bias = f"{where}{theirs(f'{ours}.gamma.2', names)}.bias"
    return {
        "hidden_dim": None if inner == width else inner,
        "one_plus": bias in shards.shapes and near_zero(shards, bias),
        "affine": f"{where}{theirs(f'{ours}.norm', names)}.weight" in shards.shapes,
    }


def near_zero(shards: Shards, name: str) -> bool:
    """Returns whether the bias of gamma is nearer to 0 than to 1; if so, the scale is 1 + gamma."""
    return float(shards.get(name).float().mean()) < 0.5


def _prompt(original: JsonObject) -> dict[str, Any]:
    original.integer("video_repeat_time", 1, 1, 1)
    tiles = original.integer("max_dynamic_patch", 1, 1024, 12)
    return {
        "template": original.text("template", ("internlm2-chat",), "internlm2-chat"),
        "looks": original.integer("image_repeat_time", 1, 64, 4),
        "max_tiles": tiles,
        "default_tiles": tiles,
    }


def _id(tokenizer: PreTrainedTokenizerBase, token: str, original: JsonObject) -> int:
    id = tokenizer.get_vocab().get(token)
    if id is None:
        raise WeightsError(
            f"{original.path.parent}: its tokenizer lacks {token}. Download added_tokens.json and"
            " tokenizer_config.json again."
        )
    return id


def _overrides(folder: Path) -> dict[str, Any]:
    """Reads and checks revisit.json; empty if missing."""
    from vlm.config import CompressorConfig, PromptConfig
    from vlm.encoders.config import TowerConfig

    path = folder / OVERRIDES
    if not path.is_file():
        return {}
    given = read_json_object(path, "a set of overrides")
    sections = {"tower": TowerConfig, "compressor": CompressorConfig, "prompt": PromptConfig}
    for name in given.values:
        section = given.section(name)
        if name in sections:
            check_dataclass(section.upgraded(name), sections[name])
        elif name == "names":
            for ours in section.values:
                if ours not in OURS:
                    raise WeightsError(
                        f"{path}: {ours} is not a name to map; those are {', '.join(OURS)}."
                    )
                section.text(ours)
        else:
            raise WeightsError(f"{path}: {name} must be one of names, {', '.join(sections)}.")
    return dict(given.values)
