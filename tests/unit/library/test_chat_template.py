"""A tokenizer's own chat template, read as data: the same tokens, whatever the conversation."""

from functools import cache

import numpy as np
import pytest
from chat_templates import FAMILIES, family_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from vlm.config import PromptConfig
from vlm.conversation import Clip, Conversation, Media, Message, Text
from vlm.prompt.jinja import NoTemplate, read_chat_template
from vlm.prompt.template import Template, template_of
from vlm.prompt.writer import IGNORE, PromptWriter
from vlm.weights.language.prepare import add_markup

SYSTEM = ("system", "Be kind.")
TURNS = [
    ("user", "What do you see?"),
    ("assistant", "A cat."),
    ("user", "Hello there"),
    ("assistant", "good day"),
    ("user", "Hm, what?"),
]
REFUSE_SYSTEM = ("gemma2", "mistral", "mistral-v3")
IMAGE_TOKENS = PromptConfig().image_tokens


@cache
def writer(family: str) -> tuple[PromptWriter, PreTrainedTokenizerFast]:
    tokenizer = family_tokenizer(family)
    template = read_chat_template(tokenizer)[0].to_dict()
    add_markup(tokenizer, template, IMAGE_TOKENS)
    return PromptWriter(tokenizer, PromptConfig(template=template), 4), tokenizer


def conversation(turns: list[tuple[str, str]]) -> Conversation:
    return Conversation(tuple(Message(role, (Text(text),)) for role, text in turns))  # type: ignore[arg-type]


def their_ids(tokenizer: PreTrainedTokenizerFast, turns: list[tuple[str, str]]) -> list[int]:
    return tokenizer.apply_chat_template(
        [{"role": role, "content": text} for role, text in turns],
        add_generation_prompt=True,
        enable_thinking=False,
        date_string="26 Jul 2024",
        return_dict=False,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_our_tokens_are_those_of_the_tokenizers_own_template(family: str) -> None:
    page, tokenizer = writer(family)
    for length in (1, 3, 5):
        for system in ([], [SYSTEM]):
            turns = [*system, *TURNS[:length]]
            theirs = turns
            if system and family in REFUSE_SYSTEM:  # then it stands before the first question
                theirs = [("user", f"{SYSTEM[1]}\n\n{TURNS[0][1]}"), *TURNS[1:length]]
            written = page.write(conversation(turns), True).ids
            expected = their_ids(tokenizer, theirs)
            assert tokenizer.decode(written) == tokenizer.decode(expected)
            assert written == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_only_answers_are_learned_up_to_the_token_that_ends_them(family: str) -> None:
    page, tokenizer = writer(family)
    written = page.write(conversation(TURNS[:4]))
    learned = [label for label in written.labels if label != IGNORE]
    assert learned.count(page.end_of_turn) == 2
    assert learned[-1] == page.end_of_turn == written.ids[-1]
    said = tokenizer.decode(learned, skip_special_tokens=True)
    assert "".join(said.split()) == "Acat.goodday"
    # Generation starts exactly where training let the last answer begin.
    asked = page.write(conversation(TURNS[:3]), True).ids
    assert written.ids[: len(asked)] == asked
    assert written.labels[len(asked) - 1] == IGNORE
    assert written.labels[len(asked)] != IGNORE


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_in_front_leaves_the_words_as_they_were(family: str) -> None:
    page, tokenizer = writer(family)
    clip = Clip(np.zeros((1, 4, 4, 3), np.uint8), (0.0, 0.5))
    seen = Message("user", (Media("image", (clip,)), Text("What do you see?")))
    ids = page.write(Conversation((seen,)), True).ids
    assert ids.count(page.image_token_id) == 8
    places = {page.image_start, page.image_token_id, page.image_end}
    words = tokenizer.decode([i for i in ids if i not in places])
    plain = tokenizer.decode(page.write(conversation(TURNS[:1]), True).ids)
    assert "".join(words.split()) == "".join(plain.split())


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_no_text_becomes_markup_in_any_template(family: str, data: st.DataObject) -> None:
    page, tokenizer = writer(family)
    marks = [*FAMILIES[family].special, *IMAGE_TOKENS, "a", " ", "\n", "user", "\ud800"]
    hostile = st.lists(st.sampled_from(marks) | st.text(max_size=4)).map("".join)
    roles = ["system", "user", "assistant", "user"]
    texts = [data.draw(hostile) for _ in roles]
    special = page.plain.special_ids

    def markup(said: list[str]) -> list[int]:
        turns = conversation(list(zip(roles, said, strict=True)))
        return [token for token in page.write(turns, True).ids if token in special]

    assert markup(texts) == markup(["s", "q", "a", "r"])


def test_what_the_templates_of_well_known_models_are_read_as() -> None:
    read = {family: template_of(writer(family)[0].prompt.template) for family in FAMILIES}
    assert read["qwen2"].system == "You are Q."
    assert read["qwen3"].system is None
    assert read["qwen3"].answer == "<think>\n\n</think>\n\n"
    assert read["llama3"].system == ""  # its system turn has a date, also with nothing to say
    assert read["gemma3"].folded
    assert read["gemma3"].open("assistant") == "<start_of_turn>model\n"
    assert read["mistral"].lead == " "
    assert read["phi3"].close("assistant") == "<|end|>"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (None, "comes without a chat template"),
        ("{{ raise_exception('never') }}", r"it refuses \(never\)"),
        ("{% for m in messages %}{{ m.role }}{% endfor %}", "each message once and in order"),
        ("{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}", "once and in order"),
        (
            "{% for m in messages %}{{ m.role + ':' + m.content }}{% endfor %}",
            "no special token ends its answers",
        ),
        (
            "{% for m in messages %}{{ loop.index ~ m.content + '<|im_end|>' }}{% endfor %}",
            "differ by position",
        ),
        ("{% for m in messages %}{{ m.content.upper() }}{% endfor %}", "once and in order"),
        ("{% for m in messages %}{{ m.content", "it refuses"),
        ("{{ ''.__class__.__mro__ }}", "it refuses"),
        ("{% for m in messages %}{{ m.content[1 - 2].x.y }}{% endfor %}", "it refuses|once and"),
    ],
)
def test_a_template_that_is_no_fixed_frame_is_refused_with_the_reason(
    template: str | None, reason: str
) -> None:
    tokenizer = family_tokenizer("qwen2")
    tokenizer.chat_template = template
    with pytest.raises(NoTemplate, match=reason):
        read_chat_template(tokenizer)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"start": ""}, "missing: between, closing, opening; unknown: none"),
        ({"start": "", "opening": "", "closing": "", "between": "", "x": 1}, "unknown: x"),
        ({"start": 1, "opening": "", "closing": "", "between": ""}, "start cannot be 1"),
        (
            {"start": "", "opening": "", "closing": "", "between": "", "openings": {"bot": ""}},
            "openings cannot be",
        ),
        ({"start": "", "opening": "", "closing": "", "between": "", "folded": 1}, "folded cannot"),
    ],
)
def test_a_template_in_a_saved_folder_is_checked(values: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Template.from_dict(values)
