"""One sentence reports whether a model fits, and what would make it fit."""

import argparse
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.__main__ import parser as app_command
from evaluation.__main__ import parser as evaluation_command
from tests.trainable import base_folder
from vlm import loading
from vlm.config import PVCConfig
from vlm.fit.estimate import Load, weight_bytes
from vlm.fit.hardware import DeviceMemory, checked_device, container_limit
from vlm.fit.quantize import backend
from vlm.fit.verdict import LoadOptions, check_fit
from vlm.loading import load_folder
from vlm.model_options import model_options
from vlm.presets import PRESETS, preset_config

CPU = torch.device("cpu")
EIGHT_B = preset_config("pvc-internvl2-8b")
# The same with few layers, which is faster to estimate: 2.7 billion parameters, 5.3 GB.
SHORT = preset_config(
    "pvc-internvl2-8b",
    tower={**PRESETS["pvc-internvl2-8b"]["tower"], "depth": 1, "num_temporal_layers": 1},
    text_config={**PRESETS["pvc-internvl2-8b"]["text_config"], "num_hidden_layers": 2},
)


def choice(config: PVCConfig, context: int | None = None) -> LoadOptions:
    return LoadOptions(torch.bfloat16, None, Load.of(config, context), CPU)


def room(gigabytes: float) -> DeviceMemory:
    return DeviceMemory("on this machine", int(gigabytes * 1e9), int(gigabytes * 1e9))


def test_the_report_of_a_model_that_fits_lists_its_needs() -> None:
    report = check_fit(EIGHT_B, choice(EIGHT_B), room(64))
    assert report.fits
    assert "9.55 billion parameters in bfloat16: weights 19.1 GB" in report.sentence
    assert "64.0 GB are free on this machine" in report.sentence


def test_a_change_that_fits_is_proposed_for_a_conversation_that_is_too_long() -> None:
    report = check_fit(SHORT, choice(SHORT), room(7))
    assert report.weights_fit
    assert not report.fits
    assert "It fits with" in report.sentence
    proposed = int(report.sentence.split("--context ")[1].split()[0])
    assert check_fit(SHORT, choice(SHORT, proposed), room(7)).fits


def test_weights_that_do_not_fit_are_reported_and_quantization_is_proposed() -> None:
    report = check_fit(SHORT, choice(SHORT), room(5.0))
    assert not report.weights_fit
    assert "GB alone, but 5.0 GB are free" in report.sentence
    assert "--quantize 4bit" in report.sentence


def test_a_smaller_model_is_proposed_if_nothing_helps() -> None:
    assert "take a smaller model" in check_fit(SHORT, choice(SHORT), room(1)).sentence


def test_quantization_is_proposed_with_the_packages_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vlm.fit.quantize.find_spec", lambda name: None)
    sentence = check_fit(SHORT, choice(SHORT), room(5.0)).sentence
    assert "--quantize 4bit (after: pip install bitsandbytes accelerate)" in sentence
    monkeypatch.setattr("vlm.fit.verdict.find_spec", lambda name: None)
    sentence = check_fit(SHORT, choice(SHORT), room(1)).sentence
    assert "or --device-map auto (after: pip install accelerate), which reads" in sentence
    monkeypatch.setattr("vlm.fit.quantize.find_spec", lambda name: name)
    monkeypatch.setattr("vlm.fit.verdict.find_spec", lambda name: name)
    assert "pip" not in check_fit(SHORT, choice(SHORT), room(1)).sentence


def test_quantization_is_not_proposed_for_a_device_that_cannot() -> None:
    apple = replace(choice(SHORT), device=torch.device("mps"))
    for gigabytes in (1, 7):
        assert "quantize" not in check_fit(SHORT, apple, room(gigabytes)).sentence


ASK = ["ask", "a.jpg", "What?"]
RUN = ["run", "videomme"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chat"], "and 4 frames and 4 tiles in the page's settings"),
        (ASK, "--frames 4 --tiles 4"),
        (["terminal"], "--frames 4 --tiles 4"),
        (RUN, "--frames 4 --max-tiles 4"),
    ],
)
def test_advice_names_only_options_of_the_command(arguments: list[str], words: str) -> None:
    if arguments == RUN:
        command, args = evaluation_command(), evaluation_command().parse_args(arguments)
    else:
        command, args = app_command(), app_command().parse_args(arguments)
    media = model_options(args)["media_options"]
    sentence = check_fit(SHORT, replace(choice(SHORT), media=media), room(1)).sentence
    assert words in sentence
    known = subparser(command, arguments[0]).format_help()
    for option in re.findall(r"--[a-z-]+", sentence):
        assert re.search(rf"{option}\b", known), option


