"""Serializes what a browser tab stores of a conversation across reloads: its id and text.

It returns as untrusted input: anything malformed is dropped, and a file name is a label that never
becomes a path.
"""

import json

from app.chat import Chat, ChatTurn
from app.sanitize import whole_characters

MAX_TURNS = 50
MAX_CHARACTERS = 400_000  # of all questions and answers; the oldest turns are dropped first


def keep(session: str, chat: Chat, draft: str = "") -> str:
    """Returns the JSON for the tab. draft: typed text without an answer."""
    turns = [
        {
            "question": turn.question,
            "files": [*turn.lost, *(path.name for path in turn.files)],
            "answer": turn.answer,
        }
        for turn in _newest(chat.turns)
    ]
    return json.dumps({"session": session, "turns": turns, "draft": draft[:MAX_CHARACTERS]})


def recall(kept: str | None) -> tuple[str, Chat, str]:
    """Returns the id, a conversation without model state, and the draft."""
    try:
        found = json.loads(kept or "{}")
        turns = _newest(
            tuple(
                ChatTurn(
                    whole_characters(str(turn["question"])),
                    lost=tuple(whole_characters(str(name))[-200:] for name in turn["files"][:20]),
                    answer=whole_characters(str(turn["answer"])),
                )
                for turn in found.get("turns", [])[-MAX_TURNS:]
            )
        )
        chat = Chat(turns, num_forgotten=len(turns))
        return (
            whole_characters(str(found.get("session", ""))),
            chat,
            whole_characters(str(found.get("draft", ""))),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "", Chat(), ""


def _newest(turns: tuple[ChatTurn, ...]) -> tuple[ChatTurn, ...]:
    """Returns the latest turns that fit MAX_TURNS and MAX_CHARACTERS."""
    left, count = MAX_CHARACTERS, 0
    for turn in reversed(turns[-MAX_TURNS:]):
        left -= len(turn.question) + len(turn.answer) + sum(map(len, turn.lost))
        if left < 0:
            break
        count += 1
    return turns[len(turns) - count :]
