"""Text to token ids, where nothing that somebody typed can become markup."""

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase


def clean(text: str) -> str:
    """Text that can be encoded: halves of surrogate pairs become the replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Every token that is markup: those with a role (BOS, ...) and those only marked special."""
    marked = (i for i, token in tokenizer.added_tokens_decoder.items() if token.special)
    return frozenset(tokenizer.all_special_ids).union(marked)


class PlainTokenizer:
    """Text to ids, where nothing in the text can become a special token.

    Works on its own copy of a fast tokenizer: the switch is a state of the tokenizer, and two
    threads that flip it would let special tokens through.

    Text comes in pieces, but should be tokenised as in one whole. Tokenizers of SentencePiece's
    kind put a space in front of a text, or of each stretch after markup; elsewhere they must not.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.special_ids = special_ids(tokenizer)
        self.markup_ids = self.special_ids.union(tokenizer.added_tokens_decoder)
        self._tokenizer = tokenizer
        self._fast = self._inside = None
        self._schemes: set[str] = set()
        if tokenizer.is_fast:
            whole = json.loads(tokenizer.backend_tokenizer.to_str())
            self._fast = _quiet(whole)
            self._schemes = _take_leading_spaces(whole)
            if self._schemes:
                self._inside = _quiet(whole)
        for token in tokenizer.convert_ids_to_tokens(sorted(self.special_ids)):
            if self.special_ids.intersection(self._encode(token, leads=True)):
                raise ValueError(
                    f"this tokenizer reads the typed text {token!r} as a special token even when"
                    " told not to; the assistant cannot be used safely with it."
                )

    def leads(self, before: Sequence[int]) -> bool:
        """Whether the tokenizer puts a space in front of text that follows these ids."""
        if not before:
            return bool(self._schemes)
        return "always" in self._schemes and before[-1] in self.markup_ids

    def __call__(self, text: str, leads: bool = False) -> list[int]:
        """Ids of typed text, with the tokenizer's own space in front or without."""
        ids = self._encode(clean(text), leads)
        assert not self.special_ids.intersection(ids), "typed text became a special token"
        return ids

    def markup(self, text: str, leads: bool = False) -> list[int]:
        """Ids of a template's literal, its special tokens as such."""
        if not text:
            return []
        ids = self._tokenizer.encode(text, add_special_tokens=False)
        if leads or self._inside is None or ids[0] in self.markup_ids:
            return ids
        marks = [str(self._tokenizer.added_tokens_decoder[i]) for i in ids if i in self.markup_ids]
        words = text.partition(marks[0])[0] if marks else text
        return self._encode(words, leads=False) + self.markup(text.removeprefix(words))

    def _encode(self, text: str, leads: bool) -> list[int]:
        if self._fast is None:
            return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        fast = self._fast if leads or self._inside is None else self._inside
        return fast.encode(text, add_special_tokens=False).ids


def _quiet(whole: dict[str, Any]) -> Tokenizer:
    """A tokenizer of its own that sees no special tokens, cuts nothing and pads nothing."""
    fast = Tokenizer.from_str(json.dumps(whole))
    fast.encode_special_tokens = True
    fast.no_truncation()
    fast.no_padding()
    return fast


def _take_leading_spaces(whole: dict[str, Any]) -> set[str]:
    """Takes out what puts a space in front of a text; returns where it did: first, always."""
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
