"""Makes a PVC of an image model: `python -m vlm.assemble --progressive NAME OUT`.

The last third of the tower's layers gets temporal attention with a closed gate (alpha = 0), and the
compressor gets AdaLN that starts as what stood there: a LayerNorm with its weights, or nothing
(SmolVLM has one matrix). Until it is trained the new model returns the logits of the old one.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vlm.assemble.build import PARTS, Assembled, count_of, in_millions
from vlm.compressor import AdaptiveCompressor
from vlm.config import CompressorConfig, PromptConfig, PVCConfig
from vlm.config_upgrade import upgrade
from vlm.encoders import build_tower
from vlm.encoders.config import TowerConfig
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights import sources
from vlm.weights.io.files import WeightsError
from vlm.weights.io.schema import JsonObject, check_dataclass

NARROW = 256  # inner width of AdaLN and of its timestep embedding: square, they outweigh the rest
LAYERNORM_EPS = 1e-5  # torch's, of the compressor's LayerNorm
LAYERS = "backbone.layers."
CARD = {
    "knows": "what the model it was made of knows: its temporal layers and its AdaLN are untrained"
    " and change nothing.",
    "limits": "Train it (docs/training.md) before you raise prompt.looks.",
}


def make_progressive(
    name: str,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    dtype: torch.dtype | None = None,
    seed: int = 0,
) -> Assembled:
    """Loads an image model by its name and adds what PVC adds.

    `changes` overrides fields of `tower`, `compressor` and `prompt`. Raises ValueError, one
    sentence, for a model that is progressive already.
    """
    asked = {part: dict((changes or {}).get(part, {})) for part in PARTS}
    for part, kind in PARTS.items():
        check_dataclass(JsonObject(Path("--set"), asked[part], f"{part}."), kind)
    folder = sources.resolve(name)
    dtype = dtype or sources.config_of(folder).dtype
    image, processor = sources.load(folder, dtype)
    config = progressive_config(image.config, asked, folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with torch.device("meta"):
            model = PVCForConditionalGeneration(config)
        model.language_model = image.language_model
        model.tower = build_tower(config.tower_config)
        model.compressor = AdaptiveCompressor(
            model.tower.dim, config.text_width, config.compressor_config
        )
    depth = config.tower_config.backbone.depth
    new = _load(model.tower, {_ours(n, depth): t for n, t in image.tower.state_dict().items()})
    old = image.compressor.state_dict()
    added = _load(model.compressor, {n.replace("norm.", "norm.norm."): t for n, t in old.items()})
    model.to(image.dtype)
    model.config.dtype = image.dtype
    model.generation_config = image.generation_config
    rows = PVCProcessor.from_config(config, processor.tokenizer)
    return Assembled(model.eval(), rows, _notes(model, name, new, added), CARD)


def progressive_config(
    image: PVCConfig, changes: Mapping[str, Mapping[str, Any]], where: object
) -> PVCConfig:
    """Returns the config of the progressive model of an image model."""
    tower, compressor = image.tower_config, image.compressor_config
    if tower.encoder != "pvc" or tower.temporal.num_layers or compressor.adaptive:
        raise WeightsError(f"{where}: only an image model becomes progressive, this is none.")
    total = tower.backbone.depth
    temporal = {"num_layers": total // 3, "num_heads": tower.block.num_heads}
    wanted = upgrade("tower", asdict(tower), {"temporal": temporal}, changes.get("tower", {}))
    layers = wanted["temporal"]["num_layers"]
    if not 1 <= layers < total:
        raise WeightsError(
            f"{where}: of its {total} layers, {layers} cannot be temporal; set"
            f" tower.temporal.num_layers from 1 to {total - 1}."
        )
    wanted["backbone"]["depth"] = total - layers
    norm = {"norm": False} if compressor.linear else {"affine": True, "eps": LAYERNORM_EPS}
    adaptive = {"adaptive": True, "time_dim": NARROW, "adaln": {"hidden_dim": NARROW, **norm}}
    new = upgrade("compressor", asdict(compressor), adaptive, changes.get("compressor", {}))
    prompt = {**asdict(image.prompt_config), **changes.get("prompt", {})}
    text: Any = image.text_config
    return PVCConfig(
        text_config=text.to_dict(),
        tower=asdict(TowerConfig(**wanted)),
        compressor=asdict(CompressorConfig(**new)),
        prompt=asdict(PromptConfig(**prompt)),
        image_token_id=image.image_token_id,
    )


def _ours(name: str, depth: int) -> str:
    """The name of an image tower's tensor in a tower whose layers from `depth` on are blocks."""
    if not name.startswith(LAYERS):
        return name
    layer, _, rest = name.removeprefix(LAYERS).partition(".")
    return name if int(layer) < depth else f"blocks.{int(layer) - depth}.{rest}"


def _load(module: nn.Module, tensors: Mapping[str, Tensor]) -> int:
    """Loads all of these tensors; returns how many parameters keep their initial values."""
    unknown = sorted(tensors.keys() - module.state_dict().keys())
    assert not unknown, unknown
    module.load_state_dict(tensors, strict=False)
    return sum(p.numel() for name, p in module.named_parameters() if name not in tensors)


def _notes(model: PVCForConditionalGeneration, name: str, new: int, added: int) -> dict[str, str]:
    config = model.config
    tower, prompt = config.tower_config, config.prompt_config
    layers = tower.temporal.num_layers
    text = config.get_text_config().model_type
    form = "AdaLN without a norm" if config.compressor_config.linear else "AdaLN"
    return {
        "made of": name,
        "tower": f"{layers} temporal layers of {layers + tower.backbone.depth};"
        f" {count_of(model.tower)}, {in_millions(new)} of them new",
        "compressor": f"{form}; {count_of(model.compressor)}, {in_millions(added)} of them new",
        "language model": f"{text}, {count_of(model.language_model)}",
        "tokens": f"{config.tokens_per_look} per look, {prompt.looks} looks per image, one per"
        " video frame",
        "total": f"{count_of(model)}, {str(model.dtype).removeprefix('torch.')}",
    }
