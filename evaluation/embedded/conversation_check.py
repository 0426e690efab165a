"""Checks whether a conversation can move on to another picture or topic.

    python -m evaluation.embedded.conversation_check

Asks questions about held-out worlds and photographs, and short facts, twice each: alone, and as the
second question of a conversation about another picture or clip. Prints the share of right answers
of both.
"""

import argparse
import itertools
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data.embedded.folder import DEFAULT_FOLDER
from data.embedded.photographs import LIST, photographs
from data.records import Record, read_records
from data.samples.first_question import first_question
from data.scoring import judge
from data.synthetic.worlds import HELD_TASKS
from data.wilson import format_share
from evaluation.asking.described import Words, described
from evaluation.embedded.chat_check import QUIZ, QUIZ_TOKENS, knows
from vlm.conversation import Conversation, Message, Text
from vlm.ending import end, sentence
from vlm.experts.expert_words import expert_words
from vlm.inference.batch import greedy_answers
from vlm.loading import load_folder
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.io.files import cache_dir

WORLDS, PHOTOGRAPHS = "made worlds, right", "photographs, right or nearly right"
FACTS = "short facts, right"  # the only ones without a picture or clip
KINDS = (WORLDS, PHOTOGRAPHS, FACTS)
NUM_FRAMES = 8


@dataclass(frozen=True)
class Question:
    """One question, of one of KINDS; its media are decoded when it is asked."""

    kind: str
    text: str
    read: Callable[[], Conversation]
    is_right: Callable[[str], bool]


@dataclass(frozen=True)
class Twice:
    """The answers alone and as the second question."""

    question: Question
    answers: tuple[str, str]

    @property
    def right(self) -> tuple[bool, bool]:
        alone, second = map(self.question.is_right, self.answers)
        return alone, second


def questions(worlds: Iterable[Record], photos: Iterable[Record]) -> list[Question]:
    """Returns all questions, shuffled: the same order for the same records."""
    found = [about(record, WORLDS, ("right",)) for record in worlds]
    found += [about(record, PHOTOGRAPHS, ("right", "near")) for record in photos]
    found += [fact(*entry) for entry in QUIZ]
    return random.Random(0).sample(found, len(found))


def about(record: Record, kind: str, verdicts: Sequence[str]) -> Question:
    """Returns the first question of a record."""
    return Question(
        kind,
        record.turns[0][0],
        lambda: first_question(record, NUM_FRAMES),
        lambda answer: judge(record, answer) in verdicts,
    )


def fact(question: str, accepted: Sequence[str]) -> Question:
    """Returns a question without a picture."""
    conversation = Conversation((Message("user", (Text(question),)),))
    return Question(FACTS, question, lambda: conversation, lambda answer: knows(answer, accepted))


def ask_twice(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    asked: Sequence[Question],
    batch_size: int = 8,
    words: Words | None = None,
) -> Iterator[Twice]:
    """Asks each question alone, and after the previous question about a picture or clip.

    The first question follows the last one. Raises ValueError if none has a picture or clip.
    """

    def answer(conversations: Sequence[Conversation]) -> list[str]:
        return greedy_answers(model, processor, conversations, QUIZ_TOKENS)

    last_shown = next((one for one in reversed(asked) if one.kind != FACTS), None)
    if last_shown is None:
        raise ValueError("there is no question about a picture or clip")
    last = described(last_shown.read(), words)
    before = _answered(last, answer([last])[0])
    for start in range(0, len(asked), batch_size):
        batch = asked[start : start + batch_size]
        alone = [described(question.read(), words) for question in batch]
        first = answer(alone)
        second = []
        for question, conversation, given in zip(batch, alone, first, strict=True):
            second.append(Conversation(before.messages + conversation.messages))
            if question.kind != FACTS:
                before = _answered(conversation, given)
        for question, answers in zip(batch, zip(first, answer(second), strict=True), strict=True):
            yield Twice(question, answers)


def _answered(conversation: Conversation, answer: str) -> Conversation:
    return Conversation((*conversation.messages, Message("assistant", (Text(answer),))))


def table(twice: Sequence[Twice]) -> list[str]:
    """Returns lines of Markdown: the shares right alone and second, by kind."""
    lines = ["| asked | alone | after another picture or clip |", "|---|---|---|"]
    for kind in KINDS:
        right = [one.right for one in twice if one.question.kind == kind]
        if right:
            alone, second = (format_share(sum(row), len(row)) for row in zip(*right, strict=True))
            lines.append(f"| {kind} | {alone} | {second} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.embedded.conversation_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--limit", type=int, default=6, metavar="N", help="questions of each task (default: 6)"
    )
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_FOLDER, help="made by python -m data.embedded"
    )
    parser.add_argument("--wrong", action="store_true", help="also list wrong second answers")
    arguments = parser.parse_args()
    held, assets = arguments.data / "held" / "records.jsonl", cache_dir() / "assets"
    for needed in (held, assets / LIST):
        if not needed.is_file():
            sys.exit(
                f"{parser.prog}: there is no {needed}; run `python -m data.embedded` to make it"
            )
    try:
        worlds = read_records(held)
        # Tasks alternate, so the first records hold equally many of each.
        chosen = itertools.islice(worlds, max(1, arguments.limit) * len(HELD_TASKS))
        asked = questions(chosen, photographs(assets))
        model, processor, _ = load_folder(arguments.model, None, None)
        words = expert_words(model.eval(), processor)
        answered = ask_twice(model, processor, asked, words=words)
        twice = list(tqdm(answered, "conversations", len(asked), leave=False, unit="question"))
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {sentence(error)}")
    print("\n".join(table(twice)))
    if arguments.wrong:
        for one in twice:
            if not one.right[1]:
                print(f"{one.question.text} {one.answers[1]} (alone: {one.answers[0]})")


if __name__ == "__main__":
    end(main)
