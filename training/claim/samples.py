"""The synthetic worlds as training samples and as questions, rendered for a variant."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from data.samples.collate import Sample
from training.claim.variants import Variant
from training.claim.worlds import Example, example
from training.recipe import Recipe
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.processor import PVCProcessor

# The kinds of a run's batches, repeated; the initial model of all four is trained on pages alone.
TURNS, START_TURNS = ("page", "way", "page", "covered", "page", "long"), ("page",)


class Worlds(Dataset[Sample]):
    """All samples of a run, in order; a batch has one kind, so that nothing is padded."""

    def __init__(
        self,
        variant: Variant,
        processor: PVCProcessor,
        recipe: Recipe,
        turns: Sequence[str] = TURNS,
    ) -> None:
        self.variant, self.processor, self.turns = variant, processor, turns
        self.batch_size, self.seed = recipe.batch_size, recipe.seed
        self.steps, self.probabilities = recipe.steps, recipe.looks

    def __len__(self) -> int:
        return self.steps * self.batch_size

    def example(self, index: int) -> Example:
        """Returns the example of sample `index`, the same for all four models."""
        return example(self.turns[index // self.batch_size % len(self.turns)], self.seed, index)

    def looks(self, index: int) -> int:
        """Returns the number of looks at the pages of this sample's batch."""
        if self.variant.looks == 1:
            return 1
        rng = np.random.default_rng((self.seed, index // self.batch_size))
        return int(rng.choice(len(self.probabilities), p=self.probabilities)) + 1

    def __getitem__(self, index: int) -> Sample:
        one = self.example(index)
        question = ask(self.variant, one, self.looks(index))
        conversation = Conversation((*question.messages, Message("assistant", (Text(one.answer),))))
        return Sample(f"{one.kind} {index}", self.processor.render(conversation))


def ask(variant: Variant, one: Example, looks: int | None = None) -> Conversation:
    """Returns the question of an example, with the frames that this variant sees."""
    picture: Image | Video
    if len(one.frames) == 1:
        picture = Image(one.frames[0], looks)
    else:
        seen = np.arange(variant.every // 2, len(one.frames), variant.every)
        picture = Video(one.frames[seen], seen.astype(np.float64))
    return Conversation((Message("user", (picture, Text(one.question))),))


def accuracy(answers: Sequence[str], examples: Sequence[Example]) -> float:
    """Mean share of correct digits, each in its place, or of correct words."""
    shares = []
    for answer, one in zip(answers, examples, strict=True):
        if one.question == "way":
            shares.append(float(answer == one.answer))
        else:
            pairs = zip(answer.ljust(len(one.answer), "?")[1::2], one.answer[1::2], strict=False)
            shares.append(sum(a == b for a, b in pairs) / (len(one.answer) // 2))
    return sum(shares) / len(shares)
