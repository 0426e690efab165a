"""Configs and settings of earlier versions are read in their present form."""

import json
from pathlib import Path

import pytest
import torch

from vlm.config import CompressorConfig, PVCConfig
from vlm.config_upgrade import upgrade
from vlm.encoders import build_tower
from vlm.encoders.config import BackboneConfig, BlockConfig, TemporalConfig, TowerConfig
from vlm.heads.classification import VideoClassifier, load_classifier, save_classifier
from vlm.layers.norm import AdaLNConfig
from vlm.presets import PRESETS

# `tower` and `compressor` of a config.json that version 0.1 wrote before towers had parts.
FLAT_TOWER = {
    "activation": "quick_gelu",
    "adaln_affine": True,
    "adaln_hidden_dim": 64,
    "adaln_one_plus": True,
    "alpha": 0.5,
    "backbone": "clip",
    "depth": 4,
    "dim": 32,
    "feature_layer": -2,
    "final_norm": True,
    "image_mean": [0.1, 0.2, 0.3],
    "image_size": 56,
    "image_std": [0.4, 0.5, 0.6],
    "layer_scale": None,
    "mlp_dim": 48,
    "norm_eps": 1e-05,
    "num_classes": 10,
    "num_heads": 2,
    "num_temporal_layers": 3,
    "patch_size": 7,
    "temporal_heads": 8,
    "temporal_prefix": False,
    "timestep_form": "t/(T-1)",
    "timestep_scale": 1000.0,
}
FLAT_COMPRESSOR = {
    "adaln_affine": True,
    "adaln_hidden_dim": 512,
    "adaln_one_plus": True,
    "adaptive": True,
    "concepts": True,
    "factor": 2,
    "mlp_dim": None,
    "summary": True,
}


def test_a_flat_tower_is_read_field_by_field() -> None:
    adaln = AdaLNConfig(hidden_dim=64, one_plus=True, affine=True)
    assert TowerConfig(**upgrade("tower", FLAT_TOWER)) == TowerConfig(
        encoder="pvc",
        image_size=56,
        image_mean=(0.1, 0.2, 0.3),
        image_std=(0.4, 0.5, 0.6),
        timestep_form="t/(T-1)",
        timestep_scale=1000.0,
        block=BlockConfig(32, 2, 48, None, "quick_gelu", 1e-5),
        backbone=BackboneConfig("clip", 7, 4, -2, 10),
        temporal=TemporalConfig(3, 8, cls=False, alpha=0.5, adaln=adaln),
        final_norm=True,
    )


def test_a_flat_compressor_is_read_field_by_field() -> None:
    assert CompressorConfig(**upgrade("compressor", FLAT_COMPRESSOR)) == CompressorConfig(
        factor=2,
        adaln=AdaLNConfig(hidden_dim=512, one_plus=True, affine=True),
        global_token=True,
        stages=("concepts",),
    )
    assert upgrade("compressor", {"concepts": False}) == {"stages": []}


def test_a_saved_config_is_its_own_upgrade() -> None:
    config = PVCConfig(
        tower=FLAT_TOWER,
        compressor=FLAT_COMPRESSOR,
        text_config=PRESETS["test"]["text_config"],
    )
    for section in ("tower", "compressor", "prompt"):
        assert upgrade(section, getattr(config, section)) == getattr(config, section)


def test_settings_of_both_forms_change_single_fields() -> None:
    nested = {"temporal": {"num_layers": 3}, "backbone": {"name": "siglip"}}
    found = upgrade("tower", FLAT_TOWER, {"alpha": 0.0, "dim": 64}, nested)
    tower, before = TowerConfig(**found), TowerConfig(**upgrade("tower", FLAT_TOWER))
    assert (tower.temporal.alpha, tower.temporal.num_layers) == (0.0, 3)
    assert tower.temporal.num_heads == before.temporal.num_heads
    assert (tower.backbone.name, tower.backbone.patch_size) == ("siglip", 7)
    assert tower.block.dim == 64


def test_a_classifier_with_a_flat_config_is_loaded(tmp_path: Path) -> None:
    flat = {**FLAT_TOWER, "adaln_hidden_dim": None, "num_temporal_layers": 1, "depth": 1}
    config = TowerConfig(**upgrade("tower", flat))
    model = VideoClassifier(build_tower(config), 2).eval()
    save_classifier(model, config, ["a", "b"], tmp_path)
    about = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**about, "tower": flat}))
    again, read, _ = load_classifier(tmp_path)
    assert read == config
    clip = torch.randn(1, 2, 3, 56, 56)
    assert torch.equal(again(clip), model(clip))


def test_an_unknown_field_stays_where_the_check_finds_it() -> None:
    assert upgrade("tower", {"depht": 3}) == {"depht": 3}
    with pytest.raises(TypeError, match="depht"):
        TowerConfig(**upgrade("tower", {"depht": 3}))
