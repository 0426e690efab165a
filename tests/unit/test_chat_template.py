"""A tokenizer's own chat template, read as data: the same tokens, whatever the conversation."""

import pytest
from chat_templates import FAMILIES, family_tokenizer

from vlm.chat_template import read_chat_template
from vlm.config import PromptConfig
from vlm.conversation import Conversation, Message, Text
from vlm.processor import add_image_tokens
from vlm.prompt import PromptWriter
from vlm.template import Template

SYSTEM = ("system", "Be kind.")
TURNS = [
    ("user", "What do you see?"),
    ("assistant", "A cat."),
    ("user", "Hello there"),
    ("assistant", "good day"),
    ("user", "Hm, what?"),
]


def writer_of(tokenizer, template: Template) -> PromptWriter:
    prompt = PromptConfig(template=template.to_dict())
    add_image_tokens(tokenizer, prompt)
    return PromptWriter(tokenizer, prompt, 4)


def conversation(turns: list[tuple[str, str]]) -> Conversation:
    return Conversation(tuple(Message(role, (Text(text),)) for role, text in turns))


@pytest.mark.parametrize("length", [1, 3, 5])
@pytest.mark.parametrize("system", [[], [SYSTEM]])
@pytest.mark.parametrize("family", FAMILIES)
def test_our_tokens_are_those_of_the_tokenizers_own_template(
    family: str, system: list, length: int
) -> None:
    tokenizer = family_tokenizer(family)
    template, remark = read_chat_template(tokenizer)
    assert bool(remark) == (family in ("gemma2", "mistral", "mistral-v3"))
    if system and remark:
        pytest.skip("the template refuses a system text")
    turns = [*system, *TURNS[:length]]
    expected = tokenizer.apply_chat_template(
        [{"role": role, "content": text} for role, text in turns],
        add_generation_prompt=True,
        enable_thinking=False,
        date_string="26 Jul 2024",
        return_dict=False,
    )
    written = writer_of(tokenizer, template).write(conversation(turns), True).ids
    assert tokenizer.convert_ids_to_tokens(written) == tokenizer.convert_ids_to_tokens(expected)
