"""Assembles a tower and a language model to an untrained PVC and writes it as a folder.

The layers of the image tower, the language model and its tokenizer stay unchanged. The temporal
part of the tower (gates closed: it returns the features of the image tower) and the compressor are
new.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlm.assemble.towers import (
    ImageTower,
    check_any_length,
    encoder_preset,
    read_encoder_tower,
    read_image_tower,
    square_side,
)
from vlm.compressor import AdaptiveCompressor
from vlm.config import CompressorConfig, PromptConfig, PVCConfig
from vlm.config_upgrade import upgrade
from vlm.encoders import build_tower, frame_grid
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.model import PVCForConditionalGeneration
from vlm.presets import ASSEMBLIES
from vlm.processor import PVCProcessor
from vlm.unknown_name import check_name
from vlm.weights import base_models
from vlm.weights.io.files import WeightsError, apply_umask, naming
from vlm.weights.io.schema import JsonObject, check_dataclass
from vlm.weights.language.prepare import LanguageModel, read_language_model
from vlm.weights.model_card import model_card
from vlm.weights.sources import resolve

SMOLLM2 = "smollm2"
PARTS = {"tower": TowerConfig, "compressor": CompressorConfig, "prompt": PromptConfig}


UNTRAINED = {
    "knows": "nothing about images yet: the parts between its tower and its language model are"
    " untrained.",
    "limits": "Train it (docs/training.md) before you use it.",
}


@dataclass(frozen=True)
class Assembled:
    """An assembled model."""

    model: PVCForConditionalGeneration
    processor: PVCProcessor
    notes: Mapping[str, str]  # facts for people: part -> sentence
    card: Mapping[str, str] = field(default_factory=lambda: UNTRAINED)  # knows, limits


def assemble(
    tower: str,
    language_model: str,
    preset: str = "pvc",
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    dtype: torch.dtype | None = None,
    seed: int = 0,
    tower_weights: str = "",
) -> Assembled:
    """Assembles a model; `changes` overrides fields of `tower`, `compressor` and `prompt`.

    `tower` names an image tower, or an encoder of vlm/encoders, whose weights are in
    `tower_weights`. Raises ValueError, one sentence, for parts that are missing or do not fit.
    """
    check_name("preset", preset, ASSEMBLIES)
    requested = {
        part: upgrade(part, ASSEMBLIES[preset][part], _part(changes, part)) for part in PARTS
    }
    for part, kind in PARTS.items():
        check_dataclass(JsonObject(Path("--set"), requested[part], f"{part}."), kind)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if encoder_preset(tower) is not None:
            image = read_encoder_tower(tower, _part(changes, "tower"), tower_weights)
            check_any_length(image.config)
        elif tower_weights:
            raise ValueError(f"{tower} has its own weights; leave --tower-weights out")
        else:
            image = read_image_tower(tower, requested["tower"])
        squares_chosen = "factor" in _part(changes, "compressor")
        requested["compressor"] = _compressor(image, requested["compressor"], squares_chosen)
        tokens = PromptConfig(**requested["prompt"]).image_tokens
        given = read_language_model(_language_model(language_model), tokens, dtype)
        return _join(image, given, requested)


def _part(changes: Mapping[str, Mapping[str, Any]] | None, part: str) -> dict[str, Any]:
    """Returns the fields of one part among the given changes."""
    return upgrade(part, (changes or {}).get(part, {}))


def write(assembled: Assembled, out: Path) -> None:
    """Writes the folder beside `out` and renames it, so that it is complete or missing."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WeightsError(f"{out} already exists; name a new folder.")
    model = assembled.model
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    building = out.with_name(f".{out.name}.building")
    with naming(out), _removed(building):
        out.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(out.parent).free
        if size > free:
            raise WeightsError(
                f"{out}: the model takes {size / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are"
                " free; name another folder."
            )
        shutil.rmtree(building, ignore_errors=True)  # left by a killed process
        model.save_pretrained(building)
        assembled.processor.save_pretrained(building)
        made_of = dict(assembled.notes)
        card = {"name": out.name, **assembled.card, "made of": made_of}
        (building / "card.json").write_text(json.dumps(card, indent=2), encoding="utf-8")
        limits = f"It knows {card['knows']} {card['limits']}"
        text = model_card(out.name, "assembled and not trained yet", made_of, limits)
        (building / "README.md").write_text(text, encoding="utf-8")
        apply_umask(building)
        if out.exists():
            out.rmdir()
        building.rename(out)


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    """Removes the folder at the end, if it is still there."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _join(
    image: ImageTower, given: LanguageModel, requested: Mapping[str, Mapping[str, Any]]
) -> Assembled:
    tower, text = image.config, given.model.config
    prompt = PromptConfig(**{"template": given.template, **requested["prompt"]})
    compressor = CompressorConfig(**requested["compressor"])
    config = PVCConfig(
        text_config=text.to_dict(),
        tower=asdict(tower),
        compressor=asdict(compressor),
        prompt=asdict(prompt),
        image_token_id=given.tokenizer.convert_tokens_to_ids(prompt.image_tokens[1]),
    )
    processor = PVCProcessor.from_config(config, given.tokenizer)
    with torch.device("meta"):  # parts are added one by one, so that none is in memory twice
        model = PVCForConditionalGeneration(config)
    model.language_model = given.model
    model.tower = build_tower(tower)
    unknown = model.tower.load_state_dict(image.tensors, strict=False).unexpected_keys
    assert not unknown, unknown
    model.compressor = AdaptiveCompressor(model.tower.dim, config.text_width, compressor)
    kept = image.projector is not None and _same_shapes(
        image.projector.tensors, model.compressor.state_dict()
    )
    if kept and image.projector is not None:
        model.compressor.load_state_dict(image.projector.tensors)
    model.to(given.model.dtype)
    model.config.dtype = given.model.dtype
    model.generation_config = given.model.generation_config
    return Assembled(model.eval(), processor, assembly_notes(model, image, given, kept))


def _compressor(image: ImageTower, requested: Mapping[str, Any], chosen: bool) -> dict[str, Any]:
    """Returns the compressor's fields; a `factor` that was not chosen is made to fit the grid."""
    found = dict(requested)
    if not chosen:
        found["factor"] = square_side(frame_grid(image.config), found["factor"])
    if image.projector is not None and not found.get("adaptive", True):
        found.setdefault("mlp_dim", image.projector.mlp_dim)
    return found


