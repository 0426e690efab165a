"""One conversation as every screen of ours shows it: the page, the terminal and the one-off
question use this.

`stream_chat` turns the assistant's events into views: what a screen shows at one instant. A
conversation (`Chat`) is a value; it changes only in the view that ends an answer, so whatever
fails before that leaves it as it was.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.frame_strip import Strip, strip_of
from app.sanitize import for_label
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
class ChatTurn:
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

    turns: tuple[ChatTurn, ...] = ()
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
class ChatView:
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


def stream_chat(
    assistant: Assistant,
    chat: Chat,
    question: str,
    files: Sequence[Path] = (),
    settings: Settings | None = None,
    stop: threading.Event | None = None,
) -> Iterator[ChatView]:
    """Asks, and yields a view at every event. The last one is finished: it has the longer chat,
    or an error.
    """
    view = ChatView(
        chat,
        question.strip(),
        tuple(files),
        phase="Choosing what to look at" if files else "Thinking",
    )
    yield view
    try:
        plan: Plan | None = None
        events = assistant.reply(
            chat.state,
            view.question,
            list(files),
            settings or Settings(),
            stop=stop or threading.Event(),
        )
        for event in events:
            if isinstance(event, Planned):
                plan = event.plan
                view = replace(view, cost=cost_of(plan))
            elif isinstance(event, Decoding):
                phase = f"Reading {for_label(event.name, 40)}: {event.done} of {event.total}"
                view = replace(view, phase=phase, share=_share(event.done, event.total))
            elif isinstance(event, Encoding):
                phase = f"Looking: {event.done} of {event.total}" if event.total > 1 else "Looking"
                view = replace(view, phase=phase, share=_share(event.done, event.total))
            elif isinstance(event, TextDelta):
                view = replace(view, phase="", share=None, answer=view.answer + event.piece)
            elif isinstance(event, Finished):
                view = _finish(view, event, plan)
            yield view
    except Exception as error:  # noqa: BLE001  whatever went wrong, the screen must say so and stay usable
        yield replace(view, phase="", share=None, error=error_message(error), finished=True)


def _finish(view: ChatView, event: Finished, plan: Plan | None) -> ChatView:
    view = replace(view, phase="", share=None, stopped=event.stopped, finished=True)
    if event.stopped and len(event.state.turns) == len(view.chat.state.turns):
        return replace(view, error=STOPPED_EARLY)  # nothing was said, so nothing was kept
    turn = ChatTurn(
        question=event.state.turns[
            -1
        ].text,  # the assistant finds words where somebody only gave a file
        files=view.files,
        answer=event.text,
        strips=tuple(strip_of(seen) for seen in event.seen),
        usage=event.usage,
        notes=tuple(plan.notes) if plan else (),
        stopped=event.stopped,
    )
    longer = replace(view.chat, turns=(*view.chat.turns, turn), state=event.state)
    return replace(view, chat=longer, answer=event.text)


def error_message(error: Exception) -> str:
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


def usage_line(turn: ChatTurn) -> str:
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
