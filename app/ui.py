"""The page: ask about your own video or picture, watch the answer come, see what the model saw.

Gradio's own ChatInterface stays locked after an error, so the page is made of a Chatbot, a text box and our own events.
Every question runs in two steps. `begin` locks the text box and remembers what was typed; `answer` streams, and its last
act unlocks the box again, with what was typed still in it if anything went wrong. If Gradio itself fails between
(its queue is full), `failure` unlocks instead.
"""

import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import messages
from app.background import in_background, one_at_a_time
from app.chat import STOPPED_EARLY, Chat, Moment, Turn, converse
from app.sessions import Sessions
from vlm.assistant import Assistant, Settings

ASSETS = Path(__file__).parent / "assets"
EXAMPLES = ASSETS / "examples"

# file, what the card says, question
EXAMPLE_QUESTIONS = (
    ("cat.jpg", "A photograph", "What is in this picture?"),
    ("big-buck-bunny.mp4", "A film clip", "What happens in this clip?"),
    ("moving-ball.mp4", "A drawn scene", "Which way does the ball move?"),
    ("receipt.png", "A receipt", "What is the total?"),
)
FILE_TYPES = [
    "image",
    "video",
    ".mkv",
    ".avi",
    ".ts",
    ".mts",
    ".m2ts",
    ".flv",
    ".wmv",
    ".heic",
    ".avif",
]
AUTO = "auto"
HOUR = 3600


@dataclass(frozen=True)
class Pending:
    """A question on its way. base is the conversation it follows; draft is what the text box holds if it fails."""

    base: Chat
    question: str
    files: tuple[Path, ...]
    draft: dict[str, Any]


class Page:
    """The page's handlers. One object serves all visitors: what is theirs lives in `sessions`, under their id."""

    def __init__(self, assistant: Assistant, sessions: Sessions) -> None:
        self.assistant, self.sessions = assistant, sessions
        self.turn = threading.Lock()  # one model, one answer at a time

    # -- a question begins: -> composer, chatbot, actions, fresh, pending

    def begin(self, typed: dict[str, Any] | None, session: str) -> tuple:
        """A question was sent from the text box."""
        typed = typed or {"text": "", "files": []}
        files = tuple(Path(file) for file in typed["files"])
        if not typed["text"].strip() and not files:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), None
        return self._begin(Pending(self._chat(session), typed["text"].strip(), files, typed), True)

    def begin_example(
        self, session: str, typed: dict[str, Any] | None, chosen: gr.SelectData
    ) -> tuple:
        """An example was clicked: it is asked at once."""
        file, _, question = EXAMPLE_QUESTIONS[chosen.index]
        return self._begin(
            Pending(self._chat(session), question, (EXAMPLES / file,), typed or {}), False
        )

    def begin_again(self, session: str, typed: dict[str, Any] | None) -> tuple:
        """The last question is asked once more; its old answer stays until there is a new one."""
        chat = self._chat(session)
        if not chat.turns:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), None
        last = chat.turns[-1]
        return self._begin(
            Pending(chat.without_last(), last.question, last.files, typed or {}), False
        )

    def _begin(self, pending: Pending, clear: bool) -> tuple:
        moment = Moment(pending.base, pending.question, pending.files, phase="Starting")
        locked = gr.MultimodalTextbox(interactive=False, submit_btn=False, stop_btn=True)
        if clear:
            locked = gr.MultimodalTextbox(
                value=None, interactive=False, submit_btn=False, stop_btn=True
            )
        return (
            locked,
            messages.of_moment(moment),
            gr.Row(visible=False),
            gr.Button(interactive=False),
            pending,
        )

    # -- the answer: -> chatbot, composer, actions, fresh, saved

    def answer(
        self,
        session: str,
        pending: Pending | None,
        frames: Any,
        looks: Any,
        tiles: Any,
        temperature: float,
        length: int,
    ) -> Iterator[tuple]:
        """Streams the answer to the pending question and unlocks the text box at its end, however it ends."""
        if pending is None:
            yield gr.skip(), *self._unlocked(self._chat(session)), gr.skip()
            return
        settings = Settings(
            num_frames=_number(frames),
            looks=_number(looks),
            max_tiles=_number(tiles),
            temperature=float(temperature),
            max_new_tokens=int(length),
        )
        stop = self.sessions.start(session)
        base = pending.base
        moments = converse(self.assistant, base, pending.question, pending.files, settings, stop)
        waiting = Moment(
            base,
            pending.question,
            pending.files,
            phase="Waiting for another conversation to finish",
        )
        moment = waiting
        for moment in in_background(one_at_a_time(moments, self.turn, waiting, stop), stop):
            if not moment.finished:
                yield messages.of_moment(moment), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        if moment.finished and not moment.error:
            self.sessions.put(session, moment.chat)
            yield (
                messages.of_chat(moment.chat),
                *self._unlocked(moment.chat),
                _saved(session, moment.chat),
            )
        else:
            chat = self._chat(session)
            yield (
                messages.of_error(chat, moment.error or STOPPED_EARLY),
                *self._unlocked(chat, pending.draft),
                _saved(session, chat),
            )

    def failed(self, session: str, pending: Pending | None) -> tuple:
        """Gradio could not run the answer at all."""
        chat = self._chat(session)
        sentence = "Too many questions are waiting just now; please send yours again in a moment."
        draft = pending.draft if pending else None
        return messages.of_error(chat, sentence), *self._unlocked(chat, draft), gr.skip()

    # -- the rest

    def edit(self, session: str) -> tuple:
        """Takes the last question back into the text box: -> chatbot, composer, actions, fresh, saved."""
        chat = self._chat(session)
        if not chat.turns:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        last, shorter = chat.turns[-1], chat.without_last()
        self.sessions.put(session, shorter)
        draft = {"text": last.question, "files": [str(path) for path in last.files]}
        return messages.of_chat(shorter), *self._unlocked(shorter, draft), _saved(session, shorter)

    def clear(self, session: str) -> tuple:
        """Begins a new conversation: -> chatbot, composer, actions, fresh, saved."""
        self.sessions.put(session, Chat())
        return [], *self._unlocked(Chat()), _saved(session, Chat())

    def stop(self, session: str) -> None:
        """Stops the answer that is being written."""
        self.sessions.stop(session)

    def restore(self, kept: str | None) -> tuple:
        """When a page opens: -> session, chatbot, composer, actions, fresh, saved.

        Every page load gets an id of its own. The browser tab kept the id before and the text; a
        second tab that was opened as a copy of the first goes on from where that one stood, but
        apart from it.
        """
        before, only_text = _read_saved(kept)
        chat = self.sessions.get(before) or only_text
        session = secrets.token_urlsafe(16)
        self.sessions.put(session, chat)
        opened = messages.of_chat(chat), *self._unlocked(chat), _saved(session, chat)
        return session, *opened

    def _chat(self, session: str) -> Chat:
        return self.sessions.get(session) or Chat()

    def _unlocked(self, chat: Chat, draft: dict[str, Any] | None = None) -> tuple:
        """composer, actions, fresh as they are while nothing runs; a draft comes back without the files that are gone."""
        composer = {"interactive": True, "submit_btn": True, "stop_btn": False}
        if draft:
            here = [file for file in draft.get("files") or [] if Path(file).is_file()]
            composer["value"] = {"text": draft.get("text") or "", "files": here}
        return (
            gr.MultimodalTextbox(**composer),
            gr.Row(visible=bool(chat.turns)),
            gr.Button(interactive=True),
        )


