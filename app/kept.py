"""What a browser tab keeps of a conversation over a reload: its id and its text, as JSON.

It comes back from outside, so it is read as far as it has the right form and trusted with nothing:
files are only names in it.
"""

import json
from pathlib import Path

from app.chat import Chat, Turn

MAX_TURNS = 50


def keep(session: str, chat: Chat, draft: str = "") -> str:
    """The JSON for the tab. draft: what was typed and has no answer yet."""
    turns = [
        {
            "question": turn.question,
            "files": [path.name for path in turn.files],
            "answer": turn.answer,
        }
        for turn in chat.turns[-MAX_TURNS:]
    ]
    return json.dumps({"session": session, "turns": turns, "draft": draft})


def recall(kept: str | None) -> tuple[str, Chat, str]:
    """The id, the text as a conversation the model does not remember, and the draft."""
    try:
        found = json.loads(kept or "{}")
        turns = tuple(
            Turn(
                str(turn["question"]),
                tuple(Path(Path(str(name)).name) for name in turn["files"]),
                str(turn["answer"]),
            )
            for turn in found.get("turns", [])[-MAX_TURNS:]
        )
        chat = Chat(turns, num_forgotten=len(turns))
        return str(found.get("session", "")), chat, str(found.get("draft", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "", Chat(), ""
