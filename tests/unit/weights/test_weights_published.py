"""A tiny checkpoint in the original format: inspected, loaded directly, converted."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from published_maker import ORIGINAL, change, tensors_of_file, write_published
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlm.conversation import Conversation, Image, Message, Text
from vlm.model import PVCForConditionalGeneration
from vlm.presets import preset_config
from vlm.weights.io.files import WeightsError
from vlm.weights.io.shards import INDEX, Shards
from vlm.weights.pvc import convert as converting
from vlm.weights.pvc.convert import convert
from vlm.weights.pvc.published import is_published, load_published, open_published


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PVCForConditionalGeneration]:
    folder = tmp_path_factory.mktemp("hub") / "PVC-InternVL2-tiny"
    return folder, write_published(folder)


@pytest.fixture
def folder(release: tuple[Path, PVCForConditionalGeneration], tmp_path: Path) -> Path:
    """A copy that may be broken."""
    return Path(shutil.copytree(release[0], tmp_path / "PVC"))


def logits(model: PVCForConditionalGeneration, processor: object) -> torch.Tensor:
    pixels = torch.arange(40 * 70 * 3).reshape(40, 70, 3).numpy().astype("uint8")
    inputs = processor(Conversation((Message("user", (Image(pixels), Text("Who?"))),)))  # type: ignore[operator]
    with torch.no_grad():
        return model(**inputs).logits


def test_loading_it_directly_or_converted_computes_what_the_original_computes(
    release: tuple[Path, PVCForConditionalGeneration], tmp_path: Path
) -> None:
    source, model = release
    assert is_published(source)
    straight, processor = load_published(source, torch.float32)
    expected = logits(model, processor)
    assert torch.equal(logits(straight, processor), expected)
    ours = convert(source, tmp_path / "ours")
    again = AutoModelForImageTextToText.from_pretrained(ours, dtype=torch.float32)
    saved = AutoProcessor.from_pretrained(ours)
    assert torch.equal(logits(again, saved), expected)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    assert again.config.to_dict() | {"_name_or_path": ""} == straight.config.to_dict() | {
        "_name_or_path": "",
        "architectures": ["PVCForConditionalGeneration"],
        "transformers_version": again.config.transformers_version,
    }
    ends = processor.tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|im_start|>"])
    assert again.generation_config.eos_token_id == straight.generation_config.eos_token_id == ends


def test_a_config_of_the_published_sizes_equals_the_preset(folder: Path) -> None:
    published = open_published(folder)
    preset = preset_config("pvc-internvl2-8b")
    # What the tiny release leaves to defaults must be the preset's too.
    for ours, theirs in (
        (published.config.prompt, preset.prompt),
        (published.config.compressor, preset.compressor),
    ):
        assert ours == theirs
    sizes = {"image_size", "patch_size", "depth", "dim", "num_heads", "mlp_dim", "num_layers"}
    assert without(sizes, published.config.tower) == without(sizes, preset.tower)


def without(names: set[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields, those of these names left out."""
    return {
        name: without(names, value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if name not in names
    }


def test_a_large_model_is_split_into_shards_with_an_index(
    release: tuple[Path, PVCForConditionalGeneration],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, model = release
    monkeypatch.setattr(converting.file_groups, "__defaults__", (20_000,))
    done: list[int] = []
    ours = convert(source, tmp_path / "ours", done.append)
    files = sorted(ours.glob("model-*.safetensors"))
    assert len(files) == len(done) > 3
    shards = Shards(ours)
    assert shards.shapes.keys() == model.state_dict().keys()
    assert sum(done) == json.loads((ours / INDEX).read_text())["metadata"]["total_size"]
    again = PVCForConditionalGeneration.from_pretrained(ours, dtype=torch.float32)
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in model.state_dict().items())


def test_bfloat16_stays_bfloat16_bit_for_bit(tmp_path: Path) -> None:
    model = write_published(tmp_path / "source", dtype=torch.bfloat16)
    ours = load_file(convert(tmp_path / "source", tmp_path / "ours") / "model.safetensors")
    for name, tensor in model.state_dict().items():
        assert ours[name].dtype == torch.bfloat16
        assert torch.equal(ours[name].float(), tensor)
    assert open_published(tmp_path / "source").config.dtype == torch.bfloat16


def test_an_interrupted_conversion_leaves_nothing_and_the_next_one_starts_over(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(converting.file_groups, "__defaults__", (20_000,))
    with pytest.raises(KeyboardInterrupt):
        convert(folder, tmp_path / "ours", stop)
    assert not (tmp_path / "ours").exists()
    # What a killed process left is no obstacle either.
    (tmp_path / ".ours.building").mkdir()
    (tmp_path / ".ours.building" / "model-00001-of-00009.safetensors").write_text("half")
    convert(folder, tmp_path / "ours")
    assert not list((tmp_path / "ours").glob("*of-00009*"))
    assert sorted(os.listdir(tmp_path)) == ["PVC", "ours"]


def test_an_existing_folder_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(WeightsError, match="already exists"):
        convert(folder, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
    (tmp_path / "empty").mkdir()
    convert(folder, tmp_path / "empty")


def test_a_full_disk_is_reported_before_anything_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 9))  # type: ignore[attr-defined]
    with pytest.raises(WeightsError, match="GB are free"):
        convert(folder, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_settings_that_the_weights_show_are_inferred(folder: Path) -> None:
    """One alpha for a layer, 1 + gamma, an affine of the norm, fewer temporal layers."""
    for number in (1, 2):
        path, tensors = tensors_of_file(folder, number)
        for name in list(tensors):
            if name.endswith(".alpha"):
                tensors[name] = torch.tensor(0.25)
            elif name.endswith("gamma.2.bias"):
                tensors[name] -= 1
            if ".layers.1." in name and any(w in name for w in ("alpha", "temporal", "t_emb")):
                del tensors[name]
            if name == "vision_model.encoder.layers.2.temporal_norm.gamma.0.weight":
                for kind in ("weight", "bias"):
                    tensors[name.replace("gamma.0.weight", f"norm.{kind}")] = torch.ones(8)
        save_file(tensors, path, {"format": "pt"})
    (folder / INDEX).unlink()
    both = {**tensors_of_file(folder, 1)[1], **tensors_of_file(folder, 2)[1]}
    save_file(both, folder / "model.safetensors")
    published = open_published(folder)
    tower = published.config.tower_config
    assert (tower.backbone.depth, tower.temporal.num_layers) == (2, 1)
    assert tower.temporal.adaln.one_plus
    assert tower.temporal.adaln.affine
    assert not published.config.compressor_config.adaln.affine
    model, _ = load_published(folder, torch.float32)
    assert torch.equal(model.tower.blocks[0].alpha, torch.full((8,), 0.25))


def test_revisit_json_sets_names_and_fields_without_code(folder: Path) -> None:
    for number in (1, 2):
        path, tensors = tensors_of_file(folder, number)
        renamed = {n.replace("temporal_attn", "attn_t"): t for n, t in tensors.items()}
        save_file(renamed, path, {"format": "pt"})
    change(
        folder / INDEX,
        lambda index: index.update(
            weight_map={
                n.replace("temporal_attn", "attn_t"): f for n, f in index["weight_map"].items()
            }
        ),
    )
    with pytest.raises(WeightsError, match=r"missing: .*temporal_attn.* unexpected: .*attn_t"):
        load_published(folder)
    reading = {
        "names": {"temporal_attn.qkv": "attn_t.qkv", "temporal_attn.proj": "attn_t.proj"},
        "tower": {"timestep_scale": 1000.0},
        "prompt": {"tile_order": "look"},
    }
    (folder / "revisit.json").write_text(json.dumps(reading))
    published = open_published(folder)
    published.fit.require(folder)
    assert published.config.tower_config.timestep_scale == 1000
    assert published.config.prompt_config.tile_order == "look"
    for wrong, sentence in (
        ({"names": {"attn": "x"}}, "attn is not a name to map"),
        ({"tower": {"timestep": 1}}, "tower.timestep is not a field of TowerConfig"),
        ({"tower": {"timestep_scale": "1000"}}, "tower.timestep_scale must be a number"),
        ({"tiles": {}}, "tiles must be one of names, tower, compressor, prompt"),
    ):
        (folder / "revisit.json").write_text(json.dumps(wrong))
        with pytest.raises(WeightsError, match=sentence):
            open_published(folder)


def test_code_beside_the_weights_never_runs(folder: Path) -> None:
    marker = folder / "ran.txt"
    trap = f"open({str(marker)!r}, 'w').write('x')\n"
    for name in ("configuration_pvc_internvl.py", "modeling_pvc.py", "tokenization_internlm2.py"):
        (folder / name).write_text(trap)
    mapping = {"AutoConfig": "configuration_pvc_internvl.PVC", "AutoModel": "modeling_pvc.PVC"}
    change(folder / "config.json", lambda c: c.update(auto_map=mapping))
    change(folder / "tokenizer_config.json", lambda c: c.update(
        auto_map={"AutoTokenizer": ["tokenization_internlm2.Tok", None]}))  # fmt: skip
    load_published(folder)
    convert(folder, folder.parent / "ours")
    assert not marker.exists()
    assert "auto_map" not in (folder.parent / "ours" / "config.json").read_text()


def test_another_folder_is_not_taken_for_a_release(folder: Path, tmp_path: Path) -> None:
    assert not is_published(tmp_path / "nowhere")
    change(folder / "config.json", lambda c: c.update(model_type="pvc"))
    assert not is_published(folder)
    assert ORIGINAL["model_type"] == "pvc_internvl"
