"""Renders a conversation as Gradio Chatbot messages: questions with files, answers with frames."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app.chat import ChatView, usage_line
from app.frame_strip import Strip, strip_html
from app.page.kept.live import CAMERA
from app.sanitize import for_label, for_page
from app.suggestions import suggestions
from app.time_links import length_seen, with_time_links
from app.turns import Chat, ChatTurn, file_key, file_name

Message = dict[str, Any]

# Types every current browser displays. For other files the page shows the name; the strip below
# the answer shows their frames.
SHOWN = frozenset(
    (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".mp4", ".m4v", ".mov", ".webm")
)
FRAMES_PATH = "frames"  # route of the strips' frames, relative to the page

FORGOTTEN = (
    "The model has no memory of the messages above: the server restarted or freed the memory, and "
    "a file is missing. Your next question starts afresh; add the files again."
)
TO_READ = "The model reads the messages above again with your next question."


def of_chat(chat: Chat) -> list[Message]:
    """Renders all turns, with a note below those the model has no memory of."""
    messages: list[Message] = []
    films: list[Strip] = []  # the latest
    for number, turn in enumerate(chat.turns):
        films = [strip for strip in turn.strips if strip.kind == "video"] or films
        messages += _question(turn.question, turn.files, turn.lost, number)
        messages.append(_answer(turn, number, films))
        if number + 1 == chat.num_lost:
            messages.append(_note(FORGOTTEN, "note"))
        elif number + 1 == chat.num_forgotten:
            messages.append(_note(TO_READ, "note"))
    return messages


def of_ended(chat: Chat) -> list[Message]:
    """Renders all turns and questions to go on with."""
    questions = "".join(
        f'<button data-do="suggested" data-question="{html.escape(question)}">'
        f"{html.escape(question)}</button>"
        for question in suggestions(chat)
    )
    messages = of_chat(chat)
    if questions:
        shown = _html(f'<div class="suggestions" aria-label="Go on with">{questions}</div>')
        messages.append({"role": "assistant", "content": [shown]})
    return messages


def of_view(view: ChatView) -> list[Message]:
    """Renders the turns and the current answer, or the reason it failed."""
    if view.finished:
        closing = [_note(view.error, "error")] if view.error else []
        return of_chat(view.chat) + closing
    shown = for_page(view.answer) if view.answer else _phase(view)
    running = {"role": "assistant", "content": [shown]}
    return of_chat(view.chat) + [*_question(view.question, view.files), running]


def of_error(chat: Chat, sentence: str) -> list[Message]:
    """Renders the turns and an error sentence."""
    return of_chat(chat) + [_note(sentence, "error")]


def of_note(chat: Chat, sentence: str) -> list[Message]:
    """Renders the turns and a sentence about something that is not an error."""
    return of_chat(chat) + [_note(sentence, "note")]


def _question(
    question: str, files: Sequence[Path], lost: Sequence[str] = (), number: int | None = None
) -> list[Message]:
    content: list[Any] = [_file_name(file_name(key), key) for key in lost]
    for path in files:
        if path.suffix.lower() in SHOWN and path.is_file():
            content.append({"path": str(path), "alt_text": for_label(path.name)})
        else:
            content.append(_file_name(path.name, file_key(path)))
    words = [for_page(question)] if question else []
    tools = [] if number is None else [_tools(number, _EDIT, "of-question")]
    return [{"role": "user", "content": [*content, *words, *tools]}]


def _file_name(name: str, key: str) -> gr.HTML:
    return _html(
        f'<span class="file" data-key="{html.escape(key)}">{html.escape(for_label(name))}</span>'
    )


def _answer(turn: ChatTurn, number: int, films: Sequence[Strip]) -> Message:
    below = "".join(f"<p>{html.escape(note)}</p>" for note in turn.notes)
    if turn.stopped:
        below += "<p>Stopped before the end.</p>"
    if turn.usage:
        below += _USAGE.format(html.escape(usage_line(turn)))
    text: Any = _html('<p class="note">(no answer)</p>')
    if turn.answer.strip():
        text = with_time_links(for_page(turn.answer), length_seen(films))
    strips = strip_html(turn.strips, FRAMES_PATH)
    facts = _html(f'{strips}<div class="facts">{below}</div>')
    tools = _tools(number, f"{_versions(turn)}{_COPY}{_AGAIN}{_looks(turn)}", "of-answer")
    return {"role": "assistant", "content": [text, facts, tools]}


_USAGE = (
    '<details class="usage"><summary aria-label="What this answer took">i</summary>'
    "<p>{}</p></details>"
)
_EDIT = '<button data-do="edit" title="Ask it differently; this version stays">Edit</button>'
_COPY = '<button data-do="copy">Copy</button>'
_AGAIN = '<button data-do="again" title="A varied answer; this version stays">Try again</button>'


_LOOK = (
    '<button data-do="look" title="One more look at the picture; this answer stays">'
    "Look again</button>"
)
_CLOSER = '<button data-do="closer" title="More frames of a part of the film">Look closer</button>'


def _looks(turn: ChatTurn) -> str:
    """Renders what can be looked at again."""
    kinds = {strip.kind for strip in turn.strips if strip.source != CAMERA.name}
    return _LOOK * ("image" in kinds) + _CLOSER * ("video" in kinds)


def _versions(turn: ChatTurn) -> str:
    """Renders the steps between the versions of a turn; "" if there is one."""
    count, at = turn.num_versions, turn.place
    if count < 2:
        return ""
    step = '<button data-do="show" data-place="{}" aria-label="{} version"{}>{}</button>'
    earlier = step.format(at - 1, "Earlier", "" if at > 0 else " disabled", "‹")
    later = step.format(at + 1, "Later", "" if at < count - 1 else " disabled", "›")
    label = f"Version {at + 1} of {count}"
    return f'{earlier}<span class="count" aria-label="{label}">{at + 1}/{count}</span>{later}'


def _tools(number: int, buttons: str, kind: str) -> gr.HTML:
    return _html(f'<div class="tools {kind}" data-turn="{number}">{buttons}</div>')


def _phase(view: ChatView) -> str:
    width = (
        f' style="width:{100 * view.share:.0f}%"' if view.share is not None else ' class="unknown"'
    )
    cost = f"<small>{html.escape(view.cost)}</small>" if view.cost else ""
    words = html.escape(view.phase)
    return f'<div class="phase"><span>{words}…</span><b><i{width}></i></b>{cost}</div>'


def _note(sentence: str, kind: str) -> Message:
    return {
        "role": "assistant",
        "content": [_html(f'<p class="{kind}" role="status">{html.escape(sentence)}</p>')],
    }


def _html(text: str) -> gr.HTML:
    return gr.HTML(text, padding=False)
