"""Prepares any language model that `causal_lm` loads to be the language model of a PVC.

The tokenizer gets the image markup as special tokens. The embeddings grow only if they have no
spare rows; padded vocabularies have some. New tokens are initialized to the mean embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.language.causal_lm import load_causal_lm

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CHATML_MARKS = ("<|im_start|>", "<|im_end|>")


@dataclass(frozen=True)
class LanguageModel:
    """A language model whose tokenizer has the image tokens."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    template: str | dict[str, Any]  # for PromptConfig
    template_note: str  # the origin of the template, in words
    vocabulary: str  # its size and growth, in words


def read_language_model(
    path: Path, image_tokens: tuple[str, str, str], dtype: torch.dtype | None = None
) -> LanguageModel:
    """Loads a folder or a GGUF file; `dtype` None keeps the saved type (GGUF: bfloat16).

    Raises WeightsError, one sentence, if `path` is not a causal language model or is incomplete.
    """
    model, tokenizer = load_causal_lm(path, dtype)
    template, template_note = choose_template(tokenizer)
    known = set(tokenizer.get_vocab())
    added = add_markup(tokenizer, template, image_tokens)
    new = [token for token in added if token not in known]
    vocabulary = extend_vocabulary(model, tokenizer, new)
    _stop_at_end_of_turn(model, tokenizer, template)
    return LanguageModel(model, tokenizer, template, template_note, vocabulary)


def choose_template(tokenizer: PreTrainedTokenizerBase) -> tuple[str | dict[str, Any], str]:
    """Returns the tokenizer's own template as data, else ChatML, and a note on its origin."""
    from vlm.prompt.jinja import NoTemplate, read_chat_template

    try:
        template, remark = read_chat_template(tokenizer)
    except NoTemplate as reason:
        # ChatML's markers after a BOS are InternLM2's.
        marked = set(CHATML_MARKS) <= set(tokenizer.get_vocab()) and tokenizer.bos_token == "<s>"
        ours = "internlm2-chat" if marked else "chatml"
        return ours, f"ours ({ours}), since {reason}"
    own = "the tokenizer's own"
    if template.answer:
        own += f"; answers begin after {template.answer!r}"
    if remark:
        own += f"; {remark}"
    marks = [str(token) for token in tokenizer.added_tokens_decoder.values()]
    openings = [template.open(role) for role in ("user", "assistant")]
    if not all(any(mark in opening for mark in marks) for opening in openings):
        own += "; its role markers are ordinary words, which a user can type"
    return template.to_dict(), own


def add_markup(
    tokenizer: PreTrainedTokenizerBase,
    template: str | Mapping[str, Any],
    image_tokens: tuple[str, str, str],
) -> list[str]:
    """Makes the image markup and the template's markers special tokens; returns all of them.

    A marker that is an added token but not a special one would be recognized in typed text.
    """
    from vlm.prompt.template import ROLES, template_of

    chosen = template_of(template)
    if isinstance(template, str):
        marks = list(CHATML_MARKS)
    else:
        frame = [chosen.start, chosen.answer, *map(chosen.open, ROLES), *map(chosen.close, ROLES)]
        known = [str(token) for token in tokenizer.added_tokens_decoder.values()]
        marks = [token for token in known if any(token in literal for literal in frame)]
    marks = [token for token in marks if token.strip()]
    special = [*marks, *image_tokens]
    tokenizer.add_special_tokens(
        {"additional_special_tokens": special}, replace_extra_special_tokens=False
    )
    return special


def extend_vocabulary(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, new: list[str]
) -> str:
    """Sets the embeddings of new tokens to the mean of the others; returns a note in words."""
    import torch

    rows = model.get_input_embeddings().weight.shape[0]
    known = len(tokenizer) - len(new)
    grown = len(tokenizer) > rows
    if grown:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ids = [tokenizer.convert_tokens_to_ids(token) for token in new]
    # A head tied to the embeddings is the same tensor and is filled once.
    tables = {
        id(table.weight): table.weight
        for table in (model.get_input_embeddings(), model.get_output_embeddings())
        if table is not None
    }
    with torch.no_grad():
        for weight in tables.values() if ids else ():
            mean = weight[: min(known, rows)].double().mean(dim=0)
            weight[ids] = mean.to(weight.dtype)
    added = f"{len(new)} added ({', '.join(new)})" if new else "none added"
    room = f"grown from {rows} to {len(tokenizer)} rows" if grown else f"room in its {rows} rows"
    return f"{len(tokenizer)} tokens, {added}; embeddings: {room}"


def _stop_at_end_of_turn(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    template: str | Mapping[str, Any],
) -> None:
    """Adds the token that ends an answer in the template to the EOS ids of `generate`."""
    from vlm.prompt.template import template_of

    closing = template_of(template).close("assistant")
    end = tokenizer.encode(closing, add_special_tokens=False)[-1]
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(end)
    generation = model.generation_config
    assert generation is not None
    ends = generation.eos_token_id
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    generation.eos_token_id = [*ends, *([] if end in ends else [end])]
    generation.pad_token_id = tokenizer.pad_token_id
