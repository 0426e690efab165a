"""Streams the answer to a question that `asking.questions` started, and unlocks the text box.

If Gradio cannot run it (full queue), `refused` unlocks the box. Handlers return values for the
components listed at the head of each section, in that order.
"""

import json
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import gradio as gr

from app.chat import LIKELY, STOPPED_EARLY, VARIED, ChatView, failed, stream_chat
from app.page.asking import messages
from app.page.asking.background import Line, in_background, in_line
from app.page.asking.conversations import Conversations
from app.page.asking.documents import with_pages
from app.page.asking.questions import Pending
from app.page.asking.settings import settings_of
from app.page.kept.live import CAMERA, LiveStreams
from app.replier import Replier
from vlm.assistant import MediaSource
from vlm.plural import plural

REMOVED = " It was removed from your question."
VARIED_NOTE = f"Sampled at temperature {VARIED} to vary the answer."
STOPPED_AGAIN = "Stopped before the first word; the earlier answer stays."
BUSY = "Too many questions are waiting; send yours again in a moment."


@dataclass(frozen=True)
class Run:
    """What an answer runs with: the tab's live picture (its name, or ""), settings, and its stop.

    notes: what stands below the answer; grows while it runs.
    """

    watched: str
    options: Sequence[Any]
    stop: threading.Event
    notes: list[str] = field(default_factory=list)


class Answers:
    """Answers all visitors, `at_once` at a time."""

    def __init__(
        self, assistant: Replier, chats: Conversations, live: LiveStreams, at_once: int = 1
    ) -> None:
        self.assistant, self.chats, self.live = assistant, chats, live
        self.line = Line(at_once)

    # -- answers and everything that unlocks the box -> chatbot, composer, editing, saved

    def answer(
        self, session: str, pending: Pending | None, watched: str, *options: Any
    ) -> Iterator[tuple]:
        """Streams the answer to the pending question and always unlocks the text box.

        `watched` is the name of the live picture that this tab shows, or "".
        """
        if pending is None:
            yield gr.skip(), self.chats.unlocked(), gr.skip(), gr.skip()
            return
        if pending.problem:
            chat = self.chats.get(session)
            shown = messages.of_error(chat, pending.problem)
            yield self.chats.ended(session, chat, pending.draft, shown, pending.editing)
            return
        run, view = Run(watched, options, self.chats.sessions.start(session)), None
        try:
            for view in in_background(self._views(pending, run), run.stop):
                if not view.finished:
                    yield messages.of_view(view), *[gr.skip()] * 3
        finally:
            self.chats.sessions.end(session, run.stop)  # also if the tab was closed meanwhile
        if view is not None and view.finished and not view.error:
            chat = pending.chat.answered(pending.wanted.at, view.chat.with_notes(run.notes))
            self.chats.sessions.put(session, chat)
            yield self.chats.ended(session, chat, pending.left)
            return
        yield self._without_answer(session, pending, view)

    def _views(self, pending: Pending, run: Run) -> Iterator[ChatView]:
        """Yields the views of the answer, and adds notes for below it."""
        try:
            pending = yield from self._with_pages(pending, run.stop)
        except Exception as error:  # noqa: BLE001  shown, as `stream_chat` does
            if not run.stop.is_set():
                yield failed(pending.view(""), error)
            return
        views = self._answering(pending, run)
        yield from in_line(views, self.line, partial(_waiting, pending), run.stop)

    def _with_pages(
        self, pending: Pending, stop: threading.Event
    ) -> Generator[ChatView, None, Pending]:
        """Yields the progress; returns the question with pages in place of its documents."""
        wanted = pending.wanted
        pages = with_pages(wanted.files, self.chats.uploads, stop)
        while True:
            try:
                phase, share = next(pages)
            except StopIteration as ended:
                files, notes = ended.value
                wanted = replace(wanted, files=files, notes=(*notes, *wanted.notes))
                return replace(pending, wanted=wanted)
            yield replace(pending.view(phase), share=share)

    def _answering(self, pending: Pending, run: Run) -> Iterator[ChatView]:
        settings, instructions = settings_of(run.options, self.assistant.card)
        wanted, live, notes = pending.wanted, None, run.notes
        notes += wanted.notes
        if pending.varied and not settings.temperature:
            settings = replace(settings, temperature=VARIED, top_p=LIKELY)
            notes.append(VARIED_NOTE)
        if (stream := self.live.stream(run.watched)) is not None:
            live = MediaSource(CAMERA, stream=stream)
            kept = plural(len(stream.frames), "frame")
            notes.append(f"Live: {stream.num_seen:,} seen so far; the last {kept} are kept.")
        yield from stream_chat(
            self.assistant,
            pending.chat,
            wanted,
            settings,
            run.stop,
            instructions=instructions,
            live=live,
        )

    def _without_answer(self, session: str, pending: Pending, view: ChatView | None) -> tuple:
        """Returns what the page shows after an answer that was stopped or went wrong."""
        chat, draft, editing = self.chats.get(session), pending.draft, pending.editing
        if view is None or view.stopped or not view.error:
            sentence = STOPPED_AGAIN if pending.varied or pending.wanted.again else STOPPED_EARLY
            return self.chats.ended(session, chat, draft, messages.of_note(chat, sentence), editing)
        sentence = view.error
        if view.unusable is not None and str(view.unusable) in draft.get("files", ()):
            draft = draft | {"files": [f for f in draft["files"] if f != str(view.unusable)]}
            sentence += REMOVED
        return self.chats.ended(session, chat, draft, messages.of_error(chat, sentence), editing)

    def refused(self, session: str, pending: Pending | None) -> tuple:
        """Unlocks the text box when Gradio refuses to run the answer."""
        chat, draft = self.chats.get(session), pending.draft if pending else None
        return self.chats.ended(session, chat, draft, messages.of_error(chat, BUSY))

    def stop(self, session: str) -> None:
        """Stops the current answer."""
        self.chats.sessions.stop(session)

    # -- live pictures -> the name of this tab's, the same for the page's scripts

    def begin_live(self) -> tuple:
        """Begins to follow a live picture; the scripts get its name, or the error."""
        try:
            name = self.live.begin()
        except ValueError as error:
            return "", json.dumps({"error": str(error)})
        return name, json.dumps({"name": name})


def _waiting(pending: Pending, ahead: int, seconds: float | None) -> ChatView:
    """Returns what to show while others are answered first."""
    estimate = "" if seconds is None else f", about {max(round(seconds), 1)} s"
    phase = f"Waiting for {plural(ahead, 'answer')} ahead of yours{estimate}"
    return pending.view(phase)
