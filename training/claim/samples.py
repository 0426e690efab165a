"""The made worlds as samples of a run, and as questions: what a variant is shown of them."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from data.samples.collate import Sample
from training.claim.variants import Variant
from training.claim.worlds import Example, example
from training.recipe import Recipe
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.processor import PVCProcessor

# The kinds of a run's batches, over and over. What all four start from is taught to read.
TURNS, START_TURNS = ("page", "way", "page", "covered", "page", "long"), ("page",)


class Worlds(Dataset[Sample]):
    """All samples of a run in order; a batch holds one kind, so that nothing is padded."""

    def __init__(
        self,
        variant: Variant,
        processor: PVCProcessor,
        recipe: Recipe,
        turns: Sequence[str] = TURNS,
    ) -> None:
        self.variant, self.processor, self.turns = variant, processor, turns
        self.batch_size, self.seed = recipe.batch_size, recipe.seed
        self.steps, self.chances = recipe.steps, recipe.looks

    def __len__(self) -> int:
        return self.steps * self.batch_size

    def example(self, index: int) -> Example:
        """What sample `index` is made of: the same for all four models."""
        return example(self.turns[index // self.batch_size % len(self.turns)], self.seed, index)

    def looks(self, index: int) -> int:
        """How often the pages of this sample's batch are looked at."""
        if self.variant.looks == 1:
            return 1
        rng = np.random.default_rng((self.seed, index // self.batch_size))
        return int(rng.choice(len(self.chances), p=self.chances)) + 1

    def __getitem__(self, index: int) -> Sample:
        one = self.example(index)
        question = asked(self.variant, one, self.looks(index))
        told = Conversation((*question.messages, Message("assistant", (Text(one.answer),))))
        return Sample(f"{one.kind} {index}", self.processor.render(told), {}, [], [])


def asked(variant: Variant, one: Example, looks: int | None = None) -> Conversation:
    """The question as this variant is shown it."""
    picture: Image | Video
    if len(one.frames) == 1:
        picture = Image(one.frames[0], looks)
    else:
        seen = np.arange(variant.every // 2, len(one.frames), variant.every)
        picture = Video(one.frames[seen], seen.astype(np.float64))
    return Conversation((Message("user", (picture, Text(one.question))),))


def share_right(answers: Sequence[str], examples: Sequence[Example]) -> float:
    """Of what was to be said: digits each in its place, or the one word."""
    shares = []
    for answer, one in zip(answers, examples, strict=True):
        if one.question == "way":
            shares.append(float(answer == one.answer))
        else:
            said = zip(answer.ljust(len(one.answer), "?")[1::2], one.answer[1::2], strict=False)
            shares.append(sum(a == b for a, b in said) / (len(one.answer) // 2))
    return sum(shares) / len(shares)
