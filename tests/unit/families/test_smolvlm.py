"""SmolVLM by its name: transformers' ids, pixels, logits and greedy tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch
from families import Both, answer, finished, greedy, picture, theirs, user
from PIL import Image as PILImage
from smolvlm_maker import smolvlm

from vlm.assistant import Assistant, Planned, Settings, State
from vlm.conversation import Video
from vlm.media.splitting import split_grid, split_image
from vlm.prompt.number_words import number_words
from vlm.weights import sources
from vlm.weights.io.files import WeightsError

PAGE, SMALL = picture(70, 100), picture(20, 16, seed=3)
CLIP = np.stack([picture(32, 32, seed) for seed in range(5)])
ASK = "What do you see here?"
CONVERSATIONS = {
    "words alone": (user(ASK),),
    "a picture in tiles": (user(PAGE, ASK),),
    "a small picture, scaled up": (user(SMALL, ASK),),
    "several pictures": (user(PAGE, SMALL, ASK),),
    "a video": (user(CLIP, ASK),),
    "several turns": (user(PAGE, ASK), answer("A cat."), user("Where?")),
    "a picture, then a video": (user(SMALL, ASK), answer("A mat."), user(CLIP, "\nAnd here?")),
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("SmolVLM2")
    return Both(folder, *smolvlm(folder))


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_ids_pixels_logits_and_answers_are_transformers_own(both: Both, name: str) -> None:
    messages = CONVERSATIONS[name]
    ours, (written, media) = both.ours(*messages), theirs(*messages)
    expected = both.their_processor.inputs(written, *media)
    assert ours["input_ids"].tolist() == expected["input_ids"].tolist()
    if media:
        torch.testing.assert_close(ours["pixel_values"], expected["pixel_values"][0])
    with torch.inference_mode():
        logits, their_logits = both.model(**ours).logits, both.theirs(**expected).logits
    torch.testing.assert_close(logits, their_logits, atol=2e-4, rtol=2e-4)
    assert their_logits.std() > 0.1  # not a model that always answers the same
    assert greedy(both.model, ours) == greedy(both.theirs, expected)


def test_smolvlm_1_is_read_as_idefics3(tmp_path: Path) -> None:
    both = Both(tmp_path, *smolvlm(tmp_path, version=1))
    messages = (user(PAGE, SMALL, ASK),)
    ours, (written, media) = both.ours(*messages), theirs(*messages)
    expected = both.their_processor.inputs(written, *media)
    assert ours["input_ids"].tolist() == expected["input_ids"].tolist()
    assert greedy(both.model, ours) == greedy(both.theirs, expected)


def test_a_side_that_does_not_divide_into_patches_loses_the_rest(tmp_path: Path) -> None:
    """As in the 2.2B model: 384 pixels in patches of 14 are 27."""
    both = Both(tmp_path, *smolvlm(tmp_path, patch_size=7))
    ours, (written, media) = both.ours(user(PAGE, ASK)), theirs(user(PAGE, ASK))
    expected = both.their_processor.inputs(written, *media)
    with torch.inference_mode():
        logits, their_logits = both.model(**ours).logits, both.theirs(**expected).logits
    torch.testing.assert_close(logits, their_logits, atol=2e-4, rtol=2e-4)


def test_times_and_length_of_a_video_are_in_the_prompt(both: Both) -> None:
    times = [0.4, 61.0, 62.9, 125.0, 3601.5]
    message = user(CLIP, ASK)
    (video, text) = message.parts
    assert isinstance(video, Video)
    late = user(ASK).__class__("user", (Video(CLIP, np.array(times)), text))
    written, media = theirs(late)
    expected = both.their_processor.inputs(written, *media, times=times)
    assert both.ours(late)["input_ids"].tolist() == expected["input_ids"].tolist()


@pytest.mark.parametrize("size", [(70, 100), (100, 70), (20, 16), (32, 32), (5, 400), (64, 65)])
def test_pictures_of_any_shape_are_cut_as_transformers_cuts_them(
    both: Both, size: tuple[int, int]
) -> None:
    pixels = picture(*size)
    given = both.their_processor.image_processor([pixels], return_row_col_info=True)
    columns, rows = split_grid(size[1], size[0], 4, 32)
    cut = split_image(pixels, 4, 32)
    assert len(cut) == len(given["pixel_values"][0])
    assert given["rows"][0][0] in (rows, 0)  # 0: in one square
    assert given["cols"][0][0] in (columns, 0)
    squares = np.stack([(square + 1) * 127.5 for square in given["pixel_values"][0]])
    assert np.array_equal(cut, squares.round().astype(np.uint8).transpose(0, 2, 3, 1))


def test_the_plan_counts_what_the_prompt_takes_or_a_few_tokens_more(
    both: Both, tmp_path: Path
) -> None:
    PILImage.fromarray(PAGE).save(tmp_path / "page.png")
    frames = [PILImage.fromarray(frame) for frame in CLIP]
    film = tmp_path / "film.webp"
    frames[0].save(film, save_all=True, append_images=frames[1:], duration=400, lossless=True)
    assistant = Assistant.load(both.folder, torch.float32)
    files = [tmp_path / "page.png", film]
    planned, *_, last = assistant.reply(State(), ASK, files, Settings(max_new_tokens=4))
    assert isinstance(planned, Planned)
    assert 0 <= planned.plan.total - last.usage.prompt_tokens <= 4
    few = Settings(max_new_tokens=4, max_tiles=1)
    planned, *_, last = assistant.reply(State(), ASK, files[:1], few)
    assert planned.plan.files[0].tiles == 1
    assert 0 <= planned.plan.total - last.usage.prompt_tokens <= 4
    assistant.close()


def test_the_assistant_answers_as_transformers(both: Both, tmp_path: Path) -> None:
    PILImage.fromarray(PAGE).save(tmp_path / "page.png")
    assistant = Assistant.load(both.folder, torch.float32)
    written, media = theirs(user(PAGE, ASK))
    inputs = both.their_processor.inputs(written, *media)
    ends = sorted(assistant.facts.eos_ids)
    never = list(assistant.facts.suppressed_ids)
    expected = greedy(both.theirs, inputs, suppress_tokens=never, eos_token_id=ends)
    chosen = Settings(max_new_tokens=12, repetition_penalty=1.0)
    first = finished(assistant, State(), ASK, [tmp_path / "page.png"], chosen)
    assert list(first.state.turns[0].answer_ids) == [i for i in expected if i not in ends]
    second = finished(assistant, first.state, "Where?", [], chosen)
    assert second.usage.reused_tokens >= first.usage.prompt_tokens
    assistant.close()


def test_numbers_are_written_in_words_as_num2words_does() -> None:
    num2words = pytest.importorskip("num2words").num2words
    for number in (*range(130), 200, 201, 999, 1000, 1001, 1100, 2345, 9999):
        assert number_words(number) == num2words(number)


def test_a_processor_of_another_size_is_refused_in_a_sentence(tmp_path: Path) -> None:
    smolvlm(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    text = path.read_text(encoding="utf-8")
    assert '"longest_edge": 64' in text
    path.write_text(text.replace('"longest_edge": 64', '"longest_edge": 70'), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"longest_edge must be a multiple of 32, not 70\.$"):
        sources.load(tmp_path)
