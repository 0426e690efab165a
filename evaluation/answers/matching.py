"""The option an answer names: VLMEvalKit's and lmms-eval's rules for MMBench and similar sets.

Both look for a single letter that is a word of its own, then for a single option whose text is
contained. If these fail, the harnesses ask a language model; here the answer counts as unanswered,
which is VLMEvalKit's "exact matching". The versions followed are in `evaluation.answers.versions`.
"""

import re
from collections.abc import Mapping

FAILED = "Failed to obtain answer via API"
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
NONE_OF_THEM = "Z"
# VLMEvalKit's pull request 1552: in any case, in bold or not, the first such place; A to D only.
# It has no word boundary after the letter, so that "the answer is carrots" is C.
DECLARED = re.compile(r"(?:correct\s+)?answer\s+is\s+\**([A-D])", re.IGNORECASE)


def vlmevalkit_option(text: str, options: Mapping[str, str]) -> str | None:
    """Returns a letter of `options` (letter -> text), "Z" for a refusal, or None."""
    if FAILED not in text:
        if any(refusal in text for refusal in REFUSALS):
            return NONE_OF_THEM
        bare = text
        for mark in ".()[],:;!*#{}":
            bare = bare.replace(mark, " ")
        words = bare.split()
        named = [letter for letter in options if letter in words]
        if len(named) == 1 and words.index(named[0]) > len(words) - 5:
            return named[0]
        if not named and NONE_OF_THEM in words:
            return NONE_OF_THEM
        declared = DECLARED.search(text)
        if declared and declared[1].upper() in options:
            return declared[1].upper()
    if len(text.lower()) > 2 * sum(len(option) for option in options.values()):
        return None
    return _contained(text, options)


# Characters before and after a letter that is a word. Each pair is tried separately.
_DELIMITERS = (
    *(("", ""), ("", "."), ("", ","), ("", ":"), ("", ")"), ("", ")."), ("(", ")"), ("(", ").")),
    *((":", ""), (":", ","), (":", "."), (":", ")"), (":", ").")),
)


def lmms_option(text: str, options: Mapping[str, str]) -> str | None:
    """lmms-eval's MMBench matcher, without its judge: A to E, regardless of the options."""
    words = text.split()
    if FAILED not in text:
        for before, after in _DELIMITERS:
            named = [letter for letter in "ABCDE" if before + letter + after in words]
            # Without delimiters, A may be the article.
            article = not before and not after and "A" in words and len(words) > 3
            if len(named) == 1 and not article:
                return named[0]
    return _contained(text, {letter: options[letter] for letter in "ABCD" if letter in options})


def _contained(text: str, options: Mapping[str, str]) -> str | None:
    text = text.lower()
    named = [letter for letter, option in options.items() if option.lower() in text]
    return named[0] if len(named) == 1 else None
