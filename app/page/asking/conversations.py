"""The conversations of all visitors, as the page shows them: opened, edited, another version shown.

Handlers return values for the components listed at the head of each section, in that order.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app.page.asking import messages
from app.page.kept import stored
from app.page.kept.sessions import Sessions
from app.page.kept.uploads import Uploads
from app.sanitize import whole_characters
from app.turns import Chat, file_key

MAX_QUESTION = 100_000  # characters

Typed = dict[str, Any]  # the text box: {"text": ..., "files": [...]}
Asked = dict[str, Any]  # what the page's scripts ask for, such as {"turn": 0}


@dataclass(frozen=True)
class Editing:
    """A question that is being edited. left: what was typed before."""

    at: int
    left: Typed


class Conversations:
    """Serves all visitors; their state lives in `sessions` under their id."""

    def __init__(self, sessions: Sessions, uploads: Uploads) -> None:
        self.sessions, self.uploads = sessions, uploads

    # -- what the page shows of a conversation -> chatbot, composer, editing, saved

    def show(self, session: str, kept: str, typed: Typed | None, asked: Asked | None) -> tuple:
        """Shows another version of a turn."""
        chat = self.get(session, kept)
        at, place = turn_of(asked, chat), (asked or {}).get("place")
        if at is None or type(place) is not int or not 0 <= place < chat.turns[at].num_versions:
            return (gr.skip(),) * 4
        chat = chat.showing(at, place).with_files(self.uploads.holds)
        self.sessions.put(session, chat)
        return self.ended(session, chat, typed)

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
        saved = self.saved(session, chat, draft, conversation=name)
        return session, shown, self.unlocked(draft), None, saved

    # -- editing -> composer, editing

    def edit(self, session: str, kept: str, typed: Typed | None, asked: Asked | None) -> tuple:
        """Moves a question into the text box; it stays where it is until it is asked."""
        chat = self.get(session, kept)
        at = turn_of(asked, chat)
        if at is None:
            return gr.skip(), gr.skip()
        turn = chat.turns[at]
        draft = {"text": turn.question, "files": [str(path) for path in turn.files]}
        return self.unlocked(draft), Editing(at, typed or {})

    def cancel_edit(self, editing: Editing | None) -> tuple:
        """Puts back what was typed before the edit."""
        return self.unlocked(or_empty(editing.left if editing else None)), None

    # -- for the other handlers

    def get(self, session: str, kept: str | None = None) -> Chat:
        """Returns the conversation, or if it has expired, the text that the page still has."""
        chat = self.sessions.get(session)
        if chat is None:
            chat = stored.from_text(kept)
            self.sessions.put(session, chat)
        return chat.with_files(self.uploads.holds)

    def ended(
        self,
        session: str,
        chat: Chat,
        draft: Typed | None = None,
        shown: list[messages.Message] | None = None,
        editing: Editing | None = None,
    ) -> tuple:
        """Returns what the page shows after an event that is over."""
        shown = messages.of_ended(chat) if shown is None else shown
        saved = self.saved(session, chat, draft, editing=editing and editing.at)
        return shown, self.unlocked(draft), editing, saved

    def saved(self, session: str, chat: Chat, draft: Typed | None, **more: Any) -> str:
        """Returns the conversation for the page's scripts to store."""
        draft = or_empty(draft)
        files = [Path(file) for file in draft["files"] if self.uploads.holds(Path(file))]
        plain = {
            "text": draft["text"],
            "files": [{"key": file_key(p), "name": p.name, "path": str(p)} for p in files],
        }
        return stored.as_text(session, chat, draft=plain, **more)

    def unlocked(self, draft: Typed | None = None) -> gr.MultimodalTextbox:
        """Returns the composer in idle state; a draft keeps its existing files."""
        composer: dict[str, Any] = {"interactive": True, "submit_btn": True, "stop_btn": False}
        if draft is not None:
            draft = or_empty(draft)
            files = [file for file in draft["files"] if self.uploads.holds(Path(file))]
            composer["value"] = {"text": draft["text"], "files": files}
        return gr.MultimodalTextbox(**composer)


def turn_of(asked: Asked | None, chat: Chat) -> int | None:
    """Returns the index of the turn that was asked for; None if missing."""
    at = asked.get("turn") if isinstance(asked, dict) else None
    return at if type(at) is int and 0 <= at < len(chat.turns) else None


def or_empty(draft: Typed | None) -> Typed:
    """Returns a draft with text and files."""
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
