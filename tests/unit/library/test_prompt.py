"""Templates, labels, and text that tries to be more than text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_processor, tiny_tokenizer

from vlm.config import PromptConfig
from vlm.conversation import Clip, Conversation, Media, Message, Text
from vlm.prompt.safe_tokenizer import PlainTokenizer, clean
from vlm.prompt.writer import IGNORE, PromptWriter

M = 4  # tokens a look of the "test" preset
LOOK = "<IMG_CONTEXT>" * M
MARKUP = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<img>", "</img>", "<IMG_CONTEXT>"]

HOSTILE = st.lists(st.sampled_from([*MARKUP, "a", "\n", "user", "\ud800"]) | st.text()).map("".join)


def writer(**prompt: object) -> PromptWriter:
    return PromptWriter(tiny_tokenizer(), PromptConfig(**{"frame_label": "", **prompt}), M)  # type: ignore[arg-type]


def picture(tiles: int = 1, looks: int = 2) -> Media:
    clip = Clip(np.zeros((1, 4, 4, 3), np.uint8), tuple(i / looks for i in range(looks)))
    return Media("image", (clip,) * tiles)


def video(frames: int) -> Media:
    steps = tuple(i / frames for i in range(frames))
    return Media("video", (Clip(np.zeros((frames, 4, 4, 3), np.uint8), steps),), steps)


def user(*parts: Media | str) -> Message:
    return Message("user", tuple(Text(p) if isinstance(p, str) else p for p in parts))


def assistant(text: str) -> Message:
    return Message("assistant", (Text(text),))


def written(conversation: Conversation, **prompt: object) -> str:
    return tiny_tokenizer().decode(writer(**prompt).write(conversation, True).ids)


def test_chatml_has_no_system_turn_unless_one_is_given() -> None:
    question = Conversation((user("Hi"),))
    expected = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert written(question) == expected
    system = "<|im_start|>system\nBe kind<|im_end|>\n"
    assert written(question, system="Be kind") == system + expected
    said = Conversation((Message("system", (Text("Be kind"),)), user("Hi")))
    assert written(said, system="another") == system + expected


def test_internlm2_begins_with_its_bos_and_system_text_and_has_no_line_between_turns() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    prompt = PromptConfig(template="internlm2-chat")
    ids = PromptWriter(tokenizer, prompt, M).write(Conversation((user("Hi"),)), True).ids
    text = tokenizer.decode(ids)
    assert text.startswith("<s><|im_start|>system\n你是由上海人工智能实验室")
    assert text.endswith(
        "人工智能助手。<|im_end|><|im_start|>user\nHi<|im_end|><|im_start|>assistant\n"
    )


def test_a_picture_stands_in_one_pair_of_marks_with_all_its_tiles_and_looks() -> None:
    text = written(Conversation((user(picture(tiles=3, looks=2), "What?"),)))
    assert f"user\n<img>{LOOK * 6}</img>\nWhat?<|im_end|>" in text


def test_each_frame_of_a_video_stands_in_its_own_marks() -> None:
    conversation = Conversation((user(video(2), "What?"),))
    assert f"user\n<img>{LOOK}</img><img>{LOOK}</img>\nWhat?" in written(conversation)
    labelled = written(conversation, frame_label="Frame{index}: ")
    assert f"user\nFrame1: <img>{LOOK}</img>\nFrame2: <img>{LOOK}</img>\nWhat?" in labelled


def test_pictures_are_numbered_once_there_are_several() -> None:
    text = written(Conversation((user(picture(), picture(), "Compare."),)))
    assert text.index("Image-1: <img>") < text.index("Image-2: <img>")


def test_numbering_a_later_picture_leaves_the_turns_before_as_they_were() -> None:
    first = (user(picture(), "What?"), assistant("A cat."))
    before = writer().write(Conversation(first)).ids
    after = writer().write(Conversation((*first, user(picture(), "And this?")))).ids
    assert after[: len(before)] == before
    assert "Image-2: <img>" in tiny_tokenizer().decode(after)


def test_labels_are_the_answers_with_their_end_of_turn_and_nothing_else() -> None:
    tokenizer = tiny_tokenizer()
    page = writer().write(
        Conversation(
            (user(picture(), "What?"), assistant("A cat."), user("Sure?"), assistant("Yes"))
        )
    )
    assert len(page.labels) == len(page.ids)
    assert all(label in (IGNORE, token) for label, token in zip(page.labels, page.ids, strict=True))
    learned = [label for label in page.labels if label != IGNORE]
    assert tokenizer.decode(learned) == "A cat.<|im_end|>Yes<|im_end|>"
    # Generation starts exactly where training let answers begin.
    start = next(i for i, label in enumerate(page.labels) if label != IGNORE)
    asked = writer().write(Conversation((user(picture(), "What?"),)), add_generation_prompt=True)
    assert asked.ids == page.ids[:start]


@given(st.lists(HOSTILE, min_size=4, max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_text_becomes_markup_whoever_wrote_it(texts: list[str]) -> None:
    question, answer, again, system = texts
    plain = Conversation(
        (Message("system", (Text("s"),)), user(picture(), video(2), "q"), assistant("a"), user("r"))
    )
    hostile = Conversation(
        (
            Message("system", (Text(system),)),
            user(picture(), video(2), question),
            assistant(answer),
            user(again),
        )
    )
    page, special = writer(), PlainTokenizer(tiny_tokenizer()).special_ids

    def markup(conversation: Conversation) -> list[int]:
        return [token for token in page.write(conversation, True).ids if token in special]

    assert markup(hostile) == markup(plain)
    ids = page.write(hostile, True).ids
    # Nothing was lost either: the text is all there, as text.
    assert clean(question) in tiny_tokenizer().decode(ids)


def test_halves_of_surrogate_pairs_become_the_replacement_character() -> None:
    assert clean("a\ud83d") == "a\ufffd"
    assert clean("\ud83d\ude00") == "😀"


def test_words_a_model_wrote_keep_their_ids_unless_there_is_markup_among_them() -> None:
    page = writer()
    ids = tuple(page.plain("ab"))
    kept = page.write(Conversation((user("q"), Message("assistant", (Text("other", ids),)))))
    assert [i for i in kept.labels if i != IGNORE] == [*ids, page.end_of_turn]
    forged = (*ids, page.image_token_id)
    again = page.write(Conversation((user("q"), Message("assistant", (Text("other", forged),)))))
    assert [i for i in again.labels if i != IGNORE] == [*page.plain("other"), page.end_of_turn]


@pytest.mark.parametrize("frame_label", ["", "Frame{index}: "])
def test_what_media_take_is_known_before_they_are_read(frame_label: str) -> None:
    page = writer(frame_label=frame_label)
    bare = len(page.write(Conversation((user("q"),))).ids)
    for frames in (1, 4, 12):
        ids = page.write(Conversation((user(video(frames), "q"),))).ids
        assert len(ids) - bare == page.video_tokens(frames)
    one = page.write(Conversation((user(picture(tiles=3, looks=2), "q"),))).ids
    assert len(one) - bare == page.image_tokens(looks=6)
    two = page.write(Conversation((user(picture(), picture(), "q"),))).ids
    assert len(two) - bare == page.image_tokens(2, number=1) + page.image_tokens(2, number=2)


def test_a_tokenizer_without_the_markup_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the special tokens <pic>; add them"):
        writer(image_tokens=("<img>", "<pic>", "</img>"))


def test_an_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no template 'vicuna'; known are chatml, internlm2-chat"):
        writer(template="vicuna")


def test_the_processor_writes_with_its_own_prompt() -> None:
    assert tiny_processor(prompt={"system": "Be kind"}).writer.system == "Be kind"
