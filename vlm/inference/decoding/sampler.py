"""Chooses the tokens of one answer, alone or as a row of a batch: both give the same tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vlm.inference.settings import Settings

# In units of the logits' standard deviation. Rounding in float32 stays below a hundredth of this;
# about ten in a hundred thousand tokens are this close.
NEAR_TIE = 1e-3


@dataclass(frozen=True)
class Logprob:
    """The log-probability of a token that was chosen, by the model's own logits."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()  # the most likely tokens, in order


class Suppressed(LogitsProcessor):
    """Gives tokens minus infinity, as transformers' own, which searches the whole vocabulary."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = torch.tensor(list(ids), dtype=torch.long)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Returns the scores [B, V] without the tokens."""
        return scores.index_fill(1, self._ids.to(scores.device), -torch.inf)


def processors(settings: Settings, suppressed_ids: Sequence[int] = ()) -> LogitsProcessorList:
    """Returns the processors of transformers' `generate`, in its order."""
    chosen, sampling = LogitsProcessorList(), settings.sampling()
    if suppressed_ids:
        chosen.append(Suppressed(suppressed_ids))
    # As floats: transformers refuses whole numbers.
    if sampling.repetition_penalty != 1.0:
        chosen.append(RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty)))
    if sampling.temperature > 0:
        if sampling.temperature != 1.0:
            chosen.append(TemperatureLogitsWarper(float(sampling.temperature)))
        if sampling.top_k > 0:
            chosen.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1.0:
            chosen.append(TopPLogitsWarper(sampling.top_p))
    return chosen


class Grammar(Protocol):
    """Which tokens may come next."""

    def mask(self, scores: Tensor) -> Tensor:
        """Returns the scores [1, V] with minus infinity for tokens that may not."""

    def advance(self, token: int) -> None:
        """Takes a token of the answer."""


class Sampler:
    """Chooses token after token, and keeps their log-probabilities if the settings ask for them.

    `grammar` restricts the tokens to those that it allows next.
    """

    def __init__(
        self,
        settings: Settings,
        suppressed_ids: Sequence[int] = (),
        grammar: Grammar | None = None,
    ) -> None:
        self.settings = settings
        self.sampling = settings.sampling()
        self.logprobs: list[Logprob] = []
        self.grammar = grammar
        self._choose = processors(settings, suppressed_ids)
        self._generator: torch.Generator | None = None
        self._tokens: list[int] = []

    def choose(self, logits: Tensor) -> int:
        """Returns the next token, given `logits` [1, V]."""
        return self.pick(logits, self.scores(logits))

    def pick(self, logits: Tensor, scores: Tensor) -> int:
        """Returns the next token, given the logits [1, V] and the scores of them."""
        if self.sampling.temperature > 0:
            if self._generator is None:
                self._generator = torch.Generator(device=logits.device)
                if self.settings.seed is None:
                    self._generator.seed()
                else:
                    self._generator.manual_seed(self.settings.seed)
            token = int(torch.multinomial(scores.softmax(-1), 1, generator=self._generator))
        else:
            token = int(scores.argmax(-1))
        self._tokens.append(token)
        if self.grammar is not None:
            self.grammar.advance(token)
        if self.settings.num_logprobs is not None:
            self.logprobs.append(_logprob(logits, token, self.settings.num_logprobs))
        return token

    def near_tie(self, logits: Tensor, scores: Tensor) -> bool:
        """Returns whether rounding in a batch could change the choice."""
        if self.sampling.temperature > 0:
            return False
        best, second = scores[0].topk(2).values
        # Written so that NaN counts as a near tie.
        return not bool(best - second >= NEAR_TIE * logits.std())

    def scores(self, logits: Tensor) -> Tensor:
        """Returns the processed logits [1, V] from which the next token is chosen."""
        answer = torch.tensor([self._tokens], dtype=torch.long, device=logits.device)
        # Before the others: top-p must share out what the grammar allows.
        allowed = logits if self.grammar is None else self.grammar.mask(logits)
        return self._choose(answer, allowed)


def _logprob(logits: Tensor, token: int, num_top: int) -> Logprob:
    shares = logits[0].log_softmax(-1)
    values, ids = shares.topk(num_top)
    top = tuple(zip(ids.tolist(), values.tolist(), strict=True))
    return Logprob(token, float(shares[token]), top)