def build_page(assistant: Assistant, sessions: Sessions | None = None) -> gr.Blocks:
    """The page that talks to this assistant. `app.serve` adds looks, headers and the pictures of the strips."""
    page = Page(assistant, sessions or Sessions())
    card = assistant.card
    with gr.Blocks(
        title="Revisit", analytics_enabled=False, fill_height=True, delete_cache=(HOUR, 24 * HOUR)
    ) as blocks:
        session = gr.State("")  # this page load's id, given by `restore`
        pending = gr.State(None)
        saved = gr.Textbox(visible=False, elem_id="saved")

        with gr.Row(elem_id="top"):
            gr.HTML("<h1>Revisit</h1><p>Ask about a video or a picture</p>", padding=False)
            theme = gr.Button("Dark", size="sm", elem_id="theme", min_width=0)
            fresh = gr.Button("New chat", size="sm", elem_id="fresh", min_width=0)
        chatbot = gr.Chatbot(
            elem_id="chat",
            label="Conversation",
            show_label=False,
            container=False,
            scale=1,
            height=None,
            buttons=[],
            allow_file_downloads=False,
            latex_delimiters=[],
            feedback_options=None,
            layout="bubble",
            allow_tags=False,
            placeholder=_welcome(card),
            examples=[
                {
                    "text": question,
                    "display_text": f"{title}\n{question}",
                    "files": [],
                    "icon": str(EXAMPLES / _icon(file)),
                }
                for file, title, question in EXAMPLE_QUESTIONS
            ],
        )
        with gr.Row(elem_id="actions", visible=False) as actions:
            again = gr.Button("Try again", size="sm", min_width=0)
            edit = gr.Button("Edit question", size="sm", min_width=0)
            gr.Button("Save as text", size="sm", min_width=0, elem_id="save").click(
                None, [saved], None, js="(kept) => revisit.save(kept)"
            )
        composer = gr.MultimodalTextbox(
            elem_id="composer",
            label="Your question",
            show_label=False,
            container=False,
            placeholder="Ask, or drop a video or picture here",
            file_types=FILE_TYPES,
            file_count="multiple",
            max_plain_text_length=100_000,
            interactive=False,  # until `restore` has run
        )
        with gr.Row(elem_id="tools"):
            with gr.Accordion("Camera", open=False, elem_id="camera"):
                with gr.Tabs():
                    with gr.Tab("Photo"):
                        photo = _camera(gr.Image, type="filepath", label="Photo")
                    with gr.Tab("Video"):
                        film = _camera(gr.Video, label="Video", include_audio=False)
            with gr.Accordion("Settings", open=False, elem_id="settings"):
                with gr.Row():
                    frames = gr.Dropdown(
                        [AUTO, "4", "8", "16", "32", "64"], value=AUTO, label="Frames of a video"
                    )
                    looks = gr.Dropdown(
                        [AUTO, "1", "2", "4", "8"], value=AUTO, label="Looks at a picture"
                    )
                    tiles = gr.Dropdown(
                        [AUTO, "1", "2", "4", "6", "12"],
                        value=AUTO,
                        label="Parts of a large picture",
                    )
                with gr.Row():
                    temperature = gr.Slider(
                        0,
                        1.5,
                        value=0,
                        step=0.1,
                        label="Temperature (0: always the likeliest word)",
                    )
                    length = gr.Slider(
                        16, 1024, value=256, step=16, label="Longest answer, in tokens"
                    )
        gr.HTML(_about(card), elem_id="about", padding=False)

        started = [composer, chatbot, actions, fresh, pending]
        ended = [chatbot, composer, actions, fresh, saved]
        options = [frames, looks, tiles, temperature, length]
        private = {"api_visibility": "private", "show_progress": "hidden"}
        begins = (
            composer.submit(page.begin, [composer, session], started, queue=False, **private),
            chatbot.example_select(
                page.begin_example, [session, composer], started, queue=False, **private
            ),
            again.click(page.begin_again, [session, composer], started, queue=False, **private),
        )
        for begun in begins:
            answered = begun.success(
                page.answer,
                [session, pending, *options],
                ended,
                concurrency_limit=8,
                concurrency_id="answer",
                **private,
            )
            answered.failure(page.failed, [session, pending], ended, queue=False, **private)
            answered.then(None, js="() => revisit.focus()")
        composer.stop(page.stop, [session], None, queue=False, **private)
        edit.click(page.edit, [session], ended, queue=False, **private).then(
            None, js="() => revisit.focus()"
        )
        fresh.click(page.clear, [session], ended, queue=False, **private).then(
            None, js="() => revisit.focus()"
        )
        theme.click(None, js="() => revisit.theme()")
        for camera, event in ((photo, photo.change), (film, film.change)):
            event(_attach, [composer, camera], [composer], queue=False, **private)
        saved.change(None, [saved], None, js="(kept) => revisit.keep(kept)")
        blocks.load(
            page.restore,
            [saved],
            [session, *ended],
            js="() => revisit.kept()",
            queue=False,
            **private,
        ).then(None, js="() => revisit.focus()")
    blocks.queue(max_size=32)
    return blocks


