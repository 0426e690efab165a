"""`python -m vlm.encoders` lists every encoder with facts that are its own."""

import json
from pathlib import Path

import pytest
import torch

from vlm.encoders import ENCODERS, PRESETS, build_tower
from vlm.encoders.__main__ import main, parser
from vlm.encoders.find import find_preset
from vlm.encoders.table import CAUSAL, STREAMS, WHOLE_CLIP, chosen, in_time, row
from vlm.presets import preset_config

DOCUMENT = Path(__file__).parents[3] / "docs" / "encoders.md"


def test_without_words_every_encoder_has_a_row() -> None:
    assert [PRESETS[name].tower.encoder for name in chosen([], every=False)] == [*ENCODERS]


def test_with_presets_every_preset_but_those_for_tests_has_a_row() -> None:
    assert set(chosen([], every=True)) == {n for n in PRESETS if not n.endswith("-test")}


def test_words_select_encoders_presets_and_parts_of_names() -> None:
    assert chosen(["mvit"], True) == [n for n in ENCODERS["mvit"].presets if "-test" not in n]
    assert chosen(["vtn-test", "vtn-test"], True) == ["vtn-test"]
    assert chosen(["k710"], True) == ["uniformerv2-b16-k710"]


def test_the_name_of_an_encoder_means_the_first_of_its_presets() -> None:
    for name, encoder in ENCODERS.items():
        assert find_preset(name)[0] == next(iter(encoder.presets))


@pytest.mark.parametrize(
    ("word", "near"), [("timesfomer", "timesformer"), ("swin", "video-swin"), ("zzz", "lists all.")]
)
def test_an_unknown_name_is_answered_with_the_nearest(word: str, near: str) -> None:
    with pytest.raises(ValueError, match=f'no encoder or preset "{word}".*{near}'):
        find_preset(word)


def test_an_unknown_name_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["vpt", "no such thing"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_a_row_has_the_facts_of_the_preset_and_of_the_tower() -> None:
    found, preset = row("dualpath-test"), PRESETS["dualpath-test"]
    tower = build_tower(preset.tower)
    assert (found.parameters, found.trainable) == (preset.parameters, preset.trainable)
    assert found.token_grid == tower.token_grid(preset.num_frames, 16, 16)
    assert (found.dim, found.pooled_dim) == (tower.dim, tower.pooled_dim)
    assert found.gmacs > 0


@pytest.mark.parametrize(
    ("name", "time"),
    [("streamformer-test", STREAMS), ("vtn-causal-test", CAUSAL), ("vtn-test", WHOLE_CLIP)],
)
def test_the_list_tells_how_an_encoder_takes_time(name: str, time: str) -> None:
    with torch.device("meta"):
        assert in_time(build_tower(PRESETS[name].tower)) == time


def test_json_has_every_fact_and_the_table_the_same_presets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["vpt-deep-test", "vtn-test", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [r["preset"] for r in rows] == ["vpt-deep-test", "vtn-test"]
    assert rows[0]["parameters"] == PRESETS["vpt-deep-test"].parameters
    assert main(["vpt-deep-test", "vtn-test"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["preset", "parameters"]
    assert [line.split()[0] for line in lines[:2]] == ["vpt-deep-test", "vtn-test"]


def test_the_help_has_examples() -> None:
    assert "python -m vlm.encoders mvit timesformer" in parser().format_help()


def test_the_table_in_the_document_is_the_one_that_the_command_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--markdown"]) == 0
    assert capsys.readouterr().out in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("preset", "model"),
    [("pvc-internvit-300m", "pvc-internvl2-8b"), ("pvc-efficientnet-lite2", "embedded")],
)
def test_presets_of_pvc_are_the_towers_of_the_assistants(preset: str, model: str) -> None:
    assert PRESETS[preset].tower == preset_config(model).tower_config
