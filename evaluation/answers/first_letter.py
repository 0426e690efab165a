"""The first capital letter of an answer: Video-MME's script, VLMEvalKit and LongVideoBench.

Set phrases are taken out wherever they stand; the first capital that is left wins, inside words
too ("As an AI" is A). The published lists hold two pairs of phrases that a missing comma welded
together, so that "Best answer: C" is read as B; numbers made with them can only be repeated with
them, so they are kept.
"""

import re
from collections.abc import Sequence

_ANSWER = ("The best answer is", "The correct answer is", "The answer is", "The answer")
_WELDED = ("The best option isThe correct option is", "Best answer:Best option:")
_UNWELDED = ("The best option is", "The correct option is", "Best answer:", "Best option:")

VLMEVALKIT = (*_ANSWER, *_WELDED, "Answer:", "Option:")
VIDEO_MME = (*VLMEVALKIT, "The correct answer", "The correct option")
LONGVIDEOBENCH = (*_ANSWER, *_UNWELDED)


def first_letter(text: str, phrases: Sequence[str], letters: str = "ABCD") -> str | None:
    """The first of `letters` once the phrases are gone; None: there is none."""
    text = text.strip()
    for phrase in phrases:
        text = text.replace(phrase, "")
    found = re.search(f"[{letters}]", text)
    return found[0] if found else None


# What pandas takes for "nothing here" when it reads a table.
_NOTHING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
    + ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)


def xlsx_roundtrip(text: str) -> str:
    """What is left of an answer that VLMEvalKit has written to xlsx and read again."""
    return "nan" if text in _NOTHING else text
