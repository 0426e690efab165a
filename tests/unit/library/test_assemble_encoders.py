"""`python -m vlm.assemble --tower ENCODER`: one changed line, another encoder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, CLIPVisionModel, LlamaConfig

from tests.image_models import image_model
from tests.tiny import tiny_tokenizer
from vlm.assemble.__main__ import main
from vlm.assemble.build import assemble
from vlm.assemble.swap import config_with_encoder
from vlm.assemble.towers import square_side
from vlm.encoders import ENCODERS, PRESETS
from vlm.presets import preset_config
from vlm.weights import sources

SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
SIZES |= {"num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 512}


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm")
    tokenizer = tiny_tokenizer()
    marks = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    AutoModelForCausalLM.from_config(LlamaConfig(**SIZES, **marks)).save_pretrained(folder)
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    return folder


def test_the_command_writes_a_folder_that_is_loaded(
    language_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--tower", "streamformer-test", "--language-model", str(language_model)]
    assert main([*command, "--preset", "pvc-narrow", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "streamformer, 16 px, 2 x 2 patches, causal" in told
    assert "1 per look" in told
    model, processor = sources.load(tmp_path / "out", torch.float32)
    assert type(model.tower) is ENCODERS["streamformer"]
    assert model.config.tokens_per_look == processor.tokens_per_look == 1
    assert model.config.compressor_config.adaptive


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tower", "i3d-flow"], "i3d-flow takes frames of 2 channels"),
        (
            ["--tower", "r2plus1d-r2d-18-8f"],
            "cannot be the tower of an assistant: this R2D takes 8",
        ),
        (["--tower", "vtn-test", "--set", "tower.temporal.num_layers=2"], "a field of PVC's tower"),
        (["--tower", "vtn-test", "--set", "tower.options.windows=2"], 'no option "windows"'),
        (["--tower", "vtn-test", "--set", "compressor.factor=2"], "divisible into squares of 2"),
        (["--tower", "vtn-test", "--tower-weights", "nowhere.pth"], "nowhere.pth"),
        (
            ["--tower", "slowfast-test", "--tower-weights", "."],
            "is a folder, which is for encoders",
        ),
        (["--tower", "fresh", "--tower-weights", "x"], "fresh has its own weights"),
        (["--tower", "timesformers"], "timesformers is neither a folder"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    arguments: list[str],
    sentence: str,
    language_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert main([*arguments, "--language-model", str(language_model), str(out)]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert sentence in error
    assert not out.exists()


def test_a_mistyped_encoder_is_corrected(language_model: Path) -> None:
    with pytest.raises(ValueError, match="nor an encoder; did you mean timesformer"):
        assemble("timesfomer", str(language_model))


def test_an_encoder_takes_the_weights_of_its_image_model(
    language_model: Path, tmp_path: Path
) -> None:
    theirs = image_model(PRESETS["aim-test"].tower)
    assert isinstance(theirs, CLIPVisionModel)
    theirs.save_pretrained(tmp_path / "clip")
    weights = {"tower_weights": str(tmp_path / "clip")}
    made = assemble("aim-test", str(language_model), "pvc-narrow", **weights)
    other = assemble("aim-test", str(language_model), "pvc-narrow", seed=1, **weights)
    name = "blocks.0.attn.qkv.weight"
    assert torch.equal(made.model.tower.state_dict()[name], other.model.tower.state_dict()[name])
    (q_proj,) = (
        t for n, t in theirs.state_dict().items() if n.endswith("layers.0.self_attn.q_proj.weight")
    )
    assert torch.equal(made.model.tower.state_dict()[name][: len(q_proj)], q_proj)


@pytest.mark.parametrize(
    ("grid", "wanted", "side"),
    [((32, 32), 4, 4), ((14, 14), 4, 2), ((7, 7), 4, 1), ((1, 1), 4, 1), ((3, 1), 2, 1)],
)
def test_the_largest_squares_that_divide_both_sides_become_tokens(
    grid: tuple[int, int], wanted: int, side: int
) -> None:
    assert square_side(grid, wanted) == side


@pytest.mark.parametrize("encoder", [name for name, kind in ENCODERS.items() if kind.presets])
def test_every_published_size_becomes_a_tower_by_its_name(encoder: str) -> None:
    """Of the embedded model, which has a token for the whole frame and words of a classifier."""
    config = config_with_encoder(preset_config("embedded"), encoder)
    before = preset_config("embedded").compressor_config
    after: Any = config.compressor_config
    assert after.stages == ()
    assert after.adaln == before.adaln
    rows, columns = config.grid
    squares = (rows // after.factor) * (columns // after.factor)
    assert config.tokens_per_look == squares + after.global_token <= 16 * 16 + 1
    assert config.prompt_config == preset_config("embedded").prompt_config
