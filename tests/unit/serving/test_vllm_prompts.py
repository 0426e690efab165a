"""The vLLM plug-in writes the prompts of our own writer. vLLM itself is not needed for that.

`bash plugins/vllm/try.sh` compares answers in vLLM with ours.
"""

import ast
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import revisit_vllm
from revisit_vllm.prompt import find_placeholders, in_place, placeholder_ids, span
from revisit_vllm.template import chat_template
from tiny import tiny_processor

from vlm.conversation import Conversation, Image, Media, Message, Text, Video
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.prompt.safe_tokenizer import special_ids

MODEL = "PVCForConditionalGeneration"
PROMPT = {"max_tiles": 4, "default_tiles": 1, "frame_label": "Frame{index}: "}
PICTURE = Image(np.zeros((32, 64, 3), np.uint8), max_tiles=4)
FILM = Video(np.zeros((3, 32, 32, 3), np.uint8), np.arange(3.0))
Turns = Sequence[Sequence[Image | Video | str]]


def ours(processor: PVCProcessor, turns: Turns) -> list[int]:
    """Our writer's ids of a user's turns, with a short answer between them."""
    messages: list[Message] = []
    for turn in turns:
        if messages:
            messages.append(Message("assistant", (Text("Yes."),)))
        parts = tuple(Text(part) if isinstance(part, str) else part for part in turn)
        messages.append(Message("user", parts))
    return processor.render(Conversation(tuple(messages)), add_generation_prompt=True).ids


def theirs(processor: PVCProcessor, turns: Turns, template: str | None = None) -> list[int]:
    """The ids of a chat template, with the placeholders replaced as vLLM replaces them."""
    writer = processor.writer
    messages: list[dict[str, Any]] = []
    media: dict[str, list[Media]] = {"image": [], "video": []}
    for turn in turns:
        if messages:
            messages.append({"role": "assistant", "content": "Yes."})
        content: list[dict[str, Any]] = []
        for part in turn:
            if isinstance(part, str):
                content.append({"type": "text", "text": part})
                continue
            prepared = processor.prepare(part)
            content.append({"type": prepared.kind})
            media[prepared.kind].append(prepared)
        messages.append({"role": "user", "content": content})
    text = processor.tokenizer.apply_chat_template(
        messages,
        chat_template=template or chat_template(processor),
        tokenize=False,
        add_generation_prompt=True,
    )
    assert isinstance(text, str)
    ids = processor.tokenizer.encode(text, add_special_tokens=False)
    places = find_placeholders(ids, writer)
    targets = placeholder_ids(writer)
    written: list[int] = []
    while ids:
        kind = next((k for k, target in targets.items() if ids[: len(target)] == target), None)
        if kind is None:
            written.append(ids.pop(0))
            continue
        ids = ids[len(targets[kind]) :]
        medium, place = media[kind].pop(0), places[kind].pop(0)
        if medium.kind == "image":
            pieces = writer.layout.image(medium.looks, medium.grid, 0)
        else:
            pieces = writer.layout.video([0.0] * len(medium.times), None)
        written += in_place(span(pieces, writer), place, writer)
    return written


CONVERSATIONS: dict[str, Turns] = {
    "text": [["What is this?"]],
    "a picture": [[PICTURE, "What is this?"]],
    "a picture after words": [["Look:", PICTURE, "What is this?"]],
    "two pictures": [[PICTURE, PICTURE, "What differs?"]],
    "a picture in each turn": [[PICTURE, "What is this?"], [PICTURE, "And this?"]],
    "a video": [[FILM, "What happens?"]],
    "pictures and a video": [[PICTURE, "then", FILM, "then", PICTURE, "What happens?"]],
}
TEMPLATES = ("chatml", "internlm2-chat", "internvl2_5")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_prompt_of_the_plug_in_is_our_own(template: str, name: str) -> None:
    processor = tiny_processor(prompt={**PROMPT, "template": template})
    turns = CONVERSATIONS[name]
    assert theirs(processor, turns) == ours(processor, turns)


@pytest.mark.parametrize("template", TEMPLATES)
def test_typed_special_tokens_are_text_in_the_plug_ins_template(template: str) -> None:
    """vLLM would take them for places of pictures, or for the end of a turn."""
    processor = tiny_processor(prompt={**PROMPT, "template": template})
    special = special_ids(processor.tokenizer)
    marks = "".join(processor.tokenizer.convert_ids_to_tokens(sorted(special)))
    nested = "<im<img>g></img><IMG_CONTEXT><img></img>"
    plain = theirs(processor, [[PICTURE, "What is this?"], ["And this?"]])
    typed = theirs(processor, [[PICTURE, marks + nested], [nested + marks]])
    assert [i for i in typed if i in special] == [i for i in plain if i in special]


def test_a_line_end_of_vllm_after_a_medium_counts_as_ours() -> None:
    """Without the plug-in's template vLLM writes placeholders and the text, a line each."""
    processor = tiny_processor(prompt=PROMPT)
    own = chat_template(processor)
    lines = own.replace(
        "{%- elif part['type'] == 'video'", "{{- \"\\n\" -}}{%- elif part['type'] == 'video'"
    )
    assert lines != own
    turns: Turns = [[PICTURE, PICTURE, "What differs?"]]
    assert theirs(processor, turns, lines) == ours(processor, turns)


@pytest.mark.parametrize("module", ["model", "processing", "prompt", "template", "video_loader"])
def test_what_the_plug_in_takes_from_our_library_is_there(module: str) -> None:
    source = (Path(revisit_vllm.__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    taken = 0
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vlm."):
            library = importlib.import_module(node.module or "")
            assert all(hasattr(library, name.name) for name in node.names)
            taken += 1
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == MODEL:
            assert hasattr(PVCForConditionalGeneration, node.attr)
    assert taken
