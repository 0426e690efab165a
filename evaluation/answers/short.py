"""The short answer inside a sentence, for the mode "clean": "The sign says STOP." is STOP."""

import re
import unicodedata

from evaluation.answers.ranked import strip_reasoning

QUOTED = re.compile(r"[\"“„«「](.+?)[\"”“»」]|(?<!\w)['‘](.+?)['’](?!\w)")
STATED = re.compile(
    r"\b(?:answer|text|word|words|name|brand|number|title|sign|label|value|time|year|price|it|this|that"
    r"|which|he|she|they|there)\b[^.!?]*?\b(?:is|was|are|were|says?|said|reads?|shows?|states?)\b[\s:]+"
    r"|\b(?:is|was|are|were|says?|reads?|equals?)\s*:?\s+|:\s+",
    re.IGNORECASE,
)
YES_OR_NO = re.compile(r"(yes|no)(?=\s*[,.;:!])", re.IGNORECASE)
DOUBT = re.compile(
    r"\b(?:or|not|nor|neither|either|maybe|perhaps|cannot|could|might|unclear|unable)\b|n['’]t\b",
    re.IGNORECASE,
)


def short_answer(text: str) -> str:
    """Returns the quoted or stated words of the first sentence, or the text if it has none.

    Markup is removed. A sentence that denies or names alternatives is returned unchanged.
    """
    text = unicodedata.normalize("NFKC", strip_reasoning(text)).strip()
    text = re.sub(r"\*+|`+", "", text)
    sentence = first_sentence(text)
    if agreed := YES_OR_NO.match(sentence):
        return agreed[1]
    if DOUBT.search(sentence):
        return text
    quoted = QUOTED.findall(sentence)
    if len(quoted) == 1:
        return "".join(quoted[0]).strip(" .,")
    stated = STATED.search(sentence)
    return sentence[stated.end() :].strip(" .") if stated else sentence.strip().rstrip(".")


def first_sentence(text: str) -> str:
    """Returns the text up to the first full stop or line break that ends a sentence."""
    found = re.search(
        r"(?<!\b[A-Za-z])(?<!\bMr)(?<!\bDr)(?<!\bSt)(?<!\bvs)(?<!\bNo)[.!?](?=\s+[A-Z]|\s*$)|\n",
        text.strip(),
    )
    return text.strip()[: found.start()] if found else text.strip()


def is_doubtful(text: str) -> bool:
    """True if the first sentence denies something, or names alternatives."""
    return DOUBT.search(first_sentence(text)) is not None
