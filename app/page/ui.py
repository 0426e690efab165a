"""Lays out the page: a chat about your video or image, with the frames the model saw.

Gradio's ChatInterface stays locked after an error, so the page combines a Chatbot, a text box and
its own events.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from app.page.asking.answers import Answers
from app.page.asking.conversations import Conversations, attach
from app.page.asking.examples import Example, shared_examples
from app.page.asking.questions import Questions
from app.page.asking.settings import NAMES, defaults, own_temperature, settings_panel, unlocked
from app.page.kept.live import LiveStreams
from app.page.kept.sessions import Sessions
from app.page.kept.uploads import Uploads
from app.page.model_switch import model_switch
from app.replier import Replier
from app.sanitize import for_page

OTHER_TYPES = [
    *(".mkv", ".avi", ".ts", ".mts", ".m2ts", ".flv", ".wmv", ".heic", ".heif", ".avif"),
    *(".pdf", ".srt", ".vtt", ".ass"),
]
# Rendered by the KaTeX that comes with Gradio. A single "$" is a price.
LATEX: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": r"\[", "right": r"\]", "display": True},
    {"left": r"\(", "right": r"\)", "display": False},
]
WELCOME = """## What would you like to know?

Add a video, an image or a PDF and ask about it, or try one of these. Sound is not heard.

{limits}"""
EDIT_BAR = """<div role="status">You edit an earlier question; its answers stay.
<button id="cancel-edit">Cancel</button></div>"""

LIVE_PANEL = """<div id="live-panel"><p>Ask at any moment about what your camera or screen shows.
One picture a second goes to this server; the last 64 are kept.</p>
<button data-live="camera">Camera live</button> <button data-live="screen">Screen live</button>
</div>"""
LIVE_BAR = """<div id="live"><video muted playsinline aria-label="Live picture"></video>
<div><p><b class="light">Live</b> <span role="status"></span></p>
<form><input name="question" maxlength="300" aria-label="Tell me when"
placeholder="Tell me when: is there a person?"><input name="threshold" type="number" min="50"
max="99" value="80" aria-label="How probable, in percent"> %
<button>Watch</button> <button type="button" data-live="pause">Pause</button>
<button type="button" data-live="stop">Stop</button></form></div></div>"""


def build_page(
    assistant: Replier,
    sessions: Sessions,
    uploads: Uploads,
    live: LiveStreams,
    at_once: int = 1,
    advice: str = "",
) -> gr.Blocks:
    """Builds the page for this assistant; `app.page.web.server` adds theme and headers.

    `advice` is a line on the start page.
    """
    card, examples = assistant.card, shared_examples(uploads)
    own = own_temperature(card)
    with gr.Blocks(title="Revisit", analytics_enabled=False, fill_height=True) as blocks:
        session = gr.State("")  # id of the open conversation, set by `open`
        pending, editing = gr.State(None), gr.State(None)
        saved = gr.Textbox(visible=False)  # the conversation, for the page's scripts to store
        asked = gr.JSON(visible=False)  # what the page's scripts ask for
        watched = gr.State("")  # name of the live picture
        began = gr.Textbox(visible=False)  # the same, for the scripts
        with gr.Row(elem_id="top"):
            chats = gr.Button("Chats", size="sm", elem_id="chats-button", min_width=0)
            gr.HTML("<h1>Revisit</h1><p>Ask about a video or an image</p>", padding=False)
            theme = gr.Button("Dark", size="sm", elem_id="theme", min_width=0)
            fresh = gr.Button("New chat", size="sm", min_width=0)
        chatbot = _chatbot(card, examples, advice)
        gr.HTML(EDIT_BAR, padding=False, elem_id="edit-bar")
        gr.HTML(LIVE_BAR, padding=False, elem_id="live-bar")
        composer = _composer()
        with gr.Row(elem_id="tools"):
            photo, film = _camera()
            options = settings_panel(own)
            switch = model_switch(assistant)
        about = gr.HTML(_about(card), elem_id="about", padding=False)
        if switch is not None:
            switch.attach(about, _about)

        again, look, suggested, edit, cancel, show, opening, follow = (
            gr.Button(name, visible="hidden", elem_id=f"do-{name}")
            for name in ("again", "look", "suggested", "edit", "cancel", "show", "open", "live")
        )  # pressed by the page's scripts

        shown = Conversations(sessions, uploads)
        ask = Questions(shown, examples)
        answers = Answers(assistant, shown, live, at_once)
        known = [session, saved, composer]
        started = [composer, chatbot, saved, pending]
        ended = [chatbot, composer, editing, saved]
        common: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        quick: dict[str, Any] = {"queue": False, **common}
        focus: dict[str, Any] = {"fn": None, "js": _js("focus()")}
        wanted: dict[str, Any] = {"js": _js("asking(...given.slice(0, 4))"), **quick}

        for begun in (
            composer.submit(ask.begin, [*known, editing], started, **quick),
            chatbot.example_select(ask.begin_example, known, started, **quick),
            again.click(ask.begin_again, [*known, asked], started, **wanted),
            look.click(ask.begin_look, [*known, asked], started, **wanted),
            suggested.click(ask.begin_suggested, [*known, asked], started, **wanted),
        ):
            answered = begun.success(
                answers.answer,
                [session, pending, watched, *options],
                ended,
                concurrency_limit=8,  # one is answered; the others see that they wait
                concurrency_id="answer",
                **common,
            )
            answered.success(**focus)
            answered.failure(answers.refused, [session, pending], ended, **quick).then(**focus)
        composer.stop(answers.stop, [session], None, **quick)
        show.click(shown.show, [*known, asked], ended, **wanted)
        edit.click(shown.edit, [*known, asked], [composer, editing], **wanted).then(**focus)
        cancel.click(shown.cancel_edit, [editing], [composer, editing], **quick).then(**focus)
        opened = [session, *ended]
        opening.click(shown.open, [asked], opened, js=_js("opening()"), **quick).then(**focus)
        blocks.load(shown.open, [asked], opened, js=_js("started()"), **quick).then(**focus)
        composer.change(None, [composer], None, js=_js("typed(...given)"))
        saved.change(None, [saved], None, js=_js("keep(...given)"))
        keep = _js(f"keepSettings({json.dumps([NAMES, defaults(own)])}, given)")
        for option in options:
            option.change(None, options, None, js=keep)
        kept = _js("keptSettings()")
        blocks.load(lambda found: unlocked(found, own), [asked], options, js=kept, **quick)
        follow.click(answers.begin_live, None, [watched, began], **quick)
        began.change(None, [began], None, js=_js("liveBegan(...given)"))
        theme.click(None, js=_js("theme()"))
        fresh.click(None, js=_js("fresh()"))
        chats.click(None, js=_js("showChats()"))
        for camera in (photo, film):
            camera.change(attach, [composer, camera], [composer, camera], **quick)
    blocks.queue(max_size=32)
    return blocks


def _chatbot(card: Mapping[str, Any], examples: Sequence[Example], advice: str) -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="chat",
        label="Conversation",
        show_label=False,
        container=False,
        scale=1,
        height=None,
        buttons=[],
        allow_file_downloads=False,
        feedback_options=None,
        latex_delimiters=LATEX,
        allow_tags=False,
        placeholder=_welcome(card, advice),
        examples=[
            {"display_text": f"{e.title}\n{e.question}", "icon": str(e.picture)} for e in examples
        ],
    )


def _composer() -> gr.MultimodalTextbox:
    return gr.MultimodalTextbox(
        elem_id="composer",
        label="Your question",
        show_label=False,
        container=False,
        placeholder="Ask, or drop a video or image",
        file_types=["image", "video", *OTHER_TYPES],
        file_count="multiple",
        max_plain_text_length=100_000,
        interactive=False,  # until `restore` has run
    )


def _js(call: str) -> str:
    """Returns a call of the page's scripts (`assets/page/main.js`), which may still be loading."""
    return f"async (...given) => (await revisit).{call}"


