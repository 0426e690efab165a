"""`--progressive` adds what PVC adds to an image model and changes nothing until it is trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from families import Both, greedy, picture, theirs, user
from internvl_maker import hugging_face
from smolvlm_maker import smolvlm

from vlm.assemble.__main__ import main
from vlm.assistant import Assistant
from vlm.conversation import Conversation
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights import sources

PAGE = picture(70, 100)
CLIP = np.stack([picture(32, 32, seed) for seed in range(5)])
ASK = "What do you see here?"
MAKERS = {"internvl": hugging_face, "smolvlm": smolvlm}


@pytest.mark.parametrize("family", MAKERS)
def test_the_progressive_model_starts_as_the_original(family: str, tmp_path: Path) -> None:
    both = Both(tmp_path / "image", *MAKERS[family](tmp_path / "image"))
    out = tmp_path / "out"
    layers = ["--set", "tower.temporal.num_layers=1"]
    assert main(["--progressive", str(both.folder), *layers, str(out)]) == 0
    model, processor = sources.load(out, torch.float32)
    assert model.config.tower_config.temporal.num_layers == 1
    assert model.config.compressor_config.adaptive
    for one in (PAGE, CLIP):
        question = user(one, ASK)
        inputs = processor(Conversation((question,)))
        written, media = theirs(question)
        expected = both.their_processor.inputs(written, *media)
        assert inputs["input_ids"].tolist() == expected["input_ids"].tolist()
        with torch.inference_mode():
            logits, before = model(**inputs).logits, both.model(**both.ours(question)).logits
        assert torch.equal(logits, before)
        assert greedy(model, inputs) == greedy(both.theirs, expected)


@pytest.mark.parametrize("family", MAKERS)
def test_its_new_parts_learn(family: str, tmp_path: Path) -> None:
    MAKERS[family](tmp_path / "image")
    out = tmp_path / "out"
    options = ["--set", "tower.temporal.num_layers=1", "--set", "prompt.looks=3"]
    assert main(["--progressive", str(tmp_path / "image"), *options, str(out)]) == 0
    model = PVCForConditionalGeneration.from_pretrained(out, dtype=torch.float32)
    processor = PVCProcessor.from_pretrained(out)
    inputs = processor(Conversation((user(PAGE, ASK),)))
    ids = inputs["input_ids"]
    assert int((ids == model.config.image_token_id).sum()) % 3 == 0
    model(**inputs, labels=ids).loss.backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    for name in (
        "tower.blocks.0.alpha",
        "compressor.norm.gamma.2.weight",
        "compressor.norm.beta.2.bias",
    ):
        assert gradients[name].abs().max() > 0
    with torch.no_grad():
        model.tower.blocks[0].alpha.fill_(1.0)
        model.compressor.norm.gamma[2].weight.normal_()
        first, second = model.encode(inputs["pixel_values"][:1], [1], [2], [0.0, 0.5]).split(4)
    assert not torch.equal(first, second)  # another look at the same picture adds something


def test_what_is_progressive_already_or_half_named_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smolvlm(tmp_path / "image")
    out = str(tmp_path / "out")
    one = ["--set", "tower.temporal.num_layers=1"]
    assert main(["--progressive", str(tmp_path / "image"), *one, out]) == 0
    capsys.readouterr()
    for arguments, sentence in (
        (["--progressive", out], "only an image model becomes progressive"),
        (["--progressive", out, "--tower", "x"], "--progressive takes a whole model"),
        (["--tower", "fresh"], "Name --tower and --language-model, or --progressive."),
        (
            ["--progressive", str(tmp_path / "image"), "--set", "tower.temporal.num_layers=3"],
            "of its 3 layers, 3 cannot be temporal",
        ),
    ):
        assert main([*arguments, str(tmp_path / "new")]) == 1
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "new").exists()


def test_the_assistant_loads_it(tmp_path: Path) -> None:
    smolvlm(tmp_path / "image")
    out = tmp_path / "out"
    assert main(["--progressive", str(tmp_path / "image"), str(out)]) == 0
    assistant = Assistant.load(out, torch.float32)
    assert "untrained" in assistant.card["knows"]
    assistant.close()
