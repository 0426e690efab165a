"""Gives a model another encoder as its tower, and a new compressor that fits it.

The language model, its prompt and what the compressor is made of stay the same, so that two models
differ in their encoder alone.
"""

from dataclasses import asdict, replace

import torch

from vlm.assemble.towers import (
    ImageTower,
    check_any_length,
    has_global_token,
    read_encoder_tower,
    square_side,
)
from vlm.compressor import AdaptiveCompressor
from vlm.config import PVCConfig
from vlm.encoders import build_tower, frame_grid
from vlm.encoders.config import TowerConfig
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor


def with_encoder(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    encoder: str,
    weights: str = "",
    seed: int = 0,
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """A model with the language model of `model`; its tower is a preset or name of an encoder.

    `weights` is as in `read_encoder_tower`. The compressor is new.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        image = read_encoder_tower(encoder, {}, weights)
        config = config_with_tower(model.config, image.config)
        made = _joined(config, image, model)
    return made, PVCProcessor.from_config(config, processor.tokenizer)


def config_with_encoder(config: PVCConfig, encoder: str) -> PVCConfig:
    """Returns the config that a model has after `with_encoder`."""
    return config_with_tower(config, read_encoder_tower(encoder, {}).config)


def config_with_tower(config: PVCConfig, tower: TowerConfig) -> PVCConfig:
    """The same config with another tower; the compressor keeps what the encoder has tokens for.

    Its squares of patches are the largest that divide the grid. It has a token for the whole frame
    if it had one and the encoder gives one. Stages that change its tokens are left out: they read
    what only the embedded tower has.
    """
    check_any_length(tower)
    before = config.compressor_config
    compressor = replace(
        before,
        factor=square_side(frame_grid(tower), before.factor),
        global_token=before.global_token and has_global_token(tower),
        stages=(),
    )
    values = config.to_dict() | {"tower": asdict(tower), "compressor": asdict(compressor)}
    return PVCConfig(**values)


def _joined(
    config: PVCConfig, image: ImageTower, model: PVCForConditionalGeneration
) -> PVCForConditionalGeneration:
    attention = model.config._attn_implementation
    with torch.device("meta"):  # parts are added one by one, so that none is in memory twice
        made = PVCForConditionalGeneration._from_config(config, attn_implementation=attention)
    made.language_model = model.language_model
    made.tower = build_tower(image.config)
    if image.tensors:
        made.tower.load_state_dict(image.tensors)
    made.compressor = AdaptiveCompressor(
        made.tower.dim, config.text_width, config.compressor_config
    )
    made.generation_config = model.generation_config
    return made.train(model.training)
