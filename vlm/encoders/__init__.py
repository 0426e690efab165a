"""Video encoders. A new one is one file and one line in ENCODERS.

The file also has the encoder's presets; PRESETS collects those of all.
"""

import torch

from vlm.encoders.adaptformer import AdaptFormer
from vlm.encoders.aim import AIM
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.encoders.dualpath import DualPath
from vlm.encoders.efficient_prompt import EfficientPrompt
from vlm.encoders.i3d import I3D
from vlm.encoders.mvit import MViT
from vlm.encoders.nonlocal_net import NonLocalNet
from vlm.encoders.options import check_options
from vlm.encoders.preset import Preset
from vlm.encoders.pro_tuning import ProTuning
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.encoders.r2plus1d import R2Plus1D
from vlm.encoders.slowfast import SlowFast
from vlm.encoders.st_adapter import STAdapterEncoder
from vlm.encoders.streamformer import StreamFormer
from vlm.encoders.timesformer import TimeSformer
from vlm.encoders.uniformerv2 import UniFormerV2
from vlm.encoders.video_swin import VideoSwin
from vlm.encoders.vpt import VPT
from vlm.encoders.vtn import VTN
from vlm.unknown_name import check_name

ENCODERS: dict[str, type[VideoEncoder]] = {
    "pvc": ProgressiveEncoder,
    "adaptformer": AdaptFormer,
    "aim": AIM,
    "dualpath": DualPath,
    "efficient-prompt": EfficientPrompt,
    "i3d": I3D,
    "mvit": MViT,
    "nonlocal": NonLocalNet,
    "pro-tuning": ProTuning,
    "r2plus1d": R2Plus1D,
    "slowfast": SlowFast,
    "st-adapter": STAdapterEncoder,
    "streamformer": StreamFormer,
    "timesformer": TimeSformer,
    "uniformerv2": UniFormerV2,
    "video-swin": VideoSwin,
    "vpt": VPT,
    "vtn": VTN,
}

PRESETS: dict[str, Preset] = {
    name: preset for encoder in ENCODERS.values() for name, preset in encoder.presets.items()
}


def encoder_class(name: str) -> type[VideoEncoder]:
    """Returns the class of a name in ENCODERS; ValueError with the known names for any other."""
    check_name("encoder", name, ENCODERS)
    return ENCODERS[name]


def build_tower(config: TowerConfig) -> VideoEncoder:
    """Returns the encoder that a config describes, with fresh weights.

    Raises ValueError for wrong options.
    """
    encoder = encoder_class(config.encoder)
    check_options(config.encoder, encoder, config.options)
    tower = encoder.from_config(config)
    tower.timestep_form, tower.timestep_scale = config.timestep_form, config.timestep_scale
    return tower


def frozen_parameters(config: TowerConfig) -> set[str]:
    """Names of the parameters that an encoder's method freezes; loading weights unfreezes them."""
    if not encoder_class(config.encoder).takes_options:
        return set()  # PVC's tower freezes nothing by itself
    with torch.device("meta"):
        tower = build_tower(config)
    return {name for name, p in tower.named_parameters() if not p.requires_grad}


def frame_grid(config: TowerConfig) -> tuple[int, int]:
    """Rows and columns of the tokens of one frame, before anything is built."""
    encoder = encoder_class(config.encoder)
    check_options(config.encoder, encoder, config.options)
    return encoder.frame_grid(config)
