"""Runs one conversation for every front end: the page, the terminal and `ask`.

`stream_chat` turns the assistant's events into views, snapshots of what a screen shows. A
conversation (`app.turns`) is a value. It changes only in the view that ends an answer, so a failure
before that leaves it unchanged.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.frame_strip import Strip, strip_of
from app.looks import Wanted, source
from app.replier import Replier
from app.sanitize import for_label
from app.subtitles import media_of, with_subtitles
from app.turns import Chat, ChatTurn, file_key
from vlm.assistant import (
    Asked,
    Decoding,
    Encoding,
    Finished,
    MediaSource,
    Plan,
    Planned,
    Seen,
    Settings,
    TextDelta,
)
from vlm.inference.planning import DEFAULT_QUESTIONS
from vlm.media.confined.limits import MediaError
from vlm.media.source import display_name
from vlm.plural import plural

log = logging.getLogger(__name__)

STOPPED_EARLY = "Stopped before the first word; your question is kept."
VARIED = 0.8  # temperature of a repeated question, which would get the same words at 0
LIKELY = 0.9  # top_p of it: one of the unlikely words at each place would make it nonsense


@dataclass(frozen=True)
class ChatView:
    """A snapshot of the screen while a question is answered."""

    chat: Chat
    question: str
    files: tuple[Path, ...] = ()
    phase: str = ""  # the current step, until the first word of the answer
    share: float | None = None  # completed fraction of that step, 0 to 1; None if unknown
    cost: str = ""  # context the files will take, known before decoding
    answer: str = ""
    error: str = ""
    unusable: Path | None = None  # the file that caused the error
    stopped: bool = False
    finished: bool = False


def stream_chat(
    assistant: Replier,
    chat: Chat,
    wanted: Wanted,
    settings: Settings | None = None,
    stop: threading.Event | None = None,
    *,
    instructions: str = "",
    live: MediaSource | None = None,
) -> Iterator[ChatView]:
    """Asks a question after the turns before it, and yields a view per event.

    The last view is finished and carries either the extended chat or an error. Turns that the
    model has no state for are read again where their files are here (`Chat.to_read`).
    `instructions` take the place of the model's own system message; `live` is a stream that is
    looked at beside the files.
    """
    settings, files, span = settings or Settings(), wanted.files, wanted.span
    has_subtitles = len(media_of(files)) < len(files)
    view = ChatView(
        chat.until(wanted.at),
        wanted.question.strip() or DEFAULT_QUESTIONS["video"] * has_subtitles,
        files,
        phase="Choosing what to look at" if files else "Thinking",
    )
    yield view
    sources = [source(path, wanted.again, span, settings.num_frames) for path in media_of(files)]
    sources += [live] if live else []
    try:
        plan: Plan | None = None
        events = assistant.reply(
            replace(view.chat.state, system=instructions or None),
            with_subtitles(view.question, files, span),
            sources,
            settings,
            stop=stop or threading.Event(),
            earlier=[_asked(turn) for turn in view.chat.to_read],
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
                seen = tuple(one.path for one in sources)
                view = _finish(view, event, plan, seen, wanted)
            yield view
    except Exception as error:  # noqa: BLE001  any error is shown and the screen stays usable
        yield failed(view, error)


def failed(view: ChatView, error: Exception) -> ChatView:
    """Returns the view that ends with an error, and names the file that caused it."""
    bad = next((path for path in view.files if _is_about(error, path)), None)
    sentence = error_message(error)
    return replace(view, phase="", share=None, error=sentence, unusable=bad, finished=True)


def _is_about(error: Exception, path: Path) -> bool:
    return isinstance(error, MediaError) and str(error).startswith(display_name(path))


def _asked(turn: ChatTurn) -> Asked:
    files = tuple(source(path, turn.again, turn.span) for path in media_of(turn.files))
    return Asked(with_subtitles(turn.question, turn.files, turn.span), files, turn.answer)


def _finish(
    view: ChatView,
    event: Finished,
    plan: Plan | None,
    seen: tuple[Path, ...],
    wanted: Wanted,
) -> ChatView:
    """Adds the turn; `seen` are the files of the question that were looked at."""
    chat = view.chat
    view = replace(view, phase="", share=None, stopped=event.stopped, finished=True)
    to_read, known = chat.to_read, len(chat.state.turns)
    if event.stopped and len(event.state.turns) == known:
        return replace(view, error=STOPPED_EARLY)  # no words yet, so there is no turn to keep
    memories = event.state.turns[known:]
    files = [media_of(turn.files) for turn in to_read]
    strips = _strips(event.seen, plan, [*files, seen])
    start = len(chat.turns) - len(to_read)
    read_again = tuple(
        replace(turn, memory=memory, strips=of_turn)
        for turn, memory, of_turn in zip(to_read, memories, strips, strict=False)
    )
    turn = ChatTurn(
        question=view.question or memories[-1].text,  # the default one for a file alone
        files=view.files,
        answer=event.text,
        strips=strips[-1],
        usage=event.usage,
        notes=tuple(plan.notes) if plan else (),
        stopped=event.stopped,
        again=wanted.again,
        span=wanted.span,
        memory=memories[-1],
    )
    longer = Chat((*chat.turns[:start], *read_again, turn))
    return replace(view, chat=longer, answer=event.text)


def _strips(
    seen: Sequence[Seen], plan: Plan | None, files: Sequence[Sequence[Path]]
) -> list[tuple[Strip, ...]]:
    """Returns the strips of each turn's files."""
    plans = plan.files if plan else ()
    paths = [path for of_turn in files for path in of_turn]
    made = [
        strip_of(one, plans[i] if i < len(plans) else None, file_key(paths[i]))
        for i, one in enumerate(seen)
    ]
    split = []
    for of_turn in files:
        split.append(tuple(made[: len(of_turn)]))
        made = made[len(of_turn) :]
    return split


def error_message(error: Exception) -> str:
    """Returns one sentence for the user. Input errors already are one; others go to the log."""
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{for_label(Path(str(error.filename)).name)} is missing; add it again."
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "Not enough memory; try fewer frames or a smaller file."
    log.error("answering failed", exc_info=error)
    name = type(error).__name__
    return f"Internal error ({name}); the log has details. Your question is kept."


def cost_of(plan: Plan) -> str:
    """Summarizes the cost of the files in one line, before decoding."""
    parts = []
    for file in plan.files:
        video = file.kind == "video"
        shown = plural(file.frames, "frame") if video else plural(file.looks, "look")
        if file.tiles > 1:
            shown += f" at {file.tiles} parts"
        parts.append(f"{for_label(file.name, 30)}: {shown}, {file.tokens:,} tokens")
    return "; ".join(
        [*parts, f"{plan.context_left:,} tokens left for the answer and follow-ups", *plan.notes]
    )


def usage_line(turn: ChatTurn) -> str:
    """Summarizes the cost of an answer and the remaining context in one line."""
    usage = turn.usage
    if usage is None:
        return ""
    used = usage.prompt_tokens + usage.new_tokens
    parts = [f"{used:,} tokens used, {usage.context_left:,} left"]
    if usage.new_tokens:
        parts.append(f"first word after {usage.seconds_to_first_token:.1f} s")
    if usage.new_tokens > 1 and usage.tokens_per_second >= 0.5:
        parts.append(f"{usage.tokens_per_second:.0f} tokens/s")
    if usage.seconds_experts:
        parts.append(f"experts {usage.seconds_experts:.1f} s")
    return " · ".join(parts)


def _share(done: int, total: int) -> float | None:
    return done / total if total else None