def _camera() -> tuple[gr.Image, gr.Video]:
    options: dict[str, Any] = {
        "sources": ["webcam"],
        "buttons": [],
        "webcam_options": gr.WebcamOptions(mirror=False),
        "height": 320,
    }
    with gr.Accordion("Camera", open=False):
        with gr.Tab("Photo"):
            photo = gr.Image(type="filepath", label="Photo", **options)
        with gr.Tab("Film"):
            film = gr.Video(label="Film", include_audio=False, **options)
        with gr.Tab("Live"):
            gr.HTML(LIVE_PANEL, padding=False)
    # The uploaded file itself. Gradio's preprocessing writes another file, and needs an ffmpeg
    # program to drop the sound.
    photo.preprocess = film.preprocess = _path_of
    return photo, film


def _path_of(recording: FileData | None) -> str | None:
    return recording.path if recording else None


def _welcome(card: Mapping[str, Any], advice: str) -> str:
    """Returns the start page: the model's first limit, and a line of advice."""
    lines = [for_page(line) for line in (_first_sentence(card["limits"]), advice) if line]
    return WELCOME.format(limits="\n\n".join(lines))


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def _about(card: Mapping[str, Any]) -> str:
    """Describes the model, its abilities and limits; the first limit stands beside the examples."""
    name, parameters, knows, limits = (
        html.escape(str(card[key])) for key in ("name", "parameters", "knows", "limits")
    )
    return (
        f"<p><b>{name}</b>, {parameters} parameters, runs on this machine; your files never "
        f"leave it.</p><details><summary>What it can and cannot do</summary>"
        f"<p>{knows}</p><p>{limits}</p></details>"
    )
