"""Lists the page's examples; `assets/examples/CREDITS.md` names the source of each file.

All that an example is made of stands here. `tests/e2e/test_examples.py` asks each of the model.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from app.page.kept.uploads import Uploads

FOLDER = Path(__file__).parents[2] / "assets" / "examples"


@dataclass(frozen=True)
class Example:
    """A file and a question about it, with what a right answer has in it.

    picture: the image on its card. right: a regular expression, regardless of case, that the
    answer must match; wrong: one that it must not match, "" for none.
    """

    title: str
    question: str
    path: Path
    picture: Path
    right: str
    wrong: str = ""


def _example(title: str, question: str, name: str, right: str, wrong: str = "") -> Example:
    """Builds an example whose card has the file itself, or the JPEG beside a clip."""
    path = FOLDER / name
    picture = path.with_suffix(".jpg") if path.suffix == ".mp4" else path
    return Example(title, question, path, picture, right, wrong)


EXAMPLES = (
    _example("A photograph", "What is in this picture?", "cat.jpg", r"\bcat\b|egyptian mau|tabby"),
    _example("A receipt", "What is the total?", "receipt.png", r"\b11[.,]00\b"),
    _example("Small print", "How much is a lost card?", "library-card.png", r"\b5[.,]00\b"),
    _example("A film clip", "How many people are in the video?", "portrait.mp4", r"\bone\b|\b1\b"),
)


def shared_examples(uploads: Uploads) -> tuple[Example, ...]:
    """Copies the examples' files into the served folder."""
    return tuple(
        replace(e, path=uploads.share(e.path), picture=uploads.share(e.picture)) for e in EXAMPLES
    )
