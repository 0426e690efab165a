"""Joins records into longer conversations, so that a model does not confuse a second file.

A record is about one picture or clip. Real conversations continue: with another file, with an
unrelated question, back to the first file. This module builds such conversations from the turns of
single records and leaves their media and answers unchanged.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from data.records import Record, RecordMessage, RecordText

NUM_FILES = {1: 0.15, 2: 0.7, 3: 0.15}  # number of files in a conversation -> share
MADE_SHARE = 0.6  # of the files are synthetic worlds, the rest image-free
CHAT_SHARE = 0.2  # of conversations about several files also have a general question
BACK_SHARE = 0.3  # of conversations about several files return to the first one
NUM_TURNS = (1, 1, 2, 3)  # questions about a file before the next one
BACK = (
    "Back to the first {what}: {question}",
    "In the first {what}: {question}",
    "About the first {what} again. {question}",
)
MOST_TURNS = 9  # of a conversation; longer ones are cut

MessagePair = tuple[RecordMessage, RecordMessage]  # a question and its answer


@dataclass(frozen=True)
class RecordSources:
    """The records that conversations are built from."""

    worlds: Sequence[Record]  # their turns can be asked in any order
    classifications: Sequence[Record]  # their later turns depend on the first
    chats: Sequence[Record]  # without media


def multi_topic_records(sources: RecordSources, num: int, seed: int) -> Iterator[Record]:
    """Yields `num` conversations: one file and a general question, or two or three files."""
    worlds = _Deck(sources.worlds, f"{seed} worlds")
    classifications = _Deck(sources.classifications, f"{seed} concepts")
    chats = _Deck(sources.chats, f"{seed} chats")
    for number in range(num):
        rng = random.Random(f"joined {seed} {number}")
        num_files = rng.choices(list(NUM_FILES), list(NUM_FILES.values()))[0]
        files = [
            (worlds if rng.random() < MADE_SHARE else classifications).draw()
            for _ in range(num_files)
        ]
        pieces = [turns_of(record)[: rng.choice(NUM_TURNS)] for record in files]
        if num_files == 1 or rng.random() < CHAT_SHARE:
            pieces.insert(rng.randint(0, len(pieces)), turns_of(chats.draw())[:1])
        turns = [turn for piece in pieces for turn in piece]
        if num_files > 1 and rng.random() < BACK_SHARE:
            turns += _back(files[0], len(pieces[0]), rng)
        messages = [message for turn in turns[:MOST_TURNS] for message in turn]
        yield Record(f"joined-{seed}-{number:06d}", tuple(messages))


class _Deck:
    """Records in random order, reshuffled when they run out."""

    def __init__(self, records: Sequence[Record], seed: str) -> None:
        self.records, self.rng = records, random.Random(seed)
        self.order: list[int] = []

    def draw(self) -> Record:
        if not self.order:
            self.order = self.rng.sample(range(len(self.records)), len(self.records))
        return self.records[self.order.pop()]


def turns_of(record: Record) -> list[MessagePair]:
    """Splits a record into questions with their answers."""
    spoken = [message for message in record.messages if message.role != "system"]
    return list(zip(spoken[::2], spoken[1::2], strict=True))


def _back(record: Record, num_asked: int, rng: random.Random) -> list[MessagePair]:
    """Returns one unused question about the first file, if its record has one."""
    rest = turns_of(record)[num_asked:]
    if not rest or not record.media:  # image-free follow-ups depend on the first question
        return []
    question, answer = rng.choice(rest)
    kind = record.media[0].kind
    what = "video" if kind == "video" else rng.choice(("picture", "image"))
    text = rng.choice(BACK).format(what=what, question=question.text)
    return [(replace(question, parts=(RecordText(text),)), answer)]