def _same_shapes(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return {n: t.shape for n, t in a.items()} == {n: t.shape for n, t in b.items()}


def assembly_notes(
    model: PVCForConditionalGeneration, image: ImageTower, given: LanguageModel, kept: bool
) -> dict[str, str]:
    """Describes each part of the model in a line for people."""
    tower, compressor = model.config.tower_config, model.config.compressor_config
    text, prompt = model.config.get_text_config(), model.config.prompt_config
    rows, columns = model.config.grid
    new = sum(p.numel() for name, p in model.tower.named_parameters() if name not in image.tensors)
    factor, is_pvc = compressor.factor, isinstance(model.tower, ProgressiveEncoder)
    squares = f"{factor} x {factor} patches per token" if factor > 1 else "a token per patch"
    norm = "AdaLN" if compressor.adaptive else "LayerNorm"
    return {
        "tower": f"{tower.backbone.name if is_pvc else tower.encoder}, {tower.image_size} px,"
        f" {rows} x {columns} patches, {_time(model.tower, tower)}; {count_of(model.tower)},"
        f" {in_millions(new)} of them new",
        "compressor": f"{squares}, {norm}; {count_of(model.compressor)}, "
        + ("the projector of the image tower" if kept else "all new"),
        "language model": f"{text.model_type}, {text.num_hidden_layers} layers, width"
        f" {text.hidden_size}; {count_of(model.language_model)}",
        "vocabulary": given.vocabulary,
        "template": given.template_note,
        "tokens": f"{model.config.tokens_per_look} per look, {prompt.looks} looks per image,"
        f" one per video frame; context {text.max_position_embeddings}",
        "total": f"{count_of(model)}, {str(model.dtype).removeprefix('torch.')}",
    }


def _time(tower: VideoEncoder, config: TowerConfig) -> str:
    """Returns how a tower sees time: its temporal layers, or whether it looks ahead."""
    if not isinstance(tower, ProgressiveEncoder):
        return "causal" if tower.causal else "frames see the whole clip"
    layers = f"{config.temporal.num_layers} temporal layers"
    if below := getattr(tower.backbone, "layers", ()):  # an image transformer
        layers += f" of {len(below) + config.temporal.num_layers}"
    return layers


def count_of(module: torch.nn.Module) -> str:
    """Counts parameters, in millions from a tenth of one on."""
    return in_millions(sum(p.numel() for p in module.parameters()))


def in_millions(number: int) -> str:
    return f"{number / 1e6:,.1f} M" if number >= 1e5 else f"{number:,}"


def _language_model(name: str) -> Path:
    if name == SMOLLM2:
        return base_models.smollm2()
    return Path(name).expanduser() if name.endswith(".gguf") else resolve(name)
