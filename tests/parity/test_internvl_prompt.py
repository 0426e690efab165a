"""Our ids beside InternVL2's: its prompt written as one text and tokenised whole.

The rules are InternVL2's and PVC's, written here once more: `<image>` becomes `<img>`, one
placeholder for each token of each look, `</img>`; several pictures are "Image-1: <image>", frames
"Frame1: <image>"; the template is internlm2-chat.
"""

import numpy as np
import pytest
from published_maker import write_tokenizer
from transformers import PreTrainedTokenizerBase

from vlm.config import PromptConfig
from vlm.conversation import Clip, Conversation, Media, Message, Part, Text
from vlm.prompt.writer import PromptWriter
from vlm.weights.language.internlm2_tokenizer import internlm2_tokenizer

M = 4
SYSTEM = (
    "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, "
    "是一个有用无害的人工智能助手。"
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return internlm2_tokenizer(folder)


def published(question: str, tokens: list[int], before: str = "") -> str:
    """InternVL2's `chat`: every <image> in turn, then the template."""
    for count in tokens:
        image = f"<img>{'<IMG_CONTEXT>' * count}</img>"
        question = question.replace("<image>", image, 1)
    start = f"<s><|im_start|>system\n{SYSTEM}<|im_end|>"
    turn = f"<|im_start|>user\n{question}<|im_end|><|im_start|>assistant\n"
    return start + before + turn


def picture(tiles: int = 1, looks: int = 4) -> Media:
    clip = Clip(np.zeros((1, 4, 4, 3), np.uint8), tuple(i / looks for i in range(looks)))
    return Media("image", (clip,) * tiles)


def video(frames: int) -> Media:
    steps = tuple(i / frames for i in range(frames))
    return Media("video", (Clip(np.zeros((frames, 4, 4, 3), np.uint8), steps),), steps)


def ours(tokenizer: PreTrainedTokenizerBase, *parts: Part, **prompt: object) -> list[int]:
    config = PromptConfig(template="internlm2-chat", **prompt)  # type: ignore[arg-type]
    writer = PromptWriter(tokenizer, config, M)
    return writer.write(Conversation((Message("user", parts),)), True).ids


def theirs(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


QUESTION = "Describe the picture in detail. 你是"


def test_words_alone(tokenizer: PreTrainedTokenizerBase) -> None:
    assert ours(tokenizer, Text(QUESTION)) == theirs(tokenizer, published(QUESTION, []))


@pytest.mark.parametrize("tiles", [1, 7])
def test_a_picture_in_one_tile_or_several(tokenizer: PreTrainedTokenizerBase, tiles: int) -> None:
    expected = published(f"<image>\n{QUESTION}", [4 * M * tiles])
    assert ours(tokenizer, picture(tiles), Text(QUESTION)) == theirs(tokenizer, expected)


def test_several_pictures(tokenizer: PreTrainedTokenizerBase) -> None:
    text = f"Image-1: <image>\nImage-2: <image>\n{QUESTION}"
    expected = published(text, [4 * M * 2, 4 * M])
    found = ours(tokenizer, picture(2), picture(1), Text(QUESTION))
    assert found == theirs(tokenizer, expected)


@pytest.mark.parametrize("label", ["Frame{index}: ", "Frame{index}:"])
def test_a_video_with_the_label_of_the_readme_and_of_the_benchmark(
    tokenizer: PreTrainedTokenizerBase, label: str
) -> None:
    frames = "".join(f"{label.format(index=n)}<image>\n" for n in range(1, 4))
    expected = published(frames + QUESTION, [M] * 3)
    found = ours(tokenizer, video(3), Text(QUESTION), frame_label=label)
    assert found == theirs(tokenizer, expected)


def test_a_picture_and_a_video_together(tokenizer: PreTrainedTokenizerBase) -> None:
    text = f"<image>\nFrame1: <image>\nFrame2: <image>\n{QUESTION}"
    expected = published(text, [4 * M, M, M])
    assert ours(tokenizer, picture(), video(2), Text(QUESTION)) == theirs(tokenizer, expected)


def test_a_second_question_after_an_answer(tokenizer: PreTrainedTokenizerBase) -> None:
    writer = PromptWriter(tokenizer, PromptConfig(template="internlm2-chat"), M)
    spoken = Conversation(
        (
            Message("user", (picture(), Text(QUESTION))),
            Message("assistant", (Text("A cat sits."),)),
            Message("user", (Text("Where?"),)),
        )
    )
    image = f"<img>{'<IMG_CONTEXT>' * (4 * M)}</img>"
    before = (
        f"<|im_start|>user\n{image}\n{QUESTION}<|im_end|>"
        "<|im_start|>assistant\nA cat sits.<|im_end|>"
    )
    expected = published("Where?", [], before)
    assert writer.write(spoken, True).ids == theirs(tokenizer, expected)
