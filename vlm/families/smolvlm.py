"""SmolVLM2 (256M, 500M, 2.2B) and SmolVLM, in transformers' format.

    HuggingFaceTB/SmolVLM2-256M-Video-Instruct     model_type smolvlm
    HuggingFaceTB/SmolVLM-256M-Instruct            model_type idefics3, as Idefics3 itself

SigLIP without its pooling head, 4 x 4 (or 3 x 3) patches per token, one matrix, SmolLM2: our tower
and a compressor without AdaLN, norm or MLP. A picture is scaled up to four squares along its longer
side, cut into rows and columns, and seen whole once more; a frame of a video is one square, with
its time in the prompt.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.families.opened import Opened, found_prefix, language_rules, text_fields, under
from vlm.families.processor_files import (
    image_settings,
    mark_special,
    own_template,
    pixel_settings,
)
from vlm.weights.io.rename import rename
from vlm.weights.io.schema import JsonObject, read_json_object
from vlm.weights.io.shards import Shards
from vlm.weights.language.causal_lm import HEAD, read_tokenizer
from vlm.weights.towers.read import tower_config, tower_prefix, tower_rules, tower_source

if TYPE_CHECKING:
    from vlm.config import PVCConfig
    from vlm.weights.towers.source import TowerSource

FENCE, IMAGE = "<fake_token_around_image>", "<image>"
PLACES = re.compile(r"<row_\d+_col_\d+>|<global-img>")
PROJECTION = "connector.modality_projection.proj.weight"
FRAMES = 16  # of a video, for a model that was not trained on videos
LANCZOS = 1  # PIL's number


def open_smolvlm(folder: Path) -> Opened:
    """Opens a folder of SmolVLM or Idefics3. Raises WeightsError, one sentence."""
    from transformers import CONFIG_MAPPING

    given = read_json_object(folder / "config.json")
    shards = Shards(folder)
    tokenizer = read_tokenizer(folder)
    template = own_template(folder, tokenizer).to_dict()
    text = text_fields(given.section("text_config"), CONFIG_MAPPING)
    text["tie_word_embeddings"] = HEAD not in shards.shapes
    places = [token for token in tokenizer.get_vocab() if PLACES.fullmatch(token)]
    marks = (FENCE, IMAGE, FENCE)
    mark_special(folder, tokenizer, template, marks, text["vocab_size"], places)

    source = tower_source(given.values, folder)
    config = _config(folder, given, source, text, template)
    config.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE)
    prefix = tower_prefix(shards.shapes, source.anchor, folder)
    outer = found_prefix(shards.shapes, PROJECTION, folder)  # "model."
    rules = [
        *under("tower.", tower_rules(source, config.tower_config, prefix)),
        *rename(f"{outer}{PROJECTION}", "compressor.mlp.weight"),
        *language_rules(config, f"{outer}text_model.", ""),
    ]
    drop = tuple(prefix + name for name in source.unused if name != "post_layernorm.*")
    return Opened.of(folder, config, tokenizer, shards, rules, drop)


def _config(
    folder: Path,
    given: JsonObject,
    source: TowerSource,
    text: dict[str, Any],
    template: dict[str, Any],
) -> PVCConfig:
    from vlm.config import PVCConfig

    pictures = image_settings(folder)
    pictures.integer("resample", LANCZOS, LANCZOS, LANCZOS)
    size = source.fields["image_size"]
    squares = pictures.section("max_image_size")
    squares.integer("longest_edge", size, size)
    longest = pictures.section("size").integer("longest_edge", size, 1 << 14)
    if longest % size:
        raise pictures.section("size").wrong("longest_edge", f"a multiple of {size}")
    most = (longest // size) ** 2
    tower = tower_config(source, {**pixel_settings(folder), "temporal": {"num_layers": 0}}, folder)
    return PVCConfig(
        text_config=text,
        tower=asdict(tower),
        compressor={
            "factor": given.integer("scale_factor", 1, 64, 2),
            "adaptive": False,
            "linear": True,
        },
        prompt={
            "template": template,
            "layout": "smolvlm",
            "image_tokens": (FENCE, IMAGE, FENCE),
            "looks": 1,
            "max_tiles": most,
            "default_tiles": most if pictures.boolean("do_image_splitting", True) else 1,
            **_sampling(pictures),
        },
    )


def _sampling(pictures: JsonObject) -> dict[str, Any]:
    """Returns the most frames of a video and its frames per second."""
    if "video_sampling" not in pictures:
        return {"max_frames": FRAMES, "default_frames": FRAMES}
    sampling = pictures.section("video_sampling")
    most = sampling.integer("max_frames", 1, 1024)
    fps = sampling.number("fps", 0.01, 100, 1.0)
    return {"max_frames": most, "default_frames": most, "frames_per_second": fps}
