"""The configuration of a tower: any video encoder of the table, PVC's in parts.

    encoder, image_size, ...       fields of every encoder
    block, backbone                the image transformer's sizes, of any encoder built on one
    temporal, final_norm           the progressive tower's other parts (vlm/encoders/pvc.py)
    options                        what any other encoder has beside: its constructor's arguments

`vlm/config_upgrade.py` reads the flat form of earlier versions.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from vlm.layers.mlp import ACTIVATIONS
from vlm.layers.norm import AdaLNConfig
from vlm.timesteps import TIMESTEP_FORMS
from vlm.unknown_name import check_name

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Part = TypeVar("Part")


def _build(config: Any, name: str, kind: type[Part]) -> None:
    """Replaces a dict in a frozen dataclass by the dataclass it describes."""
    value = getattr(config, name)
    if isinstance(value, dict):
        object.__setattr__(config, name, kind(**value))


@dataclass(frozen=True)
class BlockConfig:
    """A pre-norm block of an image transformer; the progressive blocks above have the same sizes.

    InternViT, CLIP and SigLIP differ in the last three fields alone.
    """

    dim: int = 1024  # C, the width of the tower
    num_heads: int = 16
    mlp_dim: int = 4096
    layer_scale: float | None = 0.1  # initial value; None: no LayerScale, as in CLIP and SigLIP
    activation: str = "gelu"  # or gelu_pytorch_tanh (SigLIP), quick_gelu (CLIP)
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        check_name("activation", self.activation, ACTIVATIONS)


@dataclass(frozen=True)
class BackboneConfig:
    """The image backbone under the progressive layers; each backbone reads the fields it has."""

    name: str = "vit"  # of vlm.encoders.backbones.BACKBONES
    patch_size: int = 14  # of an image transformer, in pixels
    depth: int = 16  # layers below the temporal ones, of an image transformer
    feature_layer: int = -1  # layer of the original that gives the features; -2: all but its last
    num_classes: int = 0  # of a CNN's classifier


@dataclass(frozen=True)
class TemporalConfig:
    """What PVC adds to the last layers of the tower (arXiv 2412.09613, section 3)."""

    num_layers: int = 8  # 0: an image tower, each frame by itself
    num_heads: int = 16
    cls: bool = True  # CLS takes part in the temporal attention
    alpha: float = 0.0  # initial value of the gate
    adaln: AdaLNConfig = AdaLNConfig()

    def __post_init__(self) -> None:
        _build(self, "adaln", AdaLNConfig)
        if self.num_layers < 0:
            raise ValueError(f"a tower cannot have {self.num_layers} temporal layers")


@dataclass(frozen=True)
class TowerConfig:
    """A video encoder as the tower of an assistant. Nested dicts, as in config.json, are built."""

    encoder: str = "pvc"  # of vlm.encoders.ENCODERS
    image_size: int = 448  # S, of square frames in pixels
    image_mean: tuple[float, float, float] = IMAGENET_MEAN  # on the scale of 0 to 1
    image_std: tuple[float, float, float] = IMAGENET_STD
    timestep_form: str = "t/T"  # of frame t of T; or "t/(T-1)", or "t"
    timestep_scale: float = 1.0  # times this
    block: BlockConfig = BlockConfig()
    backbone: BackboneConfig = BackboneConfig()
    temporal: TemporalConfig = TemporalConfig()
    final_norm: bool = False  # a LayerNorm ends the tower, as SigLIP's
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_mean", tuple(self.image_mean))
        object.__setattr__(self, "image_std", tuple(self.image_std))
        _build(self, "block", BlockConfig)
        _build(self, "backbone", BackboneConfig)
        _build(self, "temporal", TemporalConfig)
        if self.timestep_form not in TIMESTEP_FORMS:
            raise ValueError(
                f'no timesteps of the form "{self.timestep_form}"; there are'
                f" {', '.join(TIMESTEP_FORMS)}"
            )