def _camera(kind: type, **options: Any) -> Any:
    mirror_off = gr.WebcamOptions(
        mirror=False
    )  # a mirrored film would have to be written anew by an ffmpeg program
    return kind(sources=["webcam"], webcam_options=mirror_off, buttons=[], **options)


def _attach(typed: dict[str, Any] | None, recorded: str | None) -> Any:
    """Puts what the camera took beside what is typed."""
    if not recorded:
        return gr.skip()
    typed = typed or {}
    return {"text": typed.get("text") or "", "files": [*(typed.get("files") or []), recorded]}


def _number(choice: Any) -> int | None:
    return None if choice in (None, AUTO) else int(choice)


def _icon(file: str) -> str:
    return file if Path(file).suffix in messages.SHOWN - {".mp4"} else f"{Path(file).stem}.jpg"


def _welcome(card: dict[str, Any]) -> str:
    return "\n\n".join(
        (
            "## What would you like to know?",
            "Add a video or a picture and ask about it, or try one of these.",
            f"{card['name']} knows {card['knows']}",
        )
    )


def _about(card: dict[str, Any]) -> str:
    return (
        f"<p>{card['name']}, {card['parameters']} parameters, runs on this machine; nothing leaves it. "
        f"It can be wrong. {card['limits']}</p>"
    )


# -- what a browser tab keeps over a reload: the id and the text, as JSON


def _saved(session: str, chat: Chat) -> str:
    turns = [
        {
            "question": turn.question,
            "files": [path.name for path in turn.files],
            "answer": turn.answer,
        }
        for turn in chat.turns
    ]
    return json.dumps({"session": session, "turns": turns})


def _read_saved(kept: Any) -> tuple[str, Chat]:
    """What a tab kept, as far as it has the right form: it comes from outside. Files are only names in it."""
    try:
        found = json.loads(kept or "{}")
        turns = tuple(
            Turn(
                str(t["question"]),
                tuple(Path(Path(str(f)).name) for f in t["files"]),
                str(t["answer"]),
            )
            for t in found.get("turns", [])[-50:]
        )
        return str(found.get("session", "")), Chat(turns, num_forgotten=len(turns))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "", Chat()
