"""From questions with decoded media to the conversations that a model is asked.

Most conversations are one question. A question that follows another one goes on from that one's
conversation, with the model's own answer in it, so it waits for that answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from evaluation.asking.answerer import Answer
from evaluation.asking.media_ahead import DecodedMedia, MediaAhead, Ready, Reduced
from evaluation.benchmarks.base import Benchmark, Composed, MediaPart, Options, Question
from evaluation.runs.log import LogRow
from vlm.conversation import Conversation, Message, Text, Video

REFUSED = "refused"  # key in `extra` of a log's row: why a question did not fit


class Answers:
    """The answers that other questions go on from: those in the log, then those given since."""

    def __init__(self, questions: Iterable[Question], rows: Iterable[LogRow] = ()) -> None:
        self._followed = {q.follows.id for q in questions if q.follows is not None}
        self._texts = {
            row["id"]: Text(row["raw"], tuple(row["tokens"].get("ids", ())))
            for row in rows
            if row["id"] in self._followed and not row["error"]
        }
        self._refused = {row["id"] for row in rows if row["extra"].get(REFUSED)}
        self._reduced: dict[str, list[Reduced]] = {
            row["id"]: [medium.get("reduced", {}) for medium in row["media"]]
            for row in rows
            if row["id"] in self._followed
        }

    def keep(self, asked: "Asked", answer: Answer) -> Answer:
        """Keeps an answer; returns it without its tokens if no question goes on from it."""
        id = asked.ready.question.id
        if id not in self._followed:
            return replace(answer, ids=())
        if not answer.error:
            self._texts[id] = Text(answer.text, answer.ids)
            self._reduced[id] = [medium.reduced for medium in asked.seen]
            self._refused |= {id} if asked.refused else set()
        return answer

    def refused(self, question: Question) -> bool:
        """Whether a question did not fit; the chat then goes on as if it had not been asked."""
        return question.id in self._refused

    def shown(self, ready: Ready, ahead: MediaAhead) -> tuple[DecodedMedia, ...]:
        """Returns the media of a conversation, those of earlier turns as they were shown there."""
        before = ready.question.follows
        reduced = [] if before is None or not ready.seen else self._reduced.get(before.id, [])
        as_then = [
            ahead.again(part, how) if how else medium
            for part, medium, how in zip(ready.question.media, ready.seen, reduced, strict=False)
        ]
        return (*as_then, *ready.seen[len(as_then) :])

    def to(self, question: Question) -> Text:
        """Raises ValueError if the question has no answer."""
        if question.id not in self._texts:
            raise ValueError(f"the question that it follows, {question.id}, has no answer.")
        return self._texts[question.id]


@dataclass(frozen=True, eq=False)
class Asked:
    """A question in its final form."""

    ready: Ready
    conversation: Conversation
    composed: Composed  # its last turn
    captions: tuple[str, ...]
    text: str  # the conversation for a reader
    seen: tuple[DecodedMedia, ...] = ()  # all its media, as shown
    notes: tuple[str, ...] = ()  # what was reduced so that it fits
    refused: str = ""  # why it cannot be answered at all, in the words of the chat
    max_new_tokens: int | None = None  # None: those of the settings

    @property
    def own(self) -> tuple[MediaPart, ...]:
        """The media of the last turn, whose decoded forms are the last of `seen`."""
        parts = self.ready.question.parts
        return tuple(part for part in parts if isinstance(part, MediaPart))


def batches(reading: Iterable[Ready], size: int) -> Iterator[list[Ready]]:
    """Yields at most `size` questions at once, none of which follows another one among them."""
    batch: list[Ready] = []
    for ready in reading:
        before = ready.question.follows
        if before is not None and any(before.id == other.question.id for other in batch):
            yield batch
            batch = []
        batch.append(ready)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def converse(
    benchmark: Benchmark, ready: Ready, options: Options, answers: Answers, ahead: MediaAhead
) -> Asked:
    """Composes all turns up to a question. Raises ValueError if an earlier one has no answer."""
    if ready.error:
        raise ValueError(ready.error)
    shown = answers.shown(ready, ahead)
    seen = [medium.part for medium in shown]
    messages: list[Message] = []
    captions: list[str] = []
    texts: list[str] = []
    last: Question | None = None  # the turn before, unless it was refused
    for turn in ready.question.turns:
        if answers.refused(turn):
            seen = seen[sum(isinstance(part, MediaPart) for part in turn.parts) :]
            continue
        if last is not None:
            answer = answers.to(last)
            messages.append(Message("assistant", (answer,)))
            texts.append(f"[answer] {answer.text}")
        own = sum(isinstance(part, MediaPart) for part in turn.parts)
        composed = benchmark.compose(turn, seen[:own], options)
        seen = seen[own:]
        if composed.system and not messages:
            messages.append(Message("system", (Text(composed.system),)))
        messages.append(Message("user", composed.parts))
        captions += composed.captions
        texts.append(prompt_text(composed))
        last = turn
    conversation = Conversation(tuple(messages))
    return Asked(ready, conversation, composed, tuple(captions), "\n".join(texts), shown)


def prompt_text(composed: Composed) -> str:
    """Returns the user turn for a reader: media as marks, and the reply's given beginning."""
    marks = {
        True: lambda part: part.text,
        False: lambda part: "<video>" if isinstance(part, Video) else "<image>",
    }
    text = "".join(marks[isinstance(part, Text)](part) for part in composed.parts)
    return f"{text}\n[reply begins] {composed.reply}" if composed.reply else text
