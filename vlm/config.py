"""The configuration of a PVC model: tower, compressor, prompt, and the language model's own config.

Each unknown of the published checkpoint is a field; its default is our best guess.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from vlm.config_upgrade import upgrade
from vlm.encoders import frame_grid
from vlm.encoders.config import TowerConfig
from vlm.layers.norm import AdaLNConfig
from vlm.unknown_name import check_name

# A classifier, a detector, one for flat drawings, a reader (vlm/experts).
EXPERTS = ("kinds", "things", "shapes", "text")
MAX_LOOKS = 64  # at a picture or a tile, the most that a question may ask for
MAX_TILES = 1024  # of a picture, the most that any model takes


@dataclass(frozen=True)
class CompressorConfig:
    """From the patches of a look to its tokens."""

    factor: int = 4  # squares of factor x factor patches become one token
    mlp_dim: int | None = None  # None: the language model's width
    time_dim: int | None = None  # inner width of the time embedding; None: square, as in PVC
    linear: bool = False  # one matrix in place of norm and MLP, as SmolVLM's
    adaptive: bool = True  # AdaLN on time; without it a plain LayerNorm (the paper's ablation)
    adaln: AdaLNConfig = AdaLNConfig()
    global_token: bool = False  # one token more for the whole frame
    stages: tuple[str, ...] = ()  # of vlm.projector.STAGES: what changes the tokens afterwards

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        if isinstance(self.adaln, dict):
            object.__setattr__(self, "adaln", AdaLNConfig(**self.adaln))


@dataclass(frozen=True)
class PromptConfig:
    """How images and videos appear in the prompt."""

    template: str | dict[str, Any] = "chatml"  # by name, or the fields of a `Template`
    system: str = ""  # system turn if the user sets none; "" for no system turn
    frame_label: str = "Frame{index}: "  # before each frame of a video, index from 1
    image_label: str = "Image-{index}: "  # before each of several pictures
    layout: str = "internvl"  # of vlm.prompt.layouts: the markup around pictures, and their tiles
    tile_order: str = "tile"  # "tile": all looks at a tile in a row; "look": all tiles of a look
    image_tokens: tuple[str, str, str] = ("<img>", "<IMG_CONTEXT>", "</img>")
    looks: int = 4  # number of looks at a still picture
    max_tiles: int = 12
    default_tiles: int = 12
    max_frames: int = 96
    default_frames: int = 32
    frames_per_second: float = 1.0  # frames sampled from a short video
    experts: tuple[str, ...] = ()  # of EXPERTS: their words stand behind the visual tokens
    words_per_look: int = 48  # of text read in a picture, for each look
    words_per_frame: int = 24  # of text read in a frame of a video

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_tokens", tuple(self.image_tokens))
        object.__setattr__(self, "experts", tuple(self.experts))
        for name in self.experts:
            check_name("expert", name, EXPERTS)
        if self.tile_order not in ("tile", "look"):
            raise ValueError(f'tile_order is "tile" or "look", not "{self.tile_order}"')
        if self.looks < 1:
            raise ValueError("looks must be at least 1")


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
        rows, columns = self.grid
        factor = self.compressor_config.factor
        if rows % factor or columns % factor:
            raise ValueError(
                f"a grid of {rows} x {columns} patches is not divisible into squares of {factor}:"
                " change compressor.factor or tower.image_size"
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
    def grid(self) -> tuple[int, int]:
        """H, W: rows and columns of the tower's tokens of one frame."""
        return frame_grid(self.tower_config)

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
        """M: visual tokens of one look at one picture, tile or frame."""
        rows, columns = self.grid
        compressor = self.compressor_config
        return (rows // compressor.factor) * (
            columns // compressor.factor
        ) + compressor.global_token


AutoConfig.register(PVCConfig.model_type, PVCConfig)
