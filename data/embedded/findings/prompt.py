"""Where the experts' words stand in a conversation: at the head of the message with the file.

The model's prompt has a look's words beside its visual tokens. These records have no pictures, so
only the words are left of each file.
"""

from collections.abc import Sequence

from data.embedded.findings.exchange import Turn
from vlm.experts import film
from vlm.experts.findings import Findings
from vlm.experts.words import still_looks


def picture_words(findings: Findings, num_looks: int = 4, words_per_look: int = 48) -> str:
    """The words of all looks at a still picture, one look a line."""
    return "\n".join(line for line in still_looks(findings, num_looks, words_per_look) if line)


def film_words(frames: Sequence[Findings], words_per_frame: int = 24) -> str:
    """The words of all frames of a film, one frame a line, and of the whole."""
    return "\n".join(film.film_words(frames, words_per_frame))


def user_text(turn: Turn) -> str:
    """The text of a user's message: the words of its files, then the question."""
    files = turn.files
    if len(files) > 1:
        files = tuple(f"File {i}:\n{words}" for i, words in enumerate(files, 1))
    return "\n".join([*files, turn.exchange.question])
