"""Renders a conversation as Gradio Chatbot messages: questions with files, answers with frames."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app.chat import Chat, ChatTurn, ChatView, usage_line
from app.frame_strip import strip_html
from app.sanitize import for_label, for_page

Message = dict[str, Any]

# Types every current browser displays. For other files the page shows the name; the strip below
# the answer shows their frames.
SHOWN = frozenset(
    (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".mp4", ".m4v", ".mov", ".webm")
)
FRAMES_PATH = "frames"  # route of the strips' frames, relative to the page

FORGOTTEN = (
    "The model has no memory of the messages above or their files: the server restarted or freed "
    "the memory. Your next question starts afresh; add the files again."
)


def of_chat(chat: Chat) -> list[Message]:
    """Renders all turns, with a note below those the model has no memory of."""
    messages: list[Message] = []
    for number, turn in enumerate(chat.turns, 1):
        messages += [*_question(turn.question, turn.files, turn.lost), _answer(turn)]
        if number == chat.num_forgotten:
            messages.append(_note(FORGOTTEN, "note"))
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


def _question(question: str, files: Sequence[Path], lost: Sequence[str] = ()) -> list[Message]:
    content: list[Any] = [_file_name(name) for name in lost]
    for path in files:
        if path.suffix.lower() in SHOWN and path.is_file():
            content.append({"path": str(path), "alt_text": for_label(path.name)})
        else:
            content.append(_file_name(path.name))
    words = [for_page(question)] if question else []
    return [{"role": "user", "content": [*content, *words]}]


def _file_name(name: str) -> gr.HTML:
    return _html(f'<span class="file">{html.escape(for_label(name))}</span>')


def _answer(turn: ChatTurn) -> Message:
    below = "".join(f"<p>{html.escape(note)}</p>" for note in turn.notes)
    if turn.stopped:
        below += "<p>Stopped before the end.</p>"
    if turn.usage:
        below += f"<p>{html.escape(usage_line(turn))}</p>"
    text = for_page(turn.answer) if turn.answer.strip() else "*(no answer)*"
    parts: list[Any] = [text]
    if turn.strips or below:
        parts.append(
            _html(f'{strip_html(turn.strips, FRAMES_PATH)}<div class="facts">{below}</div>')
        )
    return {"role": "assistant", "content": parts}


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
