"""Restricts an answer to JSON of a schema, token by token, with `llguidance`."""

import json
import threading
from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

MAX_SCHEMA = 65_536  # characters
ANY_JSON = json.dumps({"type": "object"})
MISSING = "JSON of a schema needs llguidance; install it: pip install llguidance"


class Grammars:
    """The grammars of one tokenizer, which takes a second to prepare. Safe for several threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, eos_ids: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._eos_ids = sorted(eos_ids)
        self._lock = threading.Lock()

    def of_schema(self, schema: str) -> "JSONGrammar":
        """Returns a grammar for one answer. Raises ValueError if the schema cannot be used."""
        if len(schema) > MAX_SCHEMA:
            raise ValueError(f"the schema has {len(schema):,} characters; {MAX_SCHEMA:,} fit.")
        with self._lock:
            vocabulary = self._vocabulary
        try:
            from llguidance import LLMatcher

            # Flexible white space would let a small model write blanks without end.
            grammar = LLMatcher.grammar_from_json_schema(
                schema, overrides={"whitespace_flexible": False}
            )
            matcher = LLMatcher(vocabulary, grammar, log_level=0)
        except ValueError as error:
            raise ValueError(f"the schema cannot be used: {_line(error)}") from None
        if matcher.is_error():
            raise ValueError(f"the schema cannot be used: {_line(matcher.get_error())}")
        return JSONGrammar(matcher, self._eos_ids)

    @cached_property
    def _vocabulary(self) -> Any:
        try:
            from llguidance.hf import from_tokenizer
        except ImportError:
            raise ValueError(MISSING) from None
        try:
            return from_tokenizer(self._tokenizer, eos_token=self._eos_ids)
        except ValueError as error:
            raise ValueError(f"this model's tokenizer allows no schema: {_line(error)}") from None


class JSONGrammar:
    """The state of one answer."""

    def __init__(self, matcher: Any, eos_ids: Collection[int]) -> None:
        self._matcher = matcher
        self._eos_ids = list(eos_ids)

    def mask(self, scores: Tensor) -> Tensor:
        """Returns the scores [1, V] with minus infinity for tokens that may not come next."""
        allowed = torch.zeros(scores.shape[-1], dtype=torch.bool)
        if self._matcher.is_stopped():
            allowed[self._eos_ids] = True
        else:
            bias = np.frombuffer(self._matcher.compute_logit_bias(), np.uint8)[: len(allowed)]
            allowed[: len(bias)] = torch.from_numpy(bias > 0)
        return scores.masked_fill(~allowed.to(scores.device), -torch.inf)

    def advance(self, token: int) -> None:
        """Takes a token of the answer."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)


def _line(error: object) -> str:
    """Returns the first line of a message, as one sentence."""
    text = str(error).strip().splitlines() or [""]
    return f"{text[0][:300].rstrip('.')}."
