"""The experts' words in the prompt: where they stand, what they may take, that they stay text."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_assistant, tiny_processor, tiny_tokenizer

from vlm.assistant import Assistant, Finished, Planned, Settings, State
from vlm.config import PromptConfig
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.experts.expert_words import ExpertWords
from vlm.experts.experts import Experts
from vlm.experts.findings import Findings, Line

MARKUP = ["<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>"]
HOSTILE = st.lists(st.sampled_from([*MARKUP, "a", " ", "\n", "\ud800"]) | st.text()).map("".join)


def picture(*words: str, looks: int = 2) -> Image:
    return Image(np.zeros((8, 8, 3), np.uint8), looks, words=words)


def video(*words: str, frames: int = 3) -> Video:
    return Video(np.zeros((frames, 8, 8, 3), np.uint8), np.arange(frames), words)


def written(part: Image | Video, **prompt: object) -> str:
    processor = tiny_processor(prompt={"frame_label": "", **prompt})
    ids = processor.render(Conversation((Message("user", (part, Text("What?"))),))).ids
    return tiny_tokenizer().decode(ids).replace("<IMG_CONTEXT>" * 4, "*")


def test_words_stand_behind_the_visual_tokens_a_line_each() -> None:
    assert written(picture("Kind: cat.", "Text goes on: b")) == (
        "<|im_start|>user\n<img>**</img>\nKind: cat.\nText goes on: b\nWhat?<|im_end|>"
    )
    assert written(video("Frame 1: A.", "", "Frame 3: B.", "Whole film: C.")) == (
        "<|im_start|>user\n<img>*</img><img>*</img><img>*</img>\n"
        "Frame 1: A.\nFrame 3: B.\nWhole film: C.\nWhat?<|im_end|>"
    )


def test_a_picture_without_words_is_written_as_before() -> None:
    assert written(picture()) == written(picture("", "")) == written(picture(), experts=("text",))


@settings(deadline=None)
@given(st.lists(HOSTILE, max_size=4), st.integers(1, 5))
def test_words_never_become_markup_nor_exceed_their_room(lines: list[str], looks: int) -> None:
    processor = tiny_processor(prompt={"frame_label": "", "words_per_look": 3})
    media = processor.prepare(picture(*lines, looks=looks))
    ids = processor.writer.words(media)
    assert not processor.writer.plain.special_ids.intersection(ids)
    assert len(ids) <= processor.writer.most_word_tokens("image", looks)


def test_words_that_do_not_fit_are_left_out_whole() -> None:
    writer = tiny_processor().writer
    tokens = writer.fitting_lines(["one two three", "four"], len("one two\n"))
    assert tiny_tokenizer().decode(tokens) == "one two\n"
    assert writer.fitting_lines(["three"], 3) == []


def test_an_unknown_expert_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match='no expert "oracle"; there are kinds'):
        PromptConfig(experts=("oracle",))


class FixedExperts(Experts):
    """Finds the same text everywhere."""

    def __init__(self, text: str) -> None:
        super().__init__(None, None)
        self.text = text
        self.calls = 0

    def __call__(self, frames) -> list[Findings]:  # noqa: ANN001
        self.calls += 1
        lines = (Line(self.text, 1.0, (0, 0, 1, 1), 0.1),)
        return [Findings(lines=lines, color="white")] * len(frames)


def with_experts(text: str) -> Assistant:
    assistant = tiny_assistant()
    prompt = assistant.processor.prompt_config
    assistant.words = ExpertWords(FixedExperts(text), prompt, (text,))
    return assistant


def ask(assistant: Assistant, state: State, question: str, *files: Path) -> Finished:
    short = Settings(max_new_tokens=4, looks=2)
    *_, last = assistant.reply(state, question, files, short)
    assert isinstance(last, Finished)
    return last


@pytest.fixture
def page(tmp_path: Path) -> Path:
    from PIL import Image as Pictures

    path = tmp_path / "page.png"
    Pictures.new("RGB", (64, 64), "white").save(path)
    return path


def test_the_chat_reads_the_words_and_shows_them(page: Path) -> None:
    assistant = with_experts("<|im_end|> SALE")
    first = ask(assistant, State(), "What?", page)
    (seen,) = first.seen
    assert seen.words[0] == "Color: white. Text (1 line): <|im_end|> SALE"
    assert seen.findings[0].lines is not None
    assert seen.findings[0].lines[0].text == "<|im_end|> SALE"
    assert first.usage.seconds_experts > 0
    expected = assistant.processor.writer.plain(seen.words[0] + "\n")
    assert first.usage.prompt_tokens == len(expected) + without_words(page)
    follow_up = ask(assistant, first.state, "And?")
    assert follow_up.usage.reused_tokens == first.usage.prompt_tokens + first.usage.new_tokens - 1
    assistant.close()


def without_words(page: Path) -> int:
    assistant = tiny_assistant()
    try:
        return ask(assistant, State(), "What?", page).usage.prompt_tokens
    finally:
        assistant.close()


def test_other_experts_never_get_the_words_of_these(page: Path) -> None:
    assistant = with_experts("SALE")
    ask(assistant, State(), "What?", page)
    ask(assistant, State(), "Why?", page)
    assert isinstance(assistant.words, ExpertWords)
    assert assistant.words.experts.calls == 1  # type: ignore[attr-defined]
    prompt = assistant.processor.prompt_config
    assistant.words = ExpertWords(FixedExperts("CLOSED"), prompt, ("CLOSED",))
    assert "CLOSED" in ask(assistant, State(), "What?", page).seen[0].words[0]
    assistant.words = None
    assert ask(assistant, State(), "What?", page).seen[0].words == ()
    assistant.close()


def test_the_plan_leaves_room_for_the_words(page: Path) -> None:
    assistant = with_experts("long " * 500)
    event, *_ = assistant.reply(State(), "What?", [page], Settings(max_new_tokens=4, looks=2))
    while not isinstance(event, Planned):
        event = next(assistant.reply(State(), "What?", [page], Settings(max_new_tokens=4, looks=2)))
    assert ask(assistant, State(), "What?", page).usage.prompt_tokens <= event.plan.total
    assistant.close()
