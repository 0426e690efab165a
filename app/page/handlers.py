"""Handles the page's events.

A question runs in two steps. `begin` locks the text box and keeps the draft; `answer` streams, then
unlocks the box, restoring the draft on failure. If Gradio cannot run the second step (full queue),
`refused` unlocks the box.

Handlers return values for the components listed at the head of each section, in that order.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from app.chat import STOPPED_EARLY, VARIED, ChatView, stream_chat
from app.looks import Span, Wanted, look_again, understood
from app.page import messages, stored
from app.page.background import Line, in_background, in_line
from app.page.documents import with_pages
from app.page.examples import Example
from app.page.live import CAMERA, LiveStreams
from app.page.sessions import Sessions
from app.page.settings import settings_of
from app.page.uploads import Uploads
from app.replier import Replier
from app.sanitize import for_label, whole_characters
from app.turns import Chat, ChatTurn, file_key, file_name
from vlm.assistant import MediaSource
from vlm.plural import plural

MAX_QUESTION = 100_000  # characters
MAX_FILES = 20  # with one question
REMOVED = " It was removed from your question."
VARIED_NOTE = f"Sampled at temperature {VARIED} to vary the answer."
STOPPED_AGAIN = "Stopped before the first word; the earlier answer stays."
BUSY = "Too many questions are waiting; send yours again in a moment."

Typed = dict[str, Any]  # the text box: {"text": ..., "files": [...]}
Asked = dict[str, Any]  # what the page's scripts ask for, such as {"turn": 0}


@dataclass(frozen=True)
class Pending:
    """A submitted question.

    chat: the conversation; at: the turn that this is a version of, or the number of turns; draft:
    restored on failure; left: typed text that stays in the box.
    """

    chat: Chat
    at: int
    question: str
    files: tuple[Path, ...]
    draft: Typed
    left: Typed | None = None
    varied: bool = False  # a repetition, whose words should differ
    again: int = 0  # this and `span` as in `app.looks`
    span: Span | None = None
    notes: tuple[str, ...] = ()  # for below the answer
    problem: str = ""  # why it cannot be answered; "" if it can
    editing: "Editing | None" = None  # goes on after a failure


@dataclass(frozen=True)
class Editing:
    """A question that is being edited. left: what was typed before."""

    at: int
    left: Typed


class Handlers:
    """Serves all visitors; their state lives in `sessions` under their id."""

    def __init__(
        self,
        assistant: Replier,
        sessions: Sessions,
        uploads: Uploads,
        examples: Sequence[Example],
        live: LiveStreams,
        at_once: int = 1,
    ) -> None:
        self.assistant, self.sessions = assistant, sessions
        self.uploads, self.examples, self.live = uploads, examples, live
        self.line = Line(at_once)  # one model: by default one answer

    # -- start of a question -> composer, chatbot, saved, pending

    def begin(
        self, session: str, kept: str, typed: Typed | None, editing: Editing | None = None
    ) -> tuple:
        """Starts a question from the text box."""
        typed = typed or {"text": "", "files": []}
        question, files = typed["text"].strip(), tuple(Path(file) for file in typed["files"])
        if not question and not files:
            return _nothing_begins()
        chat = self._chat(session, kept)
        at, left = len(chat.turns), None
        if editing is not None and editing.at < at:
            at, left = editing.at, editing.left
        else:
            editing = None
        pending = Pending(chat, at, question, files, typed, left, editing=editing)
        if problem := self._problem(pending):
            return self._begin(session, replace(pending, problem=problem))
        try:
            files, notes = with_pages(files, self.uploads)
            wanted = understood(chat, question, files)
        except ValueError as error:
            return self._begin(session, replace(pending, problem=str(error)))
        pending = replace(pending, files=files) if editing else _taken(pending, wanted)
        return self._begin(session, replace(pending, notes=(*notes, *pending.notes)))

    def begin_example(
        self, session: str, kept: str, typed: Typed | None, chosen: gr.SelectData
    ) -> tuple:
        """Starts the question of a clicked example."""
        if chosen.index not in range(len(self.examples)):
            return _nothing_begins()
        example, typed = self.examples[chosen.index], typed or {}
        chat = self._chat(session, kept)
        at, files = len(chat.turns), (example.path,)
        return self._begin(session, Pending(chat, at, example.question, files, typed, typed))

    def begin_suggested(
        self, session: str, kept: str, typed: Typed | None, asked: Asked | None
    ) -> tuple:
        """Starts a question that the page suggested."""
        chat, typed, question = self._chat(session, kept), typed or {}, (asked or {}).get("text")
        if not isinstance(question, str) or not question.strip():
            return _nothing_begins()
        at, question = len(chat.turns), whole_characters(question).strip()
        return self._begin(session, Pending(chat, at, question, (), typed, typed))

    def begin_again(
        self, session: str, kept: str, typed: Typed | None, asked: Asked | None
    ) -> tuple:
        """Starts a question again; the answers it has stay as other versions."""
        chat, typed = self._chat(session, kept), typed or {}
        at = _turn_of(asked, chat)
        if at is None:
            return _nothing_begins()
        turn = chat.turns[at]
        pending = Pending(chat, at, turn.question, turn.files, typed, typed, True)
        pending = replace(pending, again=turn.again, span=turn.span, problem=_lost(turn))
        return self._begin(session, pending)

    def begin_look(
        self, session: str, kept: str, typed: Typed | None, asked: Asked | None
    ) -> tuple:
        """Starts a question again with one more look at its pictures."""
        chat, typed = self._chat(session, kept), typed or {}
        at = _turn_of(asked, chat)
        if at is None:
            return _nothing_begins()
        pending = Pending(chat, at, chat.turns[at].question, (), typed, typed)
        try:
            pending = _taken(pending, look_again(chat, at))
        except ValueError as error:
            pending = replace(pending, problem=_lost(chat.turns[at]) or str(error))
        return self._begin(session, pending)

    def _begin(self, session: str, pending: Pending) -> tuple:
        pending = replace(pending, problem=pending.problem or self._problem(pending))
        base = pending.chat.until(pending.at)
        view = ChatView(base, pending.question, pending.files, phase="Starting")
        locked = gr.MultimodalTextbox(
            value=pending.left or None, interactive=False, submit_btn=False, stop_btn=True
        )
        saved = self._saved(session, pending.chat, pending.draft, running=True)
        return locked, messages.of_view(view), saved, pending

    # -- answers and everything that unlocks the box -> chatbot, composer, editing, saved

    def answer(
        self, session: str, pending: Pending | None, watched: str, *options: Any
    ) -> Iterator[tuple]:
        """Streams the answer to the pending question and always unlocks the text box.

        `watched` is the name of the live picture that this tab shows, or "".
        """
        if pending is None:
            yield gr.skip(), self._unlocked(), gr.skip(), gr.skip()
            return
        question, files = pending.question, pending.files
        base = pending.chat.until(pending.at)
        if pending.problem:
            chat = self._chat(session)
            shown = messages.of_error(chat, pending.problem)
            yield self._ended(session, chat, pending.draft, shown, pending.editing)
            return
        stop, view = self.sessions.start(session), None
        settings, instructions = settings_of(options, self.assistant.card)
        notes = list(pending.notes)
        if pending.varied and not settings.temperature:
            settings = replace(settings, temperature=VARIED)
            notes.append(VARIED_NOTE)
        live = None
        if (stream := self.live.stream(watched)) is not None:
            live = MediaSource(CAMERA, stream=stream)
            kept = plural(len(stream.frames), "frame")
            notes.append(f"Live: {stream.num_seen:,} seen so far; the last {kept} are kept.")
        views = stream_chat(
            self.assistant,
            base,
            question,
            files,
            settings,
            stop,
            again=pending.again,
            span=pending.span,
            instructions=instructions,
            live=live,
        )

        def waiting(ahead: int, seconds: float | None) -> ChatView:
            return ChatView(base, question, files, phase=_waiting(ahead, seconds))

        try:
            for view in in_background(in_line(views, self.line, waiting, stop), stop):
                if not view.finished:
                    yield messages.of_view(view), *[gr.skip()] * 3
        finally:
            self.sessions.end(session, stop)  # also if the tab was closed meanwhile
        if view is not None and view.finished and not view.error:
            chat = pending.chat.answered(pending.at, view.chat.with_notes(notes))
            self.sessions.put(session, chat)
            yield self._ended(session, chat, pending.left)
            return
        chat, draft, editing = self._chat(session), pending.draft, pending.editing
        if view is None or view.stopped or not view.error:
            sentence = STOPPED_AGAIN if pending.varied or pending.again else STOPPED_EARLY
            yield self._ended(session, chat, draft, messages.of_note(chat, sentence), editing)
            return
        sentence = view.error
        if view.unusable is not None and str(view.unusable) in draft.get("files", ()):
            draft = draft | {"files": [f for f in draft["files"] if f != str(view.unusable)]}
            sentence += REMOVED
        yield self._ended(session, chat, draft, messages.of_error(chat, sentence), editing)

    def refused(self, session: str, pending: Pending | None) -> tuple:
        """Unlocks the text box when Gradio refuses to run the answer."""
        chat, draft = self._chat(session), pending.draft if pending else None
        return self._ended(session, chat, draft, messages.of_error(chat, BUSY))

    def show(self, session: str, kept: str, typed: Typed | None, asked: Asked | None) -> tuple:
        """Shows another version of a turn."""
        chat = self._chat(session, kept)
        at, place = _turn_of(asked, chat), (asked or {}).get("place")
        if at is None or type(place) is not int or not 0 <= place < chat.turns[at].num_versions:
            return (gr.skip(),) * 4
        chat = chat.showing(at, place).with_files(self.uploads.holds)
        self.sessions.put(session, chat)
        return self._ended(session, chat, typed)

    def open(self, asked: Asked | None) -> tuple:
        """Opens a conversation that the browser stored, or a new one -> session, and as above.

        Every opening gets a new id, so a duplicated tab continues from the same point,
        independently. `asked` has the id it had before, its turns, a draft, and the browser's own
        name for it, which is returned.
        """
        asked = asked if isinstance(asked, dict) else {}
        chat, note = self.sessions.get(str(asked.get("session"))), ""
        if chat is None:
            try:
                chat = stored.read(asked.get("turns", []), self.uploads.holds)
            except stored.TooMuch as error:
                chat, note = Chat(), str(error)
        chat = chat.with_files(self.uploads.holds)
        session = secrets.token_urlsafe(16)
        self.sessions.put(session, chat)
        shown = messages.of_error(chat, note) if note else messages.of_ended(chat)
        draft = _draft(asked.get("draft"))
        name = whole_characters(str(asked.get("conversation", "")))[:40]
        saved = self._saved(session, chat, draft, conversation=name)
        return session, shown, self._unlocked(draft), None, saved

    # -- editing -> composer, editing

    def edit(self, session: str, kept: str, typed: Typed | None, asked: Asked | None) -> tuple:
        """Moves a question into the text box; it stays where it is until it is asked."""
        chat = self._chat(session, kept)
        at = _turn_of(asked, chat)
        if at is None:
            return gr.skip(), gr.skip()
        turn = chat.turns[at]
        draft = {"text": turn.question, "files": [str(path) for path in turn.files]}
        return self._unlocked(draft), Editing(at, typed or {})

    def cancel_edit(self, editing: Editing | None) -> tuple:
        """Puts back what was typed before the edit."""
        return self._unlocked(_or_empty(editing.left if editing else None)), None

    # -- live pictures -> the name of this tab's, the same for the page's scripts

    def begin_live(self) -> tuple:
        """Begins to follow a live picture; the scripts get its name, or why there is none."""
        try:
            name = self.live.begin()
        except ValueError as error:
            return "", json.dumps({"error": str(error)})
        return name, json.dumps({"name": name})

    def stop(self, session: str) -> None:
        """Stops the current answer."""
        self.sessions.stop(session)

    def _problem(self, pending: Pending) -> str:
        """Returns why this question cannot be asked, or "" if it can."""
        length, files = len(pending.question), pending.files
        if length > MAX_QUESTION:
            return (
                f"Your question has {length:,} characters; "
                f"at most {MAX_QUESTION:,} can be asked at once."
            )
        if len(files) > MAX_FILES:
            return f"You added {len(files)} files; at most {MAX_FILES} can go with one question."
        gone = [for_label(path.name) for path in files if not self.uploads.holds(path)]
        return f"Missing: {', '.join(gone)}. Add it again." if gone else ""

    def _ended(
        self,
        session: str,
        chat: Chat,
        draft: Typed | None = None,
        shown: list[messages.Message] | None = None,
        editing: Editing | None = None,
    ) -> tuple:
        shown = messages.of_ended(chat) if shown is None else shown
        saved = self._saved(session, chat, draft, editing=editing and editing.at)
        return shown, self._unlocked(draft), editing, saved

    def _saved(self, session: str, chat: Chat, draft: Typed | None, **more: Any) -> str:
        draft = _or_empty(draft)
        files = [Path(file) for file in draft["files"] if self.uploads.holds(Path(file))]
        plain = {
            "text": draft["text"],
            "files": [{"key": file_key(p), "name": p.name, "path": str(p)} for p in files],
        }
        return stored.as_text(session, chat, draft=plain, **more)

    def _chat(self, session: str, kept: str | None = None) -> Chat:
        """Returns the conversation, or if it has expired, the text that the page still has."""
        chat = self.sessions.get(session)
        if chat is None:
            chat = stored.from_text(kept)
            self.sessions.put(session, chat)
        return chat.with_files(self.uploads.holds)

    def _unlocked(self, draft: Typed | None = None) -> gr.MultimodalTextbox:
        """Returns the composer in idle state; a draft keeps its existing files."""
        composer: dict[str, Any] = {"interactive": True, "submit_btn": True, "stop_btn": False}
        if draft is not None:
            draft = _or_empty(draft)
            files = [file for file in draft["files"] if self.uploads.holds(Path(file))]
            composer["value"] = {"text": draft["text"], "files": files}
        return gr.MultimodalTextbox(**composer)


def _taken(pending: Pending, wanted: Wanted) -> Pending:
    """Returns the question as it is to be asked."""
    return replace(
        pending,
        at=wanted.at,
        question=wanted.question,
        files=wanted.files,
        again=wanted.again,
        span=wanted.span,
        notes=wanted.notes,
    )


def _turn_of(asked: Asked | None, chat: Chat) -> int | None:
    """Returns the index of the turn that was asked for; None if there is none."""
    at = asked.get("turn") if isinstance(asked, dict) else None
    return at if type(at) is int and 0 <= at < len(chat.turns) else None


def _or_empty(draft: Typed | None) -> Typed:
    draft = draft or {}
    return {"text": draft.get("text") or "", "files": draft.get("files") or []}


def _draft(given: Any) -> Typed:
    """Reads a draft that a browser stored; the gate has checked its paths."""
    try:
        files = [file["path"] for file in given["files"] if isinstance(file.get("path"), str)]
        return {"text": whole_characters(str(given["text"]))[:MAX_QUESTION], "files": files}
    except (TypeError, KeyError, AttributeError):
        return {"text": "", "files": []}


def attach(typed: Typed | None, recorded: str | None) -> tuple:
    """Attaches a recording to the draft -> composer, the emptied camera."""
    if not recorded:
        return gr.skip(), gr.skip()
    typed = typed or {}
    files = [*(typed.get("files") or []), recorded]
    return {"text": typed.get("text") or "", "files": files}, None


def _nothing_begins() -> tuple:
    return *[gr.skip()] * 3, None


def _lost(turn: ChatTurn) -> str:
    """Returns why a turn with missing files cannot be asked again, or ""."""
    names = ", ".join(for_label(file_name(key)) for key in turn.lost)
    return f"Missing: {names}. Add it again and ask." if names else ""


def _waiting(ahead: int, seconds: float | None) -> str:
    """Returns what to show while others are answered first."""
    estimate = "" if seconds is None else f", about {max(round(seconds), 1)} s"
    return f"Waiting for {plural(ahead, 'answer')} ahead of yours{estimate}"
