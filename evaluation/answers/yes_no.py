"""Our own reading of yes or no: the word that begins the answer, or the only one in it."""

import re

from evaluation.answers.ranked import strip_reasoning

_WORDS = re.compile(r"\b(yes|no)\b")
_FILLERS = re.compile(r"^(?:the answer is|answer|final answer)\b[:\s]*")


def clean_yes_no(text: str) -> str | None:
    """Returns "yes" or "no"; None if neither or both are said and none comes first."""
    bare = re.sub(r"[*_`\"'“”.(\[]", "", strip_reasoning(text).lower()).strip()
    bare = _FILLERS.sub("", bare)
    first = _WORDS.match(bare)
    if first:
        return first[1]
    found = set(_WORDS.findall(bare))
    return found.pop() if len(found) == 1 else None
