"""A language model of somebody else's, made ready to be the language model of a PVC.

Any that `causal_lm` loads. Its tokenizer gets the picture markup as special tokens; its embeddings
grow only if they have no rows left, which padded vocabularies have. New tokens start as the mean
word.
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
    """A language model with a tokenizer that knows pictures."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    template: str | dict[str, Any]  # for PromptConfig
    template_note: str  # which it is, for people
    vocabulary: str  # what became of it, for people


def read_language_model(
    path: Path, image_tokens: tuple[str, str, str], dtype: torch.dtype | None = None
) -> LanguageModel:
    """From a folder, or a GGUF file; `dtype` None: as it is saved (a GGUF file: bfloat16).

    Raises WeightsError in one sentence for what is no causal language model, or half of one.
    """
    model, tokenizer = load_causal_lm(path, dtype)
    template, template_note = choose_template(tokenizer)
    known = set(tokenizer.get_vocab())
    added = add_markup(tokenizer, template, image_tokens)
    new = [token for token in added if token not in known]
    vocabulary = make_room(model, tokenizer, new)
    _end_where_turns_end(model, tokenizer, template)
    return LanguageModel(model, tokenizer, template, template_note, vocabulary)


def choose_template(tokenizer: PreTrainedTokenizerBase) -> tuple[str | dict[str, Any], str]:
    """The tokenizer's own template as data, or else ChatML; and which it is, for people."""
    from vlm.prompt.jinja import NoTemplate, read_chat_template

    try:
        template, remark = read_chat_template(tokenizer)
    except NoTemplate as reason:
        # ChatML's marks after a BOS are InternLM2's.
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
        own += "; its roles are marked by ordinary words, which a user can type"
    return template.to_dict(), own


def add_markup(
    tokenizer: PreTrainedTokenizerBase,
    template: str | Mapping[str, Any],
    image_tokens: tuple[str, str, str],
) -> list[str]:
    """Makes the picture markup and the template's marks special tokens; returns all of them.

    A mark that the tokenizer knows as an added token without calling it special would be read out
    of what somebody types.
    """
    from vlm.prompt.template import ROLES, template_of

    chosen = template_of(template)
    if isinstance(template, str):
        marks = list(CHATML_MARKS)
    else:
        said = [chosen.start, chosen.answer, *map(chosen.open, ROLES), *map(chosen.close, ROLES)]
        known = [str(token) for token in tokenizer.added_tokens_decoder.values()]
        marks = [token for token in known if any(token in literal for literal in said)]
    marks = [token for token in marks if token.strip()]
    wanted = [*marks, *image_tokens]
    tokenizer.add_special_tokens(
        {"additional_special_tokens": wanted}, replace_extra_special_tokens=False
    )
    return wanted


def make_room(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, new: list[str]) -> str:
    """Rows for new tokens, the mean of the known ones; returns what was done, for people."""
    import torch

    rows = model.get_input_embeddings().weight.shape[0]
    known = len(tokenizer) - len(new)
    grown = len(tokenizer) > rows
    if grown:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ids = [tokenizer.convert_tokens_to_ids(token) for token in new]
    # A head that is tied to the embeddings is the same tensor, and is filled once.
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
    room = f"grown from {rows} rows to {len(tokenizer)}" if grown else f"room in its {rows} rows"
    return f"{len(tokenizer)} tokens, {added}; embeddings: {room}"


def _end_where_turns_end(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    template: str | Mapping[str, Any],
) -> None:
    """`generate` stops where an answer ends in the template, beside where the model says."""
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
