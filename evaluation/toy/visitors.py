"""A toy set of questions about media of one's own: drawn pictures, a clip, and no media at all."""

from pathlib import Path
from typing import Any

from evaluation.json_files import write_json
from evaluation.toy.media import disc, page, write_video

CANNOT = "can ?not|can't|don't know|not (given|shown|known)"


def toy_visitors(folder: Path, original: bool) -> None:
    """Eight questions of every sort, two of which go on from earlier ones."""
    media = folder / "media"
    media.mkdir()
    (media / "disc.png").write_bytes(disc("red"))
    (media / "sign.png").write_bytes(page(["OPEN", "9 to 5"], (240, 80)))
    write_video(media / "square.mp4", ["blue"])
    questions: list[dict[str, Any]] = [
        _about("disc.png", "What is this?", "object", r"\bdisc\b|circle|ball", refusal_ok=True),
        _about("disc.png", "Is there a dog?", "absent", r"^no\b|no dog", wrong=[r"^yes\b"]),
        _about("sign.png", "What does the sign say?", "text", r"\bopen\b", refusal_ok=True),
        _about("sign.png", "How much is the ticket?", "unanswerable", CANNOT, harm=True)
        | {"harm_if": [r"\d"]},
        _about("square.mp4", "Which way does it move?", "video", r"\bright\b", wrong=[r"\bleft\b"]),
        {
            "id": "self",
            "media": [],
            "question": "Who are you?",
            "kind": "self",
            "right": ["revisit"],
        },
        {"id": "again", "media": [], "question": "Which color is it?", "kind": "followup"}
        | {"right": [r"\bred\b"], "wrong": [r"\bblue\b"], "follows": "disc-0"},
        {"id": "both", "media": ["media/square.mp4"], "question": "And this?", "kind": "followup"}
        | {"right": [r"\bblue\b"], "follows": "again"},
    ]
    write_json(folder / "questions.json", questions)


def _about(file: str, question: str, kind: str, right: str, **more: Any) -> dict[str, Any]:
    number = 0 if kind in ("object", "text", "video") else 1
    return {
        "id": f"{Path(file).stem}-{number}",
        "media": [f"media/{file}"],
        "question": question,
        "kind": kind,
        "right": [right],
        **more,
    }
