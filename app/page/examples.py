"""Lists the page's examples; `assets/examples/CREDITS.md` names the source of each file."""

from dataclasses import dataclass, replace
from pathlib import Path

from app.page.uploads import Uploads

FOLDER = Path(__file__).parents[1] / "assets" / "examples"


@dataclass(frozen=True)
class Example:
    """A file and a question about it. picture: the image on its card."""

    title: str
    question: str
    path: Path
    picture: Path


EXAMPLES = (
    Example("A photograph", "What is in this picture?", FOLDER / "cat.jpg", FOLDER / "cat.jpg"),
    Example(
        "A film clip",
        "What happens in this clip?",
        FOLDER / "big-buck-bunny.mp4",
        FOLDER / "big-buck-bunny.jpg",
    ),
    Example(
        "A drawn scene",
        "Which way does the ball move?",
        FOLDER / "moving-ball.mp4",
        FOLDER / "moving-ball.jpg",
    ),
    Example("A receipt", "What is this?", FOLDER / "receipt.png", FOLDER / "receipt.png"),
)


def shared_examples(uploads: Uploads) -> tuple[Example, ...]:
    """Copies the examples' files into the served folder."""
    return tuple(
        replace(e, path=uploads.share(e.path), picture=uploads.share(e.picture)) for e in EXAMPLES
    )
