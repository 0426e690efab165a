"""The published models at full size: numbers of parameters, and names of their tensors."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import internvl_maker
import pytest
import smolvlm_maker
import torch
from torch import nn
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)

from vlm.families.__main__ import table
from vlm.families.published import (
    INTERNVIT_300M,
    INTERNVL,
    SMOLVLM,
    Language,
    published_configs,
)
from vlm.families.table import open_family
from vlm.fit.estimate import meta_model
from vlm.image_text.fit import whole_meta_model
from vlm.image_text.published import WHOLE

# As published with the weights.
PARAMETERS = {
    "OpenGVLab/InternVL2-8B": 8_075_365_376,
    "HuggingFaceTB/SmolVLM-256M-Instruct": 256_484_928,
    "HuggingFaceTB/SmolVLM-500M-Instruct": 507_482_304,
    "HuggingFaceTB/SmolVLM-Instruct": 2_246_272_880,
    "HuggingFaceTB/SmolVLM2-2.2B-Instruct": 2_246_784_880,
    "Qwen/Qwen2-VL-2B-Instruct": 2_208_985_600,
    "Qwen/Qwen2-VL-7B-Instruct": 8_291_375_616,
    "Qwen/Qwen2.5-VL-3B-Instruct": 3_754_622_976,
    "Qwen/Qwen2.5-VL-7B-Instruct": 8_292_166_656,
    "Qwen/Qwen3-VL-2B-Instruct": 2_127_532_032,
    "Qwen/Qwen3-VL-4B-Instruct": 4_437_815_808,
    "Qwen/Qwen3-VL-8B-Instruct": 8_767_123_696,
}
# Of the cards, in billions.
ROUNDED = {
    "OpenGVLab/InternVL2-1B": 0.9382,
    "OpenGVLab/InternVL2-2B": 2.21,
    "OpenGVLab/InternVL2-4B": 4.15,
    "OpenGVLab/InternVL2_5-4B": 3.71,
    "OpenGVLab/InternVL3-2B": 2.09,
    "OpenGVLab/InternVL3-8B": 7.94,
    "OpenGVLab/InternVL3-14B": 15.12,
    "OpenGVLab/InternVL3_5-1B": 1.06,
    "OpenGVLab/InternVL3_5-2B": 2.35,
    "OpenGVLab/InternVL3_5-4B": 4.73,
    "OpenGVLab/InternVL3_5-8B": 8.53,
    "OpenGVLab/InternVL3_5-14B": 15.12,
}
DOCS = Path(__file__).parents[3] / "docs" / "models.md"


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def built(name: str) -> nn.Module:
    if name in WHOLE:
        return whole_meta_model(WHOLE[name].config())
    return meta_model(published_configs()[name]())


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_model_has_the_published_number_of_parameters(name: str) -> None:
    assert count(built(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", ROUNDED)
def test_a_model_has_about_the_parameters_of_its_card(name: str) -> None:
    assert count(built(name)) / 1e9 == pytest.approx(ROUNDED[name], abs=0.0051)


def test_the_documentation_has_the_table_that_the_command_prints() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")


def write_header(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Writes a weight file of these shapes in bfloat16, whose values take no disk space."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def their_shapes(model_class: Any, config: Any) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors that transformers saves."""
    with torch.device("meta"):
        model = model_class(config)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def internvl_shapes(folder: Path, language: Language) -> dict[str, tuple[int, ...]]:
    """Writes a folder like OpenGVLab/InternVL3-1B-hf at full size; returns its tensors."""
    _, made = internvl_maker.hugging_face(folder)
    vision: dict[str, Any] = dict(INTERNVIT_300M)
    for name in ("norm_type", "qk_normalization", "qkv_bias"):
        del vision[name]
    vision |= {"image_size": [448, 448], "patch_size": [14, 14], "attention_bias": True}
    config = InternVLConfig(
        vision_config=vision,
        text_config=language.to_dict(),
        image_token_id=made.image_token_id,
        image_seq_length=256,
        tie_word_embeddings=False,
    )
    config.save_pretrained(folder)
    shapes = their_shapes(InternVLForConditionalGeneration, config)
    write_header(folder / "model.safetensors", shapes)
    return shapes


@pytest.mark.parametrize("name", ["OpenGVLab/InternVL3-1B", "OpenGVLab/InternVL3_5-8B"])
def test_every_tensor_of_a_full_size_internvl_has_its_place(tmp_path: Path, name: str) -> None:
    shapes = internvl_shapes(tmp_path, INTERNVL[name])
    opened = open_family(tmp_path)
    assert opened is not None
    opened.fit.require(tmp_path)
    unused = sum(math.prod(shapes[tensor]) for tensor in opened.fit.dropped)
    theirs = sum(map(math.prod, shapes.values())) - unused
    assert count(meta_model(opened.config)) == theirs
    assert opened.config.tokens_per_look == 256


def test_every_tensor_of_a_full_size_internvl_under_its_first_names_has_its_place(
    tmp_path: Path,
) -> None:
    language = INTERNVL["OpenGVLab/InternVL3-2B"]
    theirs = internvl_shapes(tmp_path, language)
    internvl_maker.original(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["vision_config"] |= INTERNVIT_300M
    config["llm_config"] |= language.to_dict()
    config["force_image_size"] = 448
    (tmp_path / "config.json").write_text(json.dumps(config))
    shapes: dict[str, tuple[int, ...]] = {}
    for tensor, shape in theirs.items():
        renamed = internvl_maker.original_name(tensor)
        if renamed is not None:
            shapes[renamed.replace("attn.qkv.q.", "attn.qkv.")] = shape
    for tensor in [n for n in shapes if ".attn.qkv." in n and n.count(".") == 6]:
        rows, *others = shapes[tensor]
        shapes[tensor] = (3 * rows, *others)
    shapes = {n: s for n, s in shapes.items() if ".qkv.k." not in n and ".qkv.v." not in n}
    write_header(tmp_path / "model.safetensors", shapes)
    opened = open_family(tmp_path)
    assert opened is not None
    opened.fit.require(tmp_path)
    assert count(meta_model(opened.config)) == sum(map(math.prod, shapes.values()))


@pytest.mark.parametrize("name", [n for n in SMOLVLM if "SmolVLM2" in n])
def test_every_tensor_of_a_full_size_smolvlm_has_its_place(tmp_path: Path, name: str) -> None:
    parts = SMOLVLM[name]
    _, made = smolvlm_maker.smolvlm(tmp_path)
    config = SmolVLMConfig(
        vision_config=dict(parts.vision),
        text_config=parts.language.to_dict(),
        scale_factor=parts.factor,
        image_token_id=made.image_token_id,
        tie_word_embeddings=False,
    )
    config.save_pretrained(tmp_path)
    side = parts.vision["image_size"]
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())
    settings["max_image_size"], settings["size"] = (
        {"longest_edge": side},
        {"longest_edge": 4 * side},
    )
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    shapes = their_shapes(SmolVLMForConditionalGeneration, config)
    write_header(tmp_path / "model.safetensors", shapes)
    opened = open_family(tmp_path)
    assert opened is not None
    opened.fit.require(tmp_path)
    assert count(meta_model(opened.config)) == sum(map(math.prod, shapes.values()))
    assert (
        opened.config.tokens_per_look == (side // parts.vision["patch_size"] // parts.factor) ** 2
    )
