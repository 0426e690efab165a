"""Handles the page's events.

A question runs in two steps. `begin` locks the text box and keeps the draft; `answer` streams, then
unlocks the box, restoring the draft on failure. If Gradio cannot run the second step (full queue),
`refused` unlocks the box.

Handlers return values for the components listed at the head of each section, in that order.
"""

import math
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from app.chat import STOPPED_EARLY, VARIED, Chat, ChatTurn, ChatView, stream_chat
from app.page import messages
from app.page.background import in_background, one_at_a_time
from app.page.examples import Example
from app.page.sessions import Sessions
from app.page.tab_storage import keep, recall
from app.page.uploads import Uploads
from app.replier import Replier
from app.sanitize import for_label
from vlm.assistant import Settings

AUTO = "auto"
TEMPERATURES = (0.0, 1.5)
LENGTHS = (16, 1024)  # tokens
MAX_QUESTION = 100_000  # characters
MAX_FILES = 20  # with one question
REMOVED = " It was removed from your question."
VARIED_NOTE = f"Sampled at temperature {VARIED} to vary the answer."
STOPPED_AGAIN = "Stopped before the first word; the earlier answer stays."
BUSY = "Too many questions are waiting; send yours again in a moment."

Typed = dict[str, Any]  # the text box: {"text": ..., "files": [...]}


@dataclass(frozen=True)
class Pending:
    """A submitted question. base: the conversation it follows; draft: restored on failure."""

    base: Chat
    question: str
    files: tuple[Path, ...]
    draft: Typed
    again: bool = False  # a repetition of the last question, whose answer stays until replaced
    problem: str = ""  # why it cannot be answered; "" if it can


class Handlers:
    """Serves all visitors; their state lives in `sessions` under their id."""

    def __init__(
        self,
        assistant: Replier,
        sessions: Sessions,
        uploads: Uploads,
        examples: Sequence[Example],
        at_once: int = 1,
    ) -> None:
        self.assistant, self.sessions = assistant, sessions
        self.uploads, self.examples = uploads, examples
        self.turn = threading.BoundedSemaphore(at_once)  # one model: by default one answer

    # -- start of a question -> composer, chatbot, actions, fresh, saved, pending

    def begin(self, session: str, kept: str, typed: Typed | None) -> tuple:
        """Starts a question from the text box."""
        typed = typed or {"text": "", "files": []}
        question, files = typed["text"].strip(), tuple(Path(file) for file in typed["files"])
        if not question and not files:
            return _nothing_begins()
        return self._begin(session, Pending(self._chat(session, kept), question, files, typed), {})

    def begin_example(
        self, session: str, kept: str, typed: Typed | None, chosen: gr.SelectData
    ) -> tuple:
        """Starts the question of a clicked example."""
        if chosen.index not in range(len(self.examples)):
            return _nothing_begins()
        example, typed = self.examples[chosen.index], typed or {}
        base = self._chat(session, kept)
        return self._begin(session, Pending(base, example.question, (example.path,), typed), typed)

    def begin_again(self, session: str, kept: str, typed: Typed | None) -> tuple:
        """Starts the last question again; its answer stays until a new one replaces it."""
        chat, typed = self._chat(session, kept), typed or {}
        if not chat.turns:
            return _nothing_begins()
        last = chat.turns[-1]
        base, question, files = chat.without_last(), last.question, last.files
        pending = Pending(base, question, files, typed, again=True, problem=_lost(last))
        return self._begin(session, pending, typed)

    def _begin(self, session: str, pending: Pending, left: Typed) -> tuple:
        pending = replace(pending, problem=pending.problem or self._problem(pending))
        view = ChatView(pending.base, pending.question, pending.files, phase="Starting")
        locked = gr.MultimodalTextbox(
            value=left or None, interactive=False, submit_btn=False, stop_btn=True
        )
        saved = keep(session, self._chat(session), pending.draft.get("text") or "")
        shown = messages.of_view(view)
        return locked, shown, gr.Row(visible=False), gr.Button(interactive=False), saved, pending

    # -- answers and everything that unlocks the box -> chatbot, composer, actions, fresh, saved

    def answer(self, session: str, pending: Pending | None, *options: Any) -> Iterator[tuple]:
        """Streams the answer to the pending question and always unlocks the text box."""
        if pending is None:
            chat = self._chat(session)
            yield gr.skip(), *self._unlocked(chat), gr.skip()
            return
        base, question, files = pending.base, pending.question, pending.files
        if pending.problem:
            chat = self._chat(session)
            shown = messages.of_error(chat, pending.problem)
            yield self._ended(session, chat, pending.draft, shown)
            return
        stop, view = self.sessions.start(session), None
        waiting = ChatView(base, question, files, phase="Waiting for another conversation to end")
        settings, notes = _own(_settings(*options), self.assistant.card), list[str]()
        if pending.again and not settings.temperature:
            settings = replace(settings, temperature=VARIED)
            notes.append(VARIED_NOTE)
        views = stream_chat(self.assistant, base, question, files, settings, stop)
        try:
            for view in in_background(one_at_a_time(views, self.turn, waiting, stop), stop):
                if not view.finished:
                    yield messages.of_view(view), *[gr.skip()] * 4
        finally:
            self.sessions.end(session, stop)  # also if the tab was closed meanwhile
        if view is not None and view.finished and not view.error:
            chat = view.chat.with_notes(notes)
            self.sessions.put(session, chat)
            yield self._ended(session, chat)
            return
        chat, draft = self._chat(session), pending.draft
        if view is None or view.stopped or not view.error:
            sentence = STOPPED_AGAIN if pending.again else STOPPED_EARLY
            yield self._ended(session, chat, draft, messages.of_note(chat, sentence))
            return
        sentence = view.error
        if view.unusable is not None and str(view.unusable) in draft.get("files", ()):
            draft = draft | {"files": [f for f in draft["files"] if f != str(view.unusable)]}
            sentence += REMOVED
        yield self._ended(session, chat, draft, messages.of_error(chat, sentence))

    def refused(self, session: str, pending: Pending | None) -> tuple:
        """Unlocks the text box when Gradio refuses to run the answer."""
        chat, draft = self._chat(session), pending.draft if pending else None
        return self._ended(session, chat, draft, messages.of_error(chat, BUSY))

    def edit(self, session: str, kept: str) -> tuple:
        """Moves the last question back into the text box."""
        chat = self._chat(session, kept)
        if not chat.turns:
            return (gr.skip(),) * 5
        last, shorter = chat.turns[-1], chat.without_last()
        self.sessions.put(session, shorter)
        draft = {"text": last.question, "files": [str(path) for path in last.files]}
        return self._ended(session, shorter, draft)

    def clear(self, session: str) -> tuple:
        """Starts a new conversation."""
        self.sessions.put(session, Chat())
        return self._ended(session, Chat(), {"text": "", "files": []})

    def restore(self, kept: str | None) -> tuple:
        """Restores the conversation of a reloaded tab -> session, and the rest as above.

        Every page load gets a new id. The tab stored its previous id and text. A duplicated tab
        continues from the same point, independently.
        """
        before, only_text, draft = recall(kept)
        chat = self.sessions.get(before) or only_text
        session = secrets.token_urlsafe(16)
        self.sessions.put(session, chat)
        return session, *self._ended(session, chat, {"text": draft} if draft else None)

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
    ) -> tuple:
        shown = messages.of_chat(chat) if shown is None else shown
        saved = keep(session, chat, (draft or {}).get("text") or "")
        return shown, *self._unlocked(chat, draft), saved

    def _chat(self, session: str, kept: str | None = None) -> Chat:
        """Returns the conversation, or if it has expired, the text the tab stored."""
        chat = self.sessions.get(session)
        if chat is None:
            chat = recall(kept)[1]
            self.sessions.put(session, chat)
        return chat

    def _unlocked(self, chat: Chat, draft: Typed | None = None) -> tuple:
        """Returns composer, actions, fresh in idle state; a draft keeps its existing files."""
        composer: dict[str, Any] = {"interactive": True, "submit_btn": True, "stop_btn": False}
        if draft:
            files = [file for file in draft.get("files") or [] if self.uploads.holds(Path(file))]
            composer["value"] = {"text": draft.get("text") or "", "files": files}
        visible = gr.Row(visible=bool(chat.turns))
        return gr.MultimodalTextbox(**composer), visible, gr.Button(interactive=True)


