"""The first capital letter of an answer: Video-MME's script, VLMEvalKit and LongVideoBench.

Removes fixed phrases anywhere in the text and takes the first remaining capital, even inside words
("As an AI" is A). In the published lists a missing comma joins two pairs of phrases, so that "Best
answer: C" is read as B. They are kept, because published results depend on them.
"""

import re
from collections.abc import Sequence

_ANSWER = ("The best answer is", "The correct answer is", "The answer is", "The answer")
_JOINED = ("The best option isThe correct option is", "Best answer:Best option:")
_SEPARATE = ("The best option is", "The correct option is", "Best answer:", "Best option:")

VLMEVALKIT = (*_ANSWER, *_JOINED, "Answer:", "Option:")
VIDEO_MME = (*VLMEVALKIT, "The correct answer", "The correct option")
LONGVIDEOBENCH = (*_ANSWER, *_SEPARATE)


def first_letter(text: str, phrases: Sequence[str], letters: str = "ABCD") -> str | None:
    """Returns the first of `letters` after removing the phrases, or None."""
    text = text.strip()
    for phrase in phrases:
        text = text.replace(phrase, "")
    found = re.search(f"[{letters}]", text)
    return found[0] if found else None


# Values that pandas reads as missing.
_MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
    + ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)


def xlsx_roundtrip(text: str) -> str:
    """Returns the answer as VLMEvalKit sees it after writing it to xlsx and reading it back."""
    return "nan" if text in _MISSING else text
