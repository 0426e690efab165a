"""The rows that SlowFast and Non-local share: networks of PySlowFast for Kinetics-400."""

from typing import Any

from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset

MODEL_ZOO = "github.com/facebookresearch/SlowFast (MODEL_ZOO.md)"
NUM_CLASSES = 400


def kinetics_preset(
    encoder: str,
    dim: int,
    parameters: int,
    num_frames: int,
    *,
    paper: str,
    follows: str = "code",
    weights: str = "none",
    **options: Any,
) -> Preset:
    """Returns a row; `dim` of the pooled feature, `parameters` with a classifier of 400 classes."""
    return Preset(
        TowerConfig(
            encoder=encoder,
            image_size=224,
            image_mean=(0.45, 0.45, 0.45),
            image_std=(0.225, 0.225, 0.225),
            options=options,
        ),
        parameters=parameters - (dim + 1) * NUM_CLASSES,
        paper=paper,
        follows=follows,
        num_frames=num_frames,
        head={"norm": False, "dropout": 0.5},
        with_head={NUM_CLASSES: parameters},
        weights=weights,
        weights_license="none" if weights == "none" else "Apache-2.0",
    )
