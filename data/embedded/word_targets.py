"""Words that visual tokens should point to, for the objectives of training/word_loss.py.

The words of a record's answers are those that some visual token of its pictures should point to.
Where the record says exactly what is where, single tokens have words of their own
(data/embedded/grounding.py).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.embedded.grounding import WORDS as GROUNDING_WORDS
from data.embedded.grounding import Said, said_by_tokens
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
class Targets:
    """Of one sample; ids are tokens of the language model."""

    words: list[int]  # of the answers
    by_token: list[tuple[Said, list[int]]]  # of single visual tokens; empty if not known


@dataclass(frozen=True)
class WordTargets:
    """Finds the targets of records."""

    processor: PVCProcessor
    grid: tuple[int, int] | None  # of a look's tokens behind its global token; None: no such token

    def of(self, record: Record, rendered: Rendered) -> Targets:
        """The targets of a record that was rendered so."""
        by_token = []
        if record.objects is not None and self.grid is not None:
            frames, looks = sum(rendered.clip_frames), sum(rendered.clip_looks)
            found = said_by_tokens(record.objects, frames, looks, self.grid)
            by_token = [(said, self.ids(said.words)) for said in found]
        return Targets(self.words(record), by_token)

    def ids(self, words: Sequence[str]) -> list[int]:
        """The tokens of words as they stand within a sentence, each once."""
        plain = self.processor.writer.plain
        return list(dict.fromkeys(token for word in words for token in plain(" " + word)))

    def words(self, record: Record) -> list[int]:
        """The telling words of the answers, each once, as ids after a space."""
        if all(
            isinstance(part, RecordText) for message in record.messages for part in message.parts
        ):
            return []
        said = " ".join(message.text for message in record.messages if message.role == "assistant")
        words = re.findall(r"[a-z]+|[0-9]", said.lower())
        return self.ids([word for word in words if word not in SMALL_WORDS])

    def vocabulary(self, records: Iterable[Record]) -> list[int]:
        """All ids that a visual token may have to point to."""
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
