"""What the page does when something is clicked or sent.

Every question runs in two steps. `begin` locks the text box and remembers what was typed; `answer`
streams, and its last act unlocks the box again, with what was typed still in it if anything went
wrong. If Gradio cannot even run the second step (its queue is full), `refused` unlocks instead.

Handlers return values for the components named at the head of each part, in that order.
"""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import messages
from app.background import in_background, one_at_a_time
from app.chat import STOPPED_EARLY, Chat, Moment, converse
from app.examples import EXAMPLES
from app.kept import keep, recall
from app.sessions import Sessions
from vlm.assistant import Assistant, Settings

AUTO = "auto"
BUSY = "Too many questions are waiting just now; please send yours again in a moment."

Typed = dict[str, Any]  # what the text box holds: {"text": ..., "files": [...]}


@dataclass(frozen=True)
class Pending:
    """A question on its way. base: the conversation it follows; draft: what returns if it fails."""

    base: Chat
    question: str
    files: tuple[Path, ...]
    draft: Typed


class Handlers:
    """One object serves all visitors: what is theirs lives in `sessions`, under their id."""

    def __init__(self, assistant: Assistant, sessions: Sessions) -> None:
        self.assistant, self.sessions = assistant, sessions
        self.turn = threading.Lock()  # one model, one answer at a time

    # -- a question begins -> composer, chatbot, actions, fresh, saved, pending

    def begin(self, session: str, kept: str, typed: Typed | None) -> tuple:
        """A question was sent from the text box."""
        typed = typed or {"text": "", "files": []}
        question, files = typed["text"].strip(), tuple(Path(file) for file in typed["files"])
        if not question and not files:
            return _nothing_begins()
        return self._begin(session, Pending(self._chat(session, kept), question, files, typed), {})

    def begin_example(
        self, session: str, kept: str, typed: Typed | None, chosen: gr.SelectData
    ) -> tuple:
        """An example was clicked: it is asked at once."""
        example, typed = EXAMPLES[chosen.index], typed or {}
        base = self._chat(session, kept)
        return self._begin(session, Pending(base, example.question, (example.path,), typed), typed)

    def begin_again(self, session: str, kept: str, typed: Typed | None) -> tuple:
        """The last question is asked once more; its old answer stays until there is a new one."""
        chat, typed = self._chat(session, kept), typed or {}
        if not chat.turns:
            return _nothing_begins()
        last = chat.turns[-1]
        pending = Pending(chat.without_last(), last.question, last.files, typed)
        return self._begin(session, pending, typed)

    def _begin(self, session: str, pending: Pending, left: Typed) -> tuple:
        moment = Moment(pending.base, pending.question, pending.files, phase="Starting")
        locked = gr.MultimodalTextbox(
            value=left or None, interactive=False, submit_btn=False, stop_btn=True
        )
        saved = keep(session, self._chat(session), pending.draft.get("text") or "")
        shown = messages.of_moment(moment)
        return locked, shown, gr.Row(visible=False), gr.Button(interactive=False), saved, pending

    # -- the answer and all that ends -> chatbot, composer, actions, fresh, saved

    def answer(self, session: str, pending: Pending | None, *options: Any) -> Iterator[tuple]:
        """Streams the answer to the pending question; unlocks the text box however it ends."""
        if pending is None:
            chat = self._chat(session)
            yield gr.skip(), *_unlocked(chat), gr.skip()
            return
        base, question, files = pending.base, pending.question, pending.files
        stop, moment = self.sessions.start(session), None
        waiting = Moment(base, question, files, phase="Waiting for another conversation to end")
        moments = converse(self.assistant, base, question, files, _settings(*options), stop)
        try:
            for moment in in_background(one_at_a_time(moments, self.turn, waiting, stop), stop):
                if not moment.finished:
                    yield messages.of_moment(moment), *[gr.skip()] * 4
        finally:
            self.sessions.stop(session)  # also when the tab was closed meanwhile
        if moment is not None and moment.finished and not moment.error:
            self.sessions.put(session, moment.chat)
            yield self._ended(session, moment.chat)
        else:
            chat = self._chat(session)
            error = moment.error if moment is not None and moment.error else STOPPED_EARLY
            yield self._ended(session, chat, pending.draft, messages.of_error(chat, error))

    def refused(self, session: str, pending: Pending | None) -> tuple:
        """Gradio would not run the answer."""
        chat, draft = self._chat(session), pending.draft if pending else None
        return self._ended(session, chat, draft, messages.of_error(chat, BUSY))

    def edit(self, session: str, kept: str) -> tuple:
        """Takes the last question back into the text box."""
        chat = self._chat(session, kept)
        if not chat.turns:
            return (gr.skip(),) * 5
        last, shorter = chat.turns[-1], chat.without_last()
        self.sessions.put(session, shorter)
        draft = {"text": last.question, "files": [str(path) for path in last.files]}
        return self._ended(session, shorter, draft)

    def clear(self, session: str) -> tuple:
        """Begins a new conversation."""
        self.sessions.put(session, Chat())
        return self._ended(session, Chat())

    def restore(self, kept: str | None) -> tuple:
        """When a page opens; -> session, and the rest as above.

        Every page load gets an id of its own. The browser tab kept the id before and the text; a
        second tab that was opened as a copy of the first goes on from where that one stood, but
        apart from it.
        """
        before, only_text, draft = recall(kept)
        chat = self.sessions.get(before) or only_text
        session = secrets.token_urlsafe(16)
        self.sessions.put(session, chat)
        return session, *self._ended(session, chat, {"text": draft} if draft else None)

    def stop(self, session: str) -> None:
        """Stops the answer that is being written."""
        self.sessions.stop(session)

    def _ended(
        self,
        session: str,
        chat: Chat,
        draft: Typed | None = None,
        shown: list[messages.Message] | None = None,
    ) -> tuple:
        shown = messages.of_chat(chat) if shown is None else shown
        saved = keep(session, chat, (draft or {}).get("text") or "")
        return shown, *_unlocked(chat, draft), saved

    def _chat(self, session: str, kept: str | None = None) -> Chat:
        """The conversation; where it was let go, what the tab still has of its text."""
        chat = self.sessions.get(session)
        if chat is None:
            chat = recall(kept)[1]
            self.sessions.put(session, chat)
        return chat


def attach(typed: Typed | None, recorded: str | None) -> tuple:
    """Puts what the camera took beside what is typed -> composer, the camera, free again."""
    if not recorded:
        return gr.skip(), gr.skip()
    typed = typed or {}
    files = [*(typed.get("files") or []), recorded]
    return {"text": typed.get("text") or "", "files": files}, None


def _nothing_begins() -> tuple:
    return *[gr.skip()] * 5, None


def _unlocked(chat: Chat, draft: Typed | None = None) -> tuple:
    """composer, actions, fresh while nothing runs; of a draft, the files that are still there."""
    composer: dict[str, Any] = {"interactive": True, "submit_btn": True, "stop_btn": False}
    if draft:
        here = [file for file in draft.get("files") or [] if Path(file).is_file()]
        composer["value"] = {"text": draft.get("text") or "", "files": here}
    visible = gr.Row(visible=bool(chat.turns))
    return gr.MultimodalTextbox(**composer), visible, gr.Button(interactive=True)


def _settings(frames: Any, looks: Any, tiles: Any, temperature: float, length: int) -> Settings:
    return Settings(
        num_frames=_number(frames),
        looks=_number(looks),
        max_tiles=_number(tiles),
        temperature=float(temperature),
        max_new_tokens=int(length),
    )


def _number(choice: Any) -> int | None:
    return None if choice in (None, AUTO) else int(choice)
