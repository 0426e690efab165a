"""One conversation as every screen of ours shows it: the page, the terminal and the one-off
question use this.

`converse` turns the assistant's events into moments: what a screen shows at one instant. A
conversation (`Chat`) is a value; it changes only in the moment that ends an answer, so whatever
fails before that leaves it as it was.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.frames import Strip, strip_of
from app.harmless import for_label
from vlm.assistant import (
    Assistant,
    Decoding,
    Encoding,
    Finished,
    Plan,
    Planned,
    Settings,
    State,
    TextDelta,
    Usage,
)

log = logging.getLogger(__name__)

STOPPED_EARLY = "Stopped before the first word; your question is kept."


@dataclass(frozen=True)
class Turn:
    """One question with its files and the answer to it."""

    question: str
    files: tuple[Path, ...] = ()
    lost: tuple[str, ...] = ()  # names of files that are no longer here
    answer: str = ""
    strips: tuple[Strip, ...] = ()
    usage: Usage | None = None
    notes: tuple[str, ...] = ()  # what was made smaller to fit
    stopped: bool = False


@dataclass(frozen=True)
class Chat:
    """A conversation: what stands on the screen, and the state with which the model remembers it.

    The first num_forgotten turns are only on the screen: the model's memory of them was let go.
    """

    turns: tuple[Turn, ...] = ()
    state: State = State()
    num_forgotten: int = 0

    def without_last(self) -> "Chat":
        """The conversation before its last question."""
        if len(self.turns) > self.num_forgotten:
            return replace(self, turns=self.turns[:-1], state=self.state.without_last())
        return Chat(self.turns[:-1], num_forgotten=max(0, len(self.turns) - 1))

    def without_memory(self) -> "Chat":
        """The same text, but the model starts afresh: pictures and the model's state are let go."""
        turns = tuple(replace(turn, strips=()) for turn in self.turns)
        return Chat(turns, num_forgotten=len(turns))


@dataclass(frozen=True)
class Moment:
    """What a screen shows at one instant while a question is answered."""

    chat: Chat
    question: str
    files: tuple[Path, ...] = ()
    phase: str = ""  # what is going on, until the first word of the answer
    share: float | None = None  # how much of that is done, 0 to 1, where it is known
    cost: str = ""  # what the files will take of the context, known before they are read
    answer: str = ""
    error: str = ""
    stopped: bool = False
    finished: bool = False


def converse(
    assistant: Assistant,
    chat: Chat,
    question: str,
    files: Sequence[Path] = (),
    settings: Settings | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Moment]:
    """Asks, and yields a moment at every event. The last one is finished: it has the longer chat,
    or an error.
    """
    moment = Moment(
        chat,
        question.strip(),
        tuple(files),
        phase="Choosing what to look at" if files else "Thinking",
    )
    yield moment
    try:
        plan: Plan | None = None
        events = assistant.reply(
            chat.state,
            moment.question,
            list(files),
            settings or Settings(),
            stop=stop or threading.Event(),
        )
        for event in events:
            if isinstance(event, Planned):
                plan = event.plan
                moment = replace(moment, cost=cost_of(plan))
            elif isinstance(event, Decoding):
                phase = f"Reading {for_label(event.name, 40)}: {event.done} of {event.total}"
                moment = replace(moment, phase=phase, share=_share(event.done, event.total))
            elif isinstance(event, Encoding):
                phase = f"Looking: {event.done} of {event.total}" if event.total > 1 else "Looking"
                moment = replace(moment, phase=phase, share=_share(event.done, event.total))
            elif isinstance(event, TextDelta):
                moment = replace(moment, phase="", share=None, answer=moment.answer + event.piece)
            elif isinstance(event, Finished):
                moment = _finish(moment, event, plan)
            yield moment
    except Exception as error:  # noqa: BLE001  whatever went wrong, the screen must say so and stay usable
        yield replace(moment, phase="", share=None, error=explain(error), finished=True)


def _finish(moment: Moment, event: Finished, plan: Plan | None) -> Moment:
    moment = replace(moment, phase="", share=None, stopped=event.stopped, finished=True)
    if event.stopped and len(event.state.turns) == len(moment.chat.state.turns):
        return replace(moment, error=STOPPED_EARLY)  # nothing was said, so nothing was kept
    turn = Turn(
        question=event.state.turns[
            -1
        ].text,  # the assistant finds words where somebody only gave a file
        files=moment.files,
        answer=event.text,
        strips=tuple(strip_of(seen) for seen in event.seen),
        usage=event.usage,
        notes=tuple(plan.notes) if plan else (),
        stopped=event.stopped,
    )
    longer = replace(moment.chat, turns=(*moment.chat.turns, turn), state=event.state)
    return replace(moment, chat=longer, answer=event.text)


def explain(error: Exception) -> str:
    """One sentence for a person. Errors in what was given are already such a sentence; others go
    to the log.
    """
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, FileNotFoundError) and error.filename:
        return (
            f"{for_label(Path(str(error.filename)).name)} is no longer there; please add it again."
        )
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "There was not enough memory for this; try fewer frames or a smaller file."
    log.error("answering failed", exc_info=error)
    name = type(error).__name__
    return f"Something went wrong inside ({name}); the log says more. Your question is kept."


def cost_of(plan: Plan) -> str:
    """What the files will take, in one line, before anything is decoded."""
    parts = []
    for file in plan.files:
        shown = f"{file.frames} frames" if file.kind == "video" else f"{file.looks} looks"
        if file.tiles > 1:
            shown += f" at {file.tiles} parts"
        parts.append(f"{for_label(file.name, 30)}: {shown}, {file.tokens:,} tokens")
    return "; ".join(
        [*parts, f"{plan.context_left:,} tokens left for the answer and after", *plan.notes]
    )


def usage_line(turn: Turn) -> str:
    """What an answer took and what is left, in one line."""
    usage = turn.usage
    if usage is None:
        return ""
    used = usage.prompt_tokens + usage.new_tokens
    parts = [f"{used:,} tokens used, {usage.context_left:,} left"]
    if usage.new_tokens:
        parts.append(f"first word after {usage.seconds_to_first_token:.1f} s")
        parts.append(f"{usage.tokens_per_second:.0f} tokens/s")
    if usage.reused_tokens:
        parts.append(f"{usage.reused_tokens:,} kept from before")
    return " · ".join(parts)


def _share(done: int, total: int) -> float | None:
    return done / total if total else None
