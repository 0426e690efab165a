"""Reads what a published folder keeps about its processor, as data: pixels, template, markup.

transformers saves the settings of the image processor in processor_config.json, or, in older
folders, in preprocessor_config.json; the chat template in chat_template.jinja, in
chat_template.json, or with the tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.schema import JsonObject, check_dataclass, read_json_object

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from vlm.prompt.template import Template

PROCESSOR, PREPROCESSOR = "processor_config.json", "preprocessor_config.json"
TEMPLATE, OLD_TEMPLATE = "chat_template.jinja", "chat_template.json"
PIXELS = ("image_mean", "image_std")


def image_settings(folder: Path) -> JsonObject:
    """Returns the settings of the image processor. Raises WeightsError if there are none."""
    if (folder / PROCESSOR).is_file():
        given = read_json_object(folder / PROCESSOR)
        if "image_processor" in given:
            return given.section("image_processor")
    return read_json_object(folder / PREPROCESSOR)


def pixel_settings(folder: Path) -> dict[str, Any]:
    """Returns the mean and the standard deviation of pixels, as fields of TowerConfig."""
    from vlm.encoders.config import TowerConfig

    given = image_settings(folder)
    check_dataclass(given.only(*PIXELS), TowerConfig)
    return {name: tuple(given.values[name]) for name in PIXELS if name in given}


def own_template(folder: Path, tokenizer: PreTrainedTokenizerBase) -> Template:
    """Returns the folder's chat template as data. Raises WeightsError if it has no usable one."""
    from vlm.prompt.jinja import NoTemplate, read_chat_template

    if (folder / TEMPLATE).is_file():
        tokenizer.chat_template = (folder / TEMPLATE).read_text(encoding="utf-8")
    elif (folder / OLD_TEMPLATE).is_file():
        given = read_json_object(folder / OLD_TEMPLATE, "a chat template")
        tokenizer.chat_template = given.text("chat_template")
    try:
        return read_chat_template(tokenizer, as_parts=True)[0]
    except NoTemplate as reason:
        raise WeightsError(
            f"{folder}: its chat template cannot be used, since {reason}. Download {TEMPLATE} or"
            f" {OLD_TEMPLATE} again."
        ) from reason


def mark_special(
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    template: str | dict[str, Any],
    image_tokens: tuple[str, str, str],
    vocabulary: int,
    more: Sequence[str] = (),
) -> None:
    """Makes the markup of pictures and of the template special tokens; none may be new.

    `more` are other tokens of the vocabulary that a user must not type.

    Raises WeightsError for a tokenizer of another release than its model of `vocabulary` tokens.
    """
    from vlm.weights.language.prepare import add_markup

    known = set(tokenizer.get_vocab())
    if more:
        tokenizer.add_special_tokens(
            {"additional_special_tokens": list(more)}, replace_extra_special_tokens=False
        )
    new = [token for token in add_markup(tokenizer, template, image_tokens) if token not in known]
    if new or len(tokenizer) > vocabulary:
        lacks = f"lacks {', '.join(new)}" if new else f"has {len(tokenizer)} tokens"
        raise WeightsError(
            f"{folder}: its tokenizer {lacks}, its language model has {vocabulary} tokens."
            " Download all tokenizer files again, from one release."
        )
