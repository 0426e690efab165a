"""Special tokens belong to the template: for every template, whatever people, files or models say.

Each template is tried with a tokenizer that has its markup as special tokens, and with a hostile
mixture of that markup, of look-alikes and of any text at all, in every place where text comes from
outside: questions, history, system texts, names of files, words a model wrote.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_maker import write_tokenizer
from tiny import tiny_tokenizer
from transformers import PreTrainedTokenizerBase

from vlm.config import PromptConfig
from vlm.conversation import Clip, Conversation, Media, Message, Text
from vlm.prompt.safe_tokenizer import clean
from vlm.prompt.template import TEMPLATES, Template
from vlm.prompt.writer import PromptWriter
from vlm.weights.language.internlm2_tokenizer import internlm2_tokenizer

M = 3  # tokens of a look
# What of a template's text is markup, not words: <s>, <|im_start|>, <start_of_turn>, [INST].
MARKUP = re.compile(r"<[^<>\s]+>|\[/?[A-Z_]+\]")
IMAGE = ("<img>", "<IMG_CONTEXT>", "</img>")


def markup_of(template: Template) -> list[str]:
    """Every piece of markup in a template, in all its parts."""
    texts = (value for value in vars(template).values() if isinstance(value, str))
    return sorted({mark for text in texts for mark in MARKUP.findall(text)})


def tokenizer_for(name: str) -> PreTrainedTokenizerBase:
    """A tokenizer to which the template's markup and the pictures' are special tokens."""
    tokenizer = tiny_tokenizer()
    known = [*markup_of(TEMPLATES[name]), *IMAGE]
    tokenizer.add_special_tokens(
        {"additional_special_tokens": known}, replace_extra_special_tokens=False
    )
    return tokenizer


def hostile(name: str) -> st.SearchStrategy[str]:
    marks = [*markup_of(TEMPLATES[name]), *IMAGE, "</s>", "<|endoftext|>", "<|im_end|>"]
    halves = [mark[:-1] for mark in marks] + [mark[1:] for mark in marks]
    spaced = [f"{mark[0]}\u200b{mark[1:]}" for mark in marks]
    roles = ["system", "user", "assistant", "\n", " ", "\ud800", "\0", "Frame1: ", "Image-1: "]
    pieces = st.sampled_from([*marks, *marks, *halves, *spaced, *roles, "a"])
    return st.lists(pieces | st.text(max_size=5), max_size=8).map("".join)


def picture(tiles: int, looks: int) -> Media:
    clip = Clip(np.zeros((1, 4, 4, 3), np.uint8), tuple(i / looks for i in range(looks)))
    return Media("image", (clip,) * tiles)


def video(frames: int) -> Media:
    steps = tuple(i / frames for i in range(frames))
    return Media("video", (Clip(np.zeros((frames, 4, 4, 3), np.uint8), steps),), steps)


MEDIA = st.lists(
    st.builds(picture, st.integers(1, 3), st.integers(1, 4)) | st.builds(video, st.integers(1, 4)),
    max_size=3,
)


def conversation(
    media: list[Media], system: str, first: str, said: str, again: str
) -> Conversation:
    """A system text, a question with media whose file is named, an answer, another question."""
    name = f"{first}.mp4"
    return Conversation(
        (
            Message("system", (Text(system),)),
            Message("user", (Text(name), *media, Text(first))),
            Message("assistant", (Text(said),)),
            Message("user", (*media[:1], Text(again))),
        )
    )


def check(
    writer: PromptWriter, tokenizer: PreTrainedTokenizerBase, strategy: st.SearchStrategy[str]
) -> None:
    special = writer.plain.special_ids

    def marks(spoken: Conversation) -> list[int]:
        return [id for id in writer.write(spoken, True).ids if id in special]

    @settings(max_examples=40, deadline=None)
    @given(MEDIA, strategy, strategy, strategy, strategy)
    def same(media: list[Media], system: str, first: str, said: str, again: str) -> None:
        spoken = conversation(media, system, first, said, again)
        innocent = conversation(media, "s", "q", "a", "r")
        # Number, kind and order of all markup are those of the same conversation in plain words.
        assert marks(spoken) == marks(innocent)
        ids = writer.write(spoken, True).ids
        shown = [*media, *media[:1]]
        looks = sum(item.looks for item in shown)
        assert ids.count(writer.image_token_id) == looks * M
        spans = sum(item.looks if item.kind == "video" else 1 for item in shown)
        assert ids.count(writer.image_start) == ids.count(writer.image_end) == spans
        # And every placeholder stands between its marks.
        inside = False
        for id in ids:
            if id in (writer.image_start, writer.image_end):
                assert inside == (id == writer.image_end)
                inside = not inside
            assert (id == writer.image_token_id) == (inside and id != writer.image_start)
        # Nothing of what was said is lost.
        text = tokenizer.decode(ids)
        for words in (system, first, said, again):
            assert clean(words) in text

    same()


@pytest.mark.parametrize("frame_label", ["Frame{index}: ", ""])
@pytest.mark.parametrize("name", list(TEMPLATES))
def test_no_words_become_markup_in_any_template(name: str, frame_label: str) -> None:
    tokenizer = tokenizer_for(name)
    prompt = PromptConfig(template=name, frame_label=frame_label)
    check(PromptWriter(tokenizer, prompt, M), tokenizer, hostile(name))


def test_nor_with_the_converted_tokenizer_of_a_release(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = internlm2_tokenizer(tmp_path)
    writer = PromptWriter(tokenizer, PromptConfig(template="internlm2-chat"), M)
    strategy = hostile("internlm2-chat").map(lambda text: text.replace("▁", " "))
    spare = st.sampled_from(["[UNUSED_TOKEN_145]", "[UNUSED_TOKEN_146]", "<0x0A>", "<unk>"])
    check(writer, tokenizer, st.tuples(strategy, spare).map("".join))


def test_a_system_text_of_the_config_is_words_too() -> None:
    for name in TEMPLATES:
        tokenizer = tokenizer_for(name)
        marks = "".join([*markup_of(TEMPLATES[name]), *IMAGE])

        def ids(
            system: str, tokenizer: PreTrainedTokenizerBase = tokenizer, name: str = name
        ) -> list[int]:
            writer = PromptWriter(tokenizer, PromptConfig(template=name, system=system), M)
            spoken = Conversation((Message("user", (Text("Hi"),)),))
            special = writer.plain.special_ids
            return [id for id in writer.write(spoken, True).ids if id in special]

        assert ids(marks) == ids("Be kind")
