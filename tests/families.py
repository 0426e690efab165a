"""Tiny random models of published families, with transformers' own classes and processors."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from vlm.assistant import Assistant, Finished, Settings, State
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.weights import sources

MAX_TILES = 6  # of a picture in `user`; a model may cut it into fewer

WORDS = [
    "What do you see here? Frame1: Frame2: Image-1: a cat sits on the mat.\n\nYou are provided the"
    " following series of four frames from a 0:00:07 [H:MM:SS] video.\nFrame from 00:01:"
    " User: Assistant: System: user\nassistant\nsystem\n"
] * 4


def byte_tokenizer(special: list[str], **options: Any) -> PreTrainedTokenizerFast:
    """Trains a byte-level BPE of a few hundred tokens, like Qwen's and SmolLM2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options)


def loud(model: PreTrainedModel) -> PreTrainedModel:
    """Draws the same weights in each run, larger than usual: else every prompt has one answer."""
    torch.manual_seed(4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.02 if "embed_tokens" in name else 0.3 if parameter.dim() > 1 else 0.1
            parameter.copy_(torch.randn_like(parameter) * scale)
            if parameter.dim() == 1 and "norm" in name and name.endswith("weight"):
                parameter.add_(1.0)
    return model.eval()


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth picture: resizing filters differ least on it, and no two seeds look alike."""
    rows, columns = np.mgrid[:height, :width]
    phase = 0.7 * seed
    waves = [
        127 + 120 * np.sin(rows / (5 + c) + columns / (7 + 2 * c) + phase + c) for c in range(3)
    ]
    return np.stack(waves, -1).round().astype(np.uint8)


def greedy(model: PreTrainedModel, inputs: dict[str, Tensor], **options: Any) -> list[int]:
    """The new tokens of transformers' own greedy search."""
    out = model.generate(**inputs, max_new_tokens=12, do_sample=False, **options)
    return out[0, inputs["input_ids"].shape[1] :].tolist()


class Both:
    """The same weights, ours and theirs."""

    def __init__(self, folder: Path, theirs: PreTrainedModel, processor: Any) -> None:
        self.folder, self.theirs, self.their_processor = folder, theirs, processor
        self.model, self.processor = sources.load(folder, torch.float32)

    def ours(self, *turns: Any) -> dict[str, Tensor]:
        return self.processor(Conversation(tuple(turns)))


def user(*parts: Any) -> Message:
    """A message of ours: arrays are pictures or videos, strings are text."""

    def part(one: Any) -> Any:
        if isinstance(one, str):
            return Text(one)
        if one.ndim == 3:
            return Image(one, max_tiles=MAX_TILES)
        return Video(one, np.arange(len(one), dtype=np.float64))

    return Message("user", tuple(part(one) for one in parts))


def answer(text: str) -> Message:
    return Message("assistant", (Text(text),))


def theirs(*messages: Message) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The same messages in transformers' form, and their media."""
    written: list[dict[str, Any]] = []
    media: list[np.ndarray] = []
    for message in messages:
        content: list[dict[str, Any]] = []
        for part in message.parts:
            if isinstance(part, Text):
                content.append({"type": "text", "text": part.text})
            else:
                assert isinstance(part, Image | Video)
                is_image = isinstance(part, Image)
                content.append({"type": "image" if is_image else "video"})
                media.append(part.pixels if isinstance(part, Image) else part.frames)
        written.append({"role": message.role, "content": content})
    return written, media


def finished(
    assistant: Assistant, state: State, text: str, files: list[Path], settings: Settings
) -> Finished:
    *_, last = assistant.reply(state, text, files, settings)
    assert isinstance(last, Finished)
    return last
