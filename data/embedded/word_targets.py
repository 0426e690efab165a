"""The target words of visual tokens, for the word objective (training/word_loss.py).

Some visual token of a record's media should point to each word of its answers. If the record has
exact object positions, each single token has target words (data/embedded/grounding.py).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.embedded.grounding import WORDS as GROUNDING_WORDS
from data.embedded.grounding import TokenTarget, token_targets
from data.records import Record, RecordText
from vlm.processor import PVCProcessor, Rendered

# Words of answers that describe nothing in a picture.
SMALL_WORDS = frozenset(
    str.split(
        "a an the is are it its this that there i see in on at of and or to with for no not yes "
        "kind picture image photo video shows show looks like background does what can t cannot "
        "tell"
    )
)


@dataclass(frozen=True)
class TargetWords:
    """The targets of one sample, as token ids of the language model."""

    words: list[int]  # of the answers
    by_token: list[tuple[TokenTarget, list[int]]]  # of single visual tokens; empty if unknown


@dataclass(frozen=True)
class WordTargets:
    """Makes the targets of records."""

    processor: PVCProcessor
    grid: tuple[int, int] | None  # of a look's tokens after its global token; None without one

    def of(self, record: Record, rendered: Rendered) -> TargetWords:
        """Returns the targets of a rendered record."""
        by_token = []
        if record.objects is not None and self.grid is not None:
            frames, looks = sum(rendered.clip_frames), sum(rendered.clip_looks)
            found = token_targets(record.objects, frames, looks, self.grid)
            by_token = [(target, self.ids(target.words)) for target in found]
        return TargetWords(self.words(record), by_token)

    def ids(self, words: Sequence[str]) -> list[int]:
        """Returns the unique tokens of words inside a sentence, with a space before each word."""
        plain = self.processor.writer.plain
        return list(dict.fromkeys(token for word in words for token in plain(" " + word)))

    def words(self, record: Record) -> list[int]:
        """Returns the unique tokens of the descriptive words of the answers."""
        if all(
            isinstance(part, RecordText) for message in record.messages for part in message.parts
        ):
            return []
        answers = " ".join(
            message.text
            for message in record.messages
            if message.role == "assistant" and message.has_loss
        )
        words = re.findall(r"[a-z]+|[0-9]", answers.lower())
        return self.ids([word for word in words if word not in SMALL_WORDS])

    def vocabulary(self, records: Iterable[Record]) -> list[int]:
        """Returns all ids that can be a target."""
        ids: set[int] = set()
        labels: set[str] = set()
        for record in records:
            ids.update(self.words(record))
            if record.objects is not None:
                labels.add(record.objects.background)
                labels.update(box.label for frame in record.objects.frames for box in frame)
        if labels and self.grid is not None:
            words = {word for label in labels for word in label.split()} | GROUNDING_WORDS
            ids.update(self.ids(sorted(words)))
        return sorted(ids)
