"""InternVL2, 2.5, 3 and 3.5, as OpenGVLab publishes them and in transformers' format (`-HF`).

    OpenGVLab/InternVL3-1B        model_type internvl_chat; its own code is not run
    OpenGVLab/InternVL3-1B-hf     model_type internvl

InternVL is our image model: InternViT-300M, 2 x 2 patches per token, LayerNorm and MLP, one look.
Pictures are cut into up to 12 tiles and a thumbnail. InternViT-6B (26B and larger) is refused.

The prompt of the first form is in code inside the folder (conversation.py), so it is written here;
the prompt of the second is its chat template. They differ: only the first numbers pictures
("Image-1: ") and has a system text.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.families.opened import (
    TEXT,
    Opened,
    found_prefix,
    language_rules,
    text_fields,
    under,
)
from vlm.families.processor_files import (
    image_settings,
    mark_special,
    own_template,
    pixel_settings,
)
from vlm.weights.io.rename import for_each
from vlm.weights.io.schema import JsonObject, read_json_object
from vlm.weights.io.shards import Shards
from vlm.weights.language.causal_lm import HEAD, is_internlm2, read_tokenizer
from vlm.weights.language.internlm2 import internlm2_rules, llama_config
from vlm.weights.language.internlm2_tokenizer import internlm2_tokenizer
from vlm.weights.towers import internvl as tower_names
from vlm.weights.towers.read import (
    tower_config,
    tower_prefix,
    tower_rules,
    tower_source,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from vlm.config import PVCConfig
    from vlm.encoders.config import TowerConfig
    from vlm.weights.towers.source import TowerSource

IMAGE_TOKENS = ("<img>", "<IMG_CONTEXT>", "</img>")
MAX_TILES, FRAMES, MAX_FRAMES = 12, 16, 96  # a frame takes 256 tokens


def open_original(folder: Path) -> Opened:
    """Opens a folder of OpenGVLab's form. Raises WeightsError, one sentence."""
    from transformers import CONFIG_MAPPING

    given = read_json_object(folder / "config.json")
    shards = Shards(folder)
    llm = given.section("llm_config")
    if is_internlm2(llm):
        tokenizer: PreTrainedTokenizerBase = internlm2_tokenizer(folder)
        text = llama_config(llm)
        text |= {
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
    else:
        tokenizer, text = read_tokenizer(folder), text_fields(llm, CONFIG_MAPPING)
    tied = bool(text.get("tie_word_embeddings")) or not _has_head(shards, TEXT)
    text["tie_word_embeddings"] = tied
    template = _template(given, tokenizer)
    tiles = given.integer("max_dynamic_patch", 1, 1024, MAX_TILES)
    if not given.boolean("dynamic_image_size", True):
        tiles = 1
    prompt = {"template": template, "max_tiles": max(tiles, MAX_TILES), "default_tiles": tiles}
    config, source = _config(folder, given, text, tokenizer, prompt)
    rules = [
        *_tower_rules(source, config.tower_config, shards, folder),
        *under("compressor.", for_each(tower_names.PROJECTORS["mlp1."], {"projector": ""})),
        *(
            internlm2_rules(config.text_config, theirs=TEXT, ours=TEXT)
            if is_internlm2(llm)
            else language_rules(config, f"{TEXT}model.", TEXT)
        ),
    ]
    drop = (TEXT + HEAD, f"{TEXT}output.weight") if tied else ()
    return Opened.of(folder, config, tokenizer, shards, rules, drop)


def open_hugging_face(folder: Path) -> Opened:
    """Opens a folder in transformers' format. Raises WeightsError, one sentence."""
    from transformers import CONFIG_MAPPING

    given = read_json_object(folder / "config.json")
    shards = Shards(folder)
    given.text("projector_hidden_act", ("gelu",), "gelu")
    given.text("vision_feature_select_strategy", ("default",), "default")
    tokenizer = read_tokenizer(folder)
    text = text_fields(given.section("text_config"), CONFIG_MAPPING)
    norm = "multi_modal_projector.layer_norm.weight"
    outer = found_prefix(shards.shapes, norm, folder)  # "" or "model."
    head = TEXT if f"{TEXT}model.embed_tokens.weight" in shards.shapes else ""
    body = f"{TEXT}model." if head else f"{outer}{TEXT}"
    # transformers ties InternVL's head by default; a head in the file is a head of its own.
    text["tie_word_embeddings"] = not _has_head(shards, head)
    tiles = image_settings(folder).integer("max_patches", 1, 1024, MAX_TILES)
    prompt = {
        "template": own_template(folder, tokenizer).to_dict(),
        "image_label": "",
        "max_tiles": tiles,
        "default_tiles": tiles,
    }
    config, source = _config(folder, given, text, tokenizer, prompt)
    projector = tower_names.PROJECTORS["multi_modal_projector."]
    rules = [
        *_tower_rules(source, config.tower_config, shards, folder),
        *under("compressor.", for_each(projector, {"projector": outer})),
        *language_rules(config, body, head),
    ]
    drop = tuple(tower_prefix(shards.shapes, source.anchor, folder) + n for n in source.unused)
    return Opened.of(folder, config, tokenizer, shards, rules, drop)


def _config(
    folder: Path,
    given: JsonObject,
    text: dict[str, Any],
    tokenizer: PreTrainedTokenizerBase,
    prompt: dict[str, Any],
) -> tuple[PVCConfig, TowerSource]:
    from vlm.config import PVCConfig

    source = tower_source(given.values, folder)
    size = source.fields["image_size"]
    given.integer("force_image_size", size, size, size)
    normalization = pixel_settings(folder)
    tower = tower_config(source, {**normalization, "temporal": {"num_layers": 0}}, folder)
    ratio = given.number("downsample_ratio", 1 / 64, 1, 0.5)
    mark_special(folder, tokenizer, prompt["template"], IMAGE_TOKENS, text["vocab_size"])
    config = PVCConfig(
        text_config=text,
        tower=asdict(tower),
        compressor={"factor": round(1 / ratio), "adaptive": False},
        prompt={
            "looks": 1,
            "default_frames": FRAMES,
            "max_frames": MAX_FRAMES,
            "image_tokens": IMAGE_TOKENS,
            **prompt,
        },
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKENS[1]),
    )
    return config, source


def _tower_rules(
    source: TowerSource, config: TowerConfig, shards: Shards, folder: Path
) -> list[Any]:
    prefix = tower_prefix(shards.shapes, source.anchor, folder)
    return under("tower.", tower_rules(source, config, prefix))


def _has_head(shards: Shards, prefix: str) -> bool:
    return any(prefix + name in shards.shapes for name in (HEAD, "output.weight"))


def _template(given: JsonObject, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Returns the template that config.json names, after a BOS if the tokenizer adds one."""
    from vlm.prompt.template import TEMPLATES, template_of

    name = given.text("template", default="internlm2-chat")
    if name not in ("internlm2-chat", "Hermes-2", "internvl2_5", "phi3-chat"):
        raise given.wrong("template", "internlm2-chat, Hermes-2, internvl2_5 or phi3-chat")
    assert name in TEMPLATES
    first = tokenizer("a").input_ids[:1]
    bos = tokenizer.bos_token if first == [tokenizer.bos_token_id] else ""
    return replace(template_of(name), start=bos or "").to_dict()