def attach(typed: Typed | None, recorded: str | None) -> tuple:
    """Attaches a recording to the draft -> composer, the emptied camera."""
    if not recorded:
        return gr.skip(), gr.skip()
    typed = typed or {}
    files = [*(typed.get("files") or []), recorded]
    return {"text": typed.get("text") or "", "files": files}, None


def _nothing_begins() -> tuple:
    return *[gr.skip()] * 5, None


def _lost(turn: ChatTurn) -> str:
    """Returns why a turn with missing files cannot be asked again, or ""."""
    names = ", ".join(for_label(name) for name in turn.lost)
    return f"Missing: {names}. Add it again and ask." if names else ""


def _settings(frames: Any, looks: Any, tiles: Any, temperature: Any, length: Any) -> Settings:
    """Converts the page's settings; out-of-range numbers are clamped."""
    return Settings(
        num_frames=_choice(frames),
        looks=_choice(looks),
        max_tiles=_choice(tiles),
        temperature=round(_within(temperature, *TEMPERATURES), 2),
        max_new_tokens=int(_within(length, *LENGTHS)),
    )


def own_temperature(card: Mapping[str, Any]) -> float:
    """Returns the model's own temperature, as the slider shows it."""
    return round(_within(card.get("temperature", 0.0), *TEMPERATURES), 1)


def _own(settings: Settings, card: Mapping[str, Any]) -> Settings:
    """Leaves the sampling to the model while the slider stands where it began."""
    at_rest = settings.temperature == own_temperature(card)
    return replace(settings, temperature=None) if at_rest else settings


def _choice(choice: Any) -> int | None:
    return None if choice in (None, AUTO) else int(choice)


def _within(value: Any, low: float, high: float) -> float:
    if not isinstance(value, int | float) or math.isnan(value):
        return low
    return float(min(max(value, low), high))
