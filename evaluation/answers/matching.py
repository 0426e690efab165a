"""Which option an answer names: VLMEvalKit's and lmms-eval's rules for MMBench and its kin.

Both look for one letter that stands alone as a word, then for one option whose text is contained.
Where these fail, the harnesses ask a language model; here the answer then counts as unanswered,
which is VLMEvalKit's "exact matching".
"""

from collections.abc import Mapping

FAILED = "Failed to obtain answer via API"
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
NONE_OF_THEM = "Z"


def vlmevalkit_option(text: str, options: Mapping[str, str]) -> str | None:
    """A letter of `options` (letter -> text), "Z" for a refusal, or None."""
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
    if len(text.lower()) > 2 * sum(len(option) for option in options.values()):
        return None
    return _contained(text, options)


# How a letter may stand as a word: before and after it. Each way is tried on its own.
_WAYS = (
    *(("", ""), ("", "."), ("", ","), ("", ":"), ("", ")"), ("", ")."), ("(", ")"), ("(", ").")),
    *((":", ""), (":", ","), (":", "."), (":", ")"), (":", ").")),
)


def lmms_option(text: str, options: Mapping[str, str]) -> str | None:
    """As lmms-eval matches MMBench before it asks anybody: A to E, whatever the options are."""
    words = text.split()
    if FAILED not in text:
        for before, after in _WAYS:
            named = [letter for letter in "ABCDE" if before + letter + after in words]
            # With no marks around it, A may be the article.
            article = not before and not after and "A" in words and len(words) > 3
            if len(named) == 1 and not article:
                return named[0]
    return _contained(text, {letter: options[letter] for letter in "ABCD" if letter in options})


def _contained(text: str, options: Mapping[str, str]) -> str | None:
    text = text.lower()
    named = [letter for letter, option in options.items() if option.lower() in text]
    return named[0] if len(named) == 1 else None
