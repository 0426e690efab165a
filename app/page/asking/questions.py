"""Starts questions: from the text box, an example, a suggestion, or again.

A question runs in two steps. A handler here locks the text box and keeps the draft;
`app.page.asking.answers` streams the answer, then unlocks the box.

Handlers return values for composer, chatbot, saved, pending, in that order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from app.chat import ChatView
from app.looks import Wanted, look_again, repeated, understood
from app.page.asking import messages
from app.page.asking.conversations import (
    MAX_QUESTION,
    Asked,
    Conversations,
    Editing,
    Typed,
    turn_of,
)
from app.page.asking.documents import MAX_PICTURES
from app.page.asking.examples import Example
from app.sanitize import for_label, whole_characters
from app.turns import Chat, ChatTurn, file_name

MAX_FILES = MAX_PICTURES


@dataclass(frozen=True)
class Pending:
    """A submitted question.

    chat: the conversation; draft: restored on failure; left: typed text that stays in the box.
    """

    chat: Chat
    wanted: Wanted
    draft: Typed
    left: Typed | None = None
    varied: bool = False  # a repetition, whose words should differ
    problem: str = ""  # why it cannot be answered; "" if it can
    editing: Editing | None = None  # goes on after a failure

    def view(self, phase: str) -> ChatView:
        """Returns what to show before the answer begins."""
        before = self.chat.until(self.wanted.at)
        return ChatView(before, self.wanted.question, self.wanted.files, phase=phase)


class Questions:
    """Starts the questions of all visitors."""

    def __init__(self, chats: Conversations, examples: Sequence[Example]) -> None:
        self.chats, self.examples = chats, examples

    def begin(
        self, session: str, kept: str, typed: Typed | None, editing: Editing | None = None
    ) -> tuple:
        """Starts a question from the text box."""
        typed = typed or {"text": "", "files": []}
        question, files = typed["text"].strip(), tuple(Path(file) for file in typed["files"])
        if not question and not files:
            return nothing_begins()
        chat = self.chats.get(session, kept)
        at, left = len(chat.turns), None
        if editing is not None and editing.at < at:
            at, left = editing.at, editing.left
        else:
            editing = None
        pending = Pending(chat, Wanted(at, question, files), typed, left, editing=editing)
        if problem := self._problem(pending):
            return self._begin(session, replace(pending, problem=problem))
        try:
            wanted = understood(chat, question, files)
        except ValueError as error:
            return self._begin(session, replace(pending, problem=str(error)))
        if editing is not None:
            wanted = Wanted(at, question, files)
        return self._begin(session, replace(pending, wanted=wanted))

    def begin_example(
        self, session: str, kept: str, typed: Typed | None, chosen: gr.SelectData
    ) -> tuple:
        """Starts the question of a clicked example."""
        if chosen.index not in range(len(self.examples)):
            return nothing_begins()
        example, typed = self.examples[chosen.index], typed or {}
        chat = self.chats.get(session, kept)
        wanted = Wanted(len(chat.turns), example.question, (example.path,))
        return self._begin(session, Pending(chat, wanted, typed, typed))

    def begin_suggested(
        self, session: str, kept: str, typed: Typed | None, asked: Asked | None
    ) -> tuple:
        """Starts a question that the page suggested."""
        chat, typed = self.chats.get(session, kept), typed or {}
        question = (asked or {}).get("text")
        if not isinstance(question, str) or not question.strip():
            return nothing_begins()
        wanted = Wanted(len(chat.turns), whole_characters(question).strip())
        return self._begin(session, Pending(chat, wanted, typed, typed))

    def begin_again(
        self, session: str, kept: str, typed: Typed | None, asked: Asked | None
    ) -> tuple:
        """Starts a question again; the answers it has stay as other versions."""
        chat, typed = self.chats.get(session, kept), typed or {}
        at = turn_of(asked, chat)
        if at is None:
            return nothing_begins()
        problem = _lost(chat.turns[at])
        pending = Pending(chat, repeated(chat, at), typed, typed, varied=True, problem=problem)
        return self._begin(session, pending)

    def begin_look(
        self, session: str, kept: str, typed: Typed | None, asked: Asked | None
    ) -> tuple:
        """Starts a question again with one more look at its pictures."""
        chat, typed = self.chats.get(session, kept), typed or {}
        at = turn_of(asked, chat)
        if at is None:
            return nothing_begins()
        wanted, problem = Wanted(at, chat.turns[at].question), ""
        try:
            wanted = look_again(chat, at)
        except ValueError as error:
            problem = _lost(chat.turns[at]) or str(error)
        return self._begin(session, Pending(chat, wanted, typed, typed, problem=problem))

    def _begin(self, session: str, pending: Pending) -> tuple:
        pending = replace(pending, problem=pending.problem or self._problem(pending))
        locked = gr.MultimodalTextbox(
            value=pending.left or None, interactive=False, submit_btn=False, stop_btn=True
        )
        saved = self.chats.saved(session, pending.chat, pending.draft, running=True)
        return locked, messages.of_view(pending.view("Starting")), saved, pending

    def _problem(self, pending: Pending) -> str:
        """Returns why this question cannot be asked, or "" if it can."""
        length, files = len(pending.wanted.question), pending.wanted.files
        if length > MAX_QUESTION:
            return (
                f"Your question has {length:,} characters; "
                f"at most {MAX_QUESTION:,} can be asked at once."
            )
        if len(files) > MAX_FILES:
            return f"You added {len(files)} files; at most {MAX_FILES} can go with one question."
        gone = [for_label(path.name) for path in files if not self.chats.uploads.holds(path)]
        return f"Missing: {', '.join(gone)}. Add it again." if gone else ""


def nothing_begins() -> tuple:
    return *[gr.skip()] * 3, None


def _lost(turn: ChatTurn) -> str:
    """Returns why a turn with missing files cannot be asked again, or ""."""
    names = ", ".join(for_label(file_name(key)) for key in turn.lost)
    return f"Missing: {names}. Add it again and ask." if names else ""
