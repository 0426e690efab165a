"""The configuration of a PVC model: tower, compressor, prompt, and the language model's own config.

What is not known of the published checkpoint is a field here, with the reading we take as default.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from vlm.config_upgrade import upgrade
from vlm.layers.mlp import ACTIVATIONS
from vlm.timesteps import TIMESTEP_FORMS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

BACKBONES = ("vit", "clip", "siglip", *(f"efficientnet-lite{size}" for size in range(4)))


@dataclass(frozen=True)
class TowerConfig:
    """The backbone below and the progressive layers on top of it."""

    backbone: str = "vit"  # InternViT; or clip, siglip, efficientnet-lite0 .. lite3
    image_size: int = 448
    image_mean: tuple[float, float, float] = IMAGENET_MEAN  # on the scale of 0 to 1
    image_std: tuple[float, float, float] = IMAGENET_STD
    patch_size: int = 14  # of an image transformer
    depth: int = 16  # layers below the temporal ones, of an image transformer
    feature_layer: int = -1  # of the original, whose features these are; -2: all but its last
    num_classes: int = 0  # of a CNN's classifier
    dim: int = 1024
    num_heads: int = 16
    mlp_dim: int = 4096
    num_temporal_layers: int = 8  # 0: an image tower, each frame for itself
    temporal_heads: int = 16
    temporal_cls: bool = True  # CLS takes part in the temporal attention
    alpha: float = 0.0  # the gate's start
    layer_scale: float | None = 0.1  # None: no LayerScale, as in CLIP and SigLIP
    activation: str = "gelu"  # or gelu_pytorch_tanh (SigLIP), quick_gelu (CLIP)
    norm_eps: float = 1e-6  # of the image transformer's norms
    final_norm: bool = False  # a LayerNorm ends the tower, as SigLIP's
    adaln_hidden_dim: int | None = None  # None: square, as in PVC
    adaln_one_plus: bool = False
    adaln_affine: bool = False
    timestep_form: str = "t/T"  # of frame t of T; or "t/(T-1)", or "t"
    timestep_scale: float = 1.0  # times this

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_mean", tuple(self.image_mean))
        object.__setattr__(self, "image_std", tuple(self.image_std))
        if self.timestep_form not in TIMESTEP_FORMS:
            raise ValueError(
                f'no timesteps of the form "{self.timestep_form}"; there are'
                f" {', '.join(TIMESTEP_FORMS)}"
            )
        if self.num_temporal_layers < 0:
            raise ValueError(f"a tower cannot have {self.num_temporal_layers} temporal layers")
        if self.backbone not in BACKBONES:
            raise ValueError(f'no backbone "{self.backbone}"; there are {", ".join(BACKBONES)}')
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f'no activation "{self.activation}"; there are {", ".join(ACTIVATIONS)}'
            )
        if self.backbone == "vit" and self.image_size % self.patch_size:
            raise ValueError(
                f"pictures of {self.image_size} px do not divide into patches of {self.patch_size}"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches of one frame."""
        cnn = self.backbone.startswith("efficientnet")
        side = self.image_size // (32 if cnn else self.patch_size)
        return side, side


@dataclass(frozen=True)
class CompressorConfig:
    """From a look's patches to its tokens."""

    factor: int = 4  # squares of factor x factor patches become one token
    mlp_dim: int | None = None  # None: the language model's width
    adaptive: bool = True  # AdaLN on time; without it a plain LayerNorm (the paper's ablation)
    adaln_hidden_dim: int | None = None
    adaln_one_plus: bool = False
    adaln_affine: bool = False
    global_token: bool = False  # one token more for the whole frame
    concepts: bool = False  # add the words of the backbone's classifier


@dataclass(frozen=True)
class PromptConfig:
    """How pictures stand in the text."""

    template: str | dict[str, Any] = "chatml"  # by name, or the fields of a `Template`
    system: str = ""  # the system turn when the user gives none; "" for no such turn
    frame_label: str = "Frame{index}: "  # before each frame of a video, index from 1
    image_label: str = "Image-{index}: "  # before each picture when there are several
    tile_order: str = "tile"  # "tile": all looks of a tile together; "look": all tiles at a look
    image_tokens: tuple[str, str, str] = ("<img>", "<IMG_CONTEXT>", "</img>")
    looks: int = 4  # how often a still picture is shown
    max_tiles: int = 12
    default_tiles: int = 12
    max_frames: int = 96
    default_frames: int = 32
    frames_per_second: float = 1.0  # frames taken of a short video

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_tokens", tuple(self.image_tokens))
        if self.tile_order not in ("tile", "look"):
            raise ValueError(f'tile_order is "tile" or "look", not "{self.tile_order}"')
        if self.looks < 1:
            raise ValueError("a picture must be looked at once at least")


class PVCConfig(PreTrainedConfig):
    """config.json of a PVC model; `tower`, `compressor` and `prompt` are dictionaries there."""

    model_type = "pvc"
    sub_configs = {"text_config": AutoConfig}

    text_config: dict[str, Any] | PreTrainedConfig | None = None
    tower: dict[str, Any] = field(default_factory=dict)
    compressor: dict[str, Any] = field(default_factory=dict)
    prompt: dict[str, Any] = field(default_factory=dict)
    image_token_id: int = 0
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        if isinstance(self.text_config, dict):
            text = dict(self.text_config)
            if "model_type" not in text:
                raise ValueError("text_config needs a model_type, such as llama")
            self.text_config = AutoConfig.for_model(text.pop("model_type"), **text)
        self.tower = asdict(TowerConfig(**upgrade("tower", self.tower)))
        self.compressor = asdict(CompressorConfig(**upgrade("compressor", self.compressor)))
        self.prompt = asdict(PromptConfig(**self.prompt))
        rows, columns = self.tower_config.grid
        factor = self.compressor_config.factor
        if rows % factor or columns % factor:
            raise ValueError(
                f"a grid of {rows} x {columns} patches does not divide into squares of {factor}:"
                " set compressor.factor or tower.image_size otherwise"
            )
        super().__post_init__(**kwargs)

    @property
    def text_width(self) -> int:
        """D: the width of the language model."""
        assert isinstance(self.text_config, PreTrainedConfig)
        return self.text_config.hidden_size

    @property
    def tower_config(self) -> TowerConfig:
        return TowerConfig(**self.tower)

    @property
    def compressor_config(self) -> CompressorConfig:
        return CompressorConfig(**self.compressor)

    @property
    def prompt_config(self) -> PromptConfig:
        return PromptConfig(**self.prompt)

    @property
    def image_size(self) -> int:
        return self.tower_config.image_size

    @property
    def image_mean(self) -> tuple[float, float, float]:
        return self.tower_config.image_mean

    @property
    def image_std(self) -> tuple[float, float, float]:
        return self.tower_config.image_std

    @property
    def looks(self) -> int:
        return self.prompt_config.looks

    @property
    def tokens_per_look(self) -> int:
        """M: what one look at one picture, tile or frame costs the language model."""
        rows, columns = self.tower_config.grid
        compressor = self.compressor_config
        return (rows // compressor.factor) * (
            columns // compressor.factor
        ) + compressor.global_token


AutoConfig.register(PVCConfig.model_type, PVCConfig)