def subparser(command: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices[name]
    raise AssertionError(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return base_folder(tmp_path) / "base"


def test_weights_that_cannot_fit_are_refused_before_loading_unless_forced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "memory_of", lambda device: room(1e-6))
    with pytest.raises(
        ValueError, match=r"alone, but .* are free .*--anyway loads it nevertheless"
    ):
        load_folder(folder)
    sentences: list[str] = []
    model, _, card = load_folder(folder, anyway=True, announce=sentences.append)
    assert model.num_parameters() > 0
    assert sentences
    assert sentences[0].startswith(card["name"])


def test_a_model_spread_over_memory_and_disk_answers_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    ids = torch.arange(3, 40)[None]
    alone = load_folder(folder, torch.float32)[0]
    config, load = alone.config, Load.of(alone.config)
    need = loading.estimate(config, torch.float32, load)
    looking = sum(weight_bytes(m, torch.float32) for m in (alone.tower, alone.compressor))
    least = looking + max(need.encoding, need.prefill) + need.cache
    text = weight_bytes(alone.language_model, torch.float32)
    places = {}
    for name, free in (("roomy", 4 * (least + text)), ("tight", least / 0.9 + text / 2)):
        monkeypatch.setattr(loading, "free_memory", lambda free=free: {"cpu": int(free)})
        model = load_folder(folder, torch.float32, device_map="auto")[0]
        spread = getattr(model, "hf_device_map", {"": "cpu"})  # not set for a single device
        places[name] = {str(place) for place in spread.values()}
        with torch.inference_mode():
            assert torch.equal(model(input_ids=ids).logits, alone(input_ids=ids).logits)
    assert places == {"roomy": {"cpu"}, "tight": {"cpu", "disk"}}


def test_models_of_one_name_have_offload_folders_of_their_own(tmp_path: Path) -> None:
    paths = [tmp_path / place / "model" for place in ("mine", "yours")]
    for path in paths:
        path.mkdir(parents=True)
        (path / "config.json").write_text("{}")
    folders = {
        loading.offload_folder(path, dtype, quantize)
        for path in paths
        for dtype in (torch.float32, torch.bfloat16)
        for quantize in (None, "8bit")
    }
    assert len(folders) == 8
    assert all(folder.name.startswith("model-") for folder in folders)
    before = loading.offload_folder(paths[0], torch.float32, None)
    assert loading.offload_folder(paths[0], torch.float32, None) == before
    (paths[0] / "config.json").write_text('{"changed": true}')
    assert loading.offload_folder(paths[0], torch.float32, None) != before


@pytest.mark.parametrize(
    ("bits", "device", "sentence"),
    [
        ("8bit", "cpu", "--quantize 8bit on cpu needs torchao; install with: pip install torchao"),
        ("4bit", "cpu", "--quantize 4bit on cpu needs bitsandbytes"),
        ("8bit", "cuda", "needs bitsandbytes"),
        ("8bit", "mps", "works on cuda and cpu, not on mps"),
        ("2bit", "cpu", "--quantize is 8bit or 4bit, not 2bit"),
    ],
)
def test_missing_packages_of_quantization_are_named_with_the_command(
    bits: str, device: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlm.fit.quantize.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=sentence):
        backend(bits, torch.device(device))


def test_an_unknown_device_is_refused_with_the_available_ones() -> None:
    with pytest.raises(ValueError, match=r"--device nonsense: there is no such device.*cpu"):
        checked_device("nonsense")


def test_a_containers_limit_is_used_and_its_page_cache_is_free(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 500\n")
    limit = container_limit(tmp_path)
    assert limit is not None
    assert (limit.free, limit.total) == (800, 1000)
    (tmp_path / "memory.max").write_text("max\n")
    assert container_limit(tmp_path) is None
