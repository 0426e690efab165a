"""Text to token ids, where typed text cannot become markup."""

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase


def clean(text: str) -> str:
    """Replaces halves of surrogate pairs, so that the text can be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Returns all markup tokens: those with a role (BOS, ...) and those only marked special."""
    marked = (i for i, token in tokenizer.added_tokens_decoder.items() if token.special)
    return frozenset(tokenizer.all_special_ids).union(marked)


class PlainTokenizer:
    """Text to ids, where nothing in the text can become a special token.

    Works on its own copy of a fast tokenizer: the switch is a state of the tokenizer, and two
    threads that flip it would let special tokens through.

    Text comes in pieces, but has to be tokenized as if in one. SentencePiece tokenizers put a space
    in front of a text, or of each stretch after markup, and nowhere else.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.special_ids = special_ids(tokenizer)
        self.markup_ids = self.special_ids.union(tokenizer.added_tokens_decoder)
        self._tokenizer = tokenizer
        self._fast = self._inside = None
        self._schemes: set[str] = set()
        if tokenizer.is_fast:
            whole = json.loads(tokenizer.backend_tokenizer.to_str())
            self._fast = _without_specials(whole)
            self._schemes = _take_leading_spaces(whole)
            if self._schemes:
                self._inside = _without_specials(whole)
        for token in tokenizer.convert_ids_to_tokens(sorted(self.special_ids)):
            if self.special_ids.intersection(self._encode(token, leading_space=True)):
                raise ValueError(
                    f"this tokenizer reads the typed text {token!r} as a special token even with"
                    " special tokens off; the assistant cannot be used safely with it."
                )

    def adds_space_after(self, before: Sequence[int]) -> bool:
        """Returns whether the tokenizer puts a space in front of text that follows these ids."""
        if not before:
            return bool(self._schemes)
        return "always" in self._schemes and before[-1] in self.markup_ids

    def __call__(self, text: str, leading_space: bool = False) -> list[int]:
        """Returns the ids of typed text, with or without the tokenizer's own space in front."""
        ids = self._encode(clean(text), leading_space)
        assert not self.special_ids.intersection(ids), "typed text became a special token"
        return ids

    def markup(self, text: str, leading_space: bool = False) -> list[int]:
        """Returns the ids of a template's literal, special tokens included."""
        if not text:
            return []
        ids = self._tokenizer.encode(text, add_special_tokens=False)
        if leading_space or self._inside is None or ids[0] in self.markup_ids:
            return ids
        marks = [str(self._tokenizer.added_tokens_decoder[i]) for i in ids if i in self.markup_ids]
        words = text.partition(marks[0])[0] if marks else text
        return self._encode(words, leading_space=False) + self.markup(text.removeprefix(words))

    def _encode(self, text: str, leading_space: bool) -> list[int]:
        if self._fast is None:
            return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        fast = self._fast if leading_space or self._inside is None else self._inside
        return fast.encode(text, add_special_tokens=False).ids


def _without_specials(whole: dict[str, Any]) -> Tokenizer:
    """Builds a tokenizer that ignores special tokens and neither truncates nor pads."""
    fast = Tokenizer.from_str(json.dumps(whole))
    fast.encode_special_tokens = True
    fast.no_truncation()
    fast.no_padding()
    return fast


def _take_leading_spaces(whole: dict[str, Any]) -> set[str]:
    """Removes the steps that add a leading space; returns when they do: "first", "always"."""
    found: set[str] = set()
    normalizer = whole.get("normalizer") or {}
    steps = normalizer.get("normalizers", [normalizer])
    kept = [step for step in steps if step.get("type") != "Prepend"]
    if len(kept) < len(steps):
        found.add("always")
        whole["normalizer"] = {"type": "Sequence", "normalizers": kept}
    splitter = whole.get("pre_tokenizer") or {}
    for step in splitter.get("pretokenizers", [splitter]):
        scheme = step.get("prepend_scheme", "never")
        if step.get("type") == "Metaspace" and scheme != "never":
            found.add(scheme)
            step["prepend_scheme"] = "never"
        if step.get("type") == "ByteLevel" and step.get("add_prefix_space"):
            found.add("always")
            step["add_prefix_space"] = False
    return found
