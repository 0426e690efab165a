"""InternVL by its name: transformers' ids, pixels, logits and greedy tokens, in both its forms."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from families import Both, answer, finished, greedy, picture, theirs, user
from internvl_maker import hugging_face, original
from PIL import Image as PILImage

from vlm.assistant import Assistant, Settings, State
from vlm.conversation import Conversation, Image
from vlm.families.table import open_family
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights import sources
from vlm.weights.io.files import WeightsError

PAGE, SMALL = picture(70, 100), picture(30, 32, seed=3)
CLIP = np.stack([picture(32, 32, seed) for seed in range(5)])
TILES = 6  # as in the folders of internvl_maker
ASK = "What do you see here?"


@pytest.fixture(scope="module")
def hf(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("InternVL3-1B-hf")
    return Both(folder, *hugging_face(folder))


@pytest.fixture(scope="module")
def opengv(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("InternVL3-1B")
    return Both(folder, *original(folder))


CONVERSATIONS = {
    "words alone": (user(ASK),),
    "a picture": (user(SMALL, ASK),),
    "a picture in tiles": (user(PAGE, ASK),),
    "several pictures": (user(PAGE, SMALL, ASK),),
    "a video": (user(CLIP, ASK),),
    "several turns": (user(PAGE, ASK), answer("A cat."), user("Where?")),
    "a picture, then a video": (user(SMALL, ASK), answer("A mat."), user(CLIP, "And here?")),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_ids_pixels_logits_and_answers_are_transformers_own(hf: Both, name: str) -> None:
    messages = CONVERSATIONS[name]
    ours, (written, media) = hf.ours(*messages), theirs(*messages)
    expected = hf.their_processor.inputs(written, *media)
    assert ours["input_ids"].tolist() == expected["input_ids"].tolist()
    if media:
        torch.testing.assert_close(ours["pixel_values"], expected["pixel_values"])
    with torch.inference_mode():
        logits = hf.model(**ours).logits
        their_logits = hf.theirs(**expected).logits
    torch.testing.assert_close(logits, their_logits, atol=2e-4, rtol=2e-4)
    assert their_logits.std() > 0.1  # not a model that always answers the same
    assert greedy(hf.model, ours) == greedy(hf.theirs, expected)


def test_pictures_change_the_answer(hf: Both) -> None:
    answers = [greedy(hf.model, hf.ours(user(one, ASK))) for one in (PAGE, SMALL, CLIP)]
    assert len({tuple(one) for one in answers}) == 3


SYSTEM = (
    "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的"
    "多模态大语言模型。"
)


def published(question: str, before: str = "") -> str:
    """The prompt of OpenGVLab's own `chat` with the template internvl2_5."""
    turn = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    return f"<|im_start|>system\n{SYSTEM}<|im_end|>\n{before}{turn}"


def pictures(*tiles: int) -> list[str]:
    return [f"<img>{'<IMG_CONTEXT>' * (4 * count)}</img>" for count in tiles]


def test_the_original_form_has_the_prompt_of_its_own_code(opengv: Both) -> None:
    tall = len(opengv.processor.prepare(Image(PAGE, max_tiles=TILES)).clips)
    one, two = pictures(tall, 1)
    frames = "".join(f"Frame{i + 1}: {pictures(1)[0]}\n" for i in range(5))
    for messages, text in (
        ((user(ASK),), published(ASK)),
        ((user(PAGE, ASK),), published(f"{one}\n{ASK}")),
        ((user(PAGE, SMALL, ASK),), published(f"Image-1: {one}\nImage-2: {two}\n{ASK}")),
        ((user(CLIP, ASK),), published(frames + ASK)),
        (
            (user(SMALL, ASK), answer("A cat."), user("Where?")),
            published(
                "Where?",
                f"<|im_start|>user\n{two}\n{ASK}<|im_end|>\n"
                "<|im_start|>assistant\nA cat.<|im_end|>\n",
            ),
        ),
    ):
        expected = opengv.their_processor.tokenizer.encode(text)
        assert opengv.ours(*messages)["input_ids"][0].tolist() == expected


@pytest.mark.parametrize("name", ["several pictures", "a picture, then a video"])
def test_the_original_form_computes_what_transformers_computes(opengv: Both, name: str) -> None:
    inputs = opengv.ours(*CONVERSATIONS[name])
    plain = {
        key: inputs[key] for key in ("input_ids", "attention_mask", "pixel_values") if key in inputs
    }
    with torch.inference_mode():
        logits, expected = opengv.model(**inputs).logits, opengv.theirs(**plain).logits
    torch.testing.assert_close(logits, expected, atol=2e-4, rtol=2e-4)
    assert greedy(opengv.model, inputs) == greedy(opengv.theirs, plain)


def test_the_assistant_answers_as_transformers_and_goes_on_from_its_cache(
    hf: Both, tmp_path: Path
) -> None:
    PILImage.fromarray(PAGE).save(tmp_path / "page.png")
    assistant = Assistant.load(hf.folder, torch.float32)
    never = assistant.facts.suppressed_ids
    written, media = theirs(user(PAGE, ASK))
    inputs = hf.their_processor.inputs(written, *media)
    options = {"suppress_tokens": list(never), "eos_token_id": sorted(assistant.facts.eos_ids)}
    expected = greedy(hf.theirs, inputs, **options)
    chosen = Settings(max_new_tokens=12, repetition_penalty=1.0)
    first = finished(assistant, State(), ASK, [tmp_path / "page.png"], chosen)
    assert list(first.state.turns[0].answer_ids) == [
        token for token in expected if token not in assistant.facts.eos_ids
    ]
    second = finished(assistant, first.state, "Where?", [], chosen)
    assert second.usage.reused_tokens > first.usage.prompt_tokens - 1
    fresh = Assistant.load(hf.folder, torch.float32)
    anew = finished(fresh, first.state, "Where?", [], chosen)
    assert anew.usage.reused_tokens == 0
    assert second.state.turns[1].answer_ids == anew.state.turns[1].answer_ids
    assistant.close()
    fresh.close()


def test_a_saved_copy_is_an_ordinary_folder(hf: Both, tmp_path: Path) -> None:
    hf.model.save_pretrained(tmp_path)
    hf.processor.save_pretrained(tmp_path)
    model = PVCForConditionalGeneration.from_pretrained(tmp_path).eval()
    processor = PVCProcessor.from_pretrained(tmp_path)
    inputs = processor(Conversation((user(PAGE, ASK),)))
    with torch.inference_mode():
        again, first = model(**inputs).logits, hf.model(**hf.ours(user(PAGE, ASK))).logits
    assert torch.equal(again, first)


def test_a_folder_of_another_template_or_tower_is_refused_in_a_sentence(tmp_path: Path) -> None:
    original(tmp_path, template="vicuna_v1")
    with pytest.raises(WeightsError, match=r"config.json: template must be internlm2-chat"):
        sources.load(tmp_path)


def test_an_original_folder_opens_without_a_remark_of_transformers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    original(tmp_path)
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    caplog.clear()
    assert open_family(tmp_path) is not None
    assert caplog.messages == []
