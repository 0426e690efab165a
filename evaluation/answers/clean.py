"""Our own extraction of a choice: the letter a human reader would infer, else None.

Accepts lower case, full-width letters, brackets, explanations and whole option texts; rejects a
letter inside a word, the article "a", several letters, denied ones and refusals. Never takes the
first of several. No published result uses this rule.
"""

import re
import unicodedata
from collections.abc import Sequence

from evaluation.answers import cues
from evaluation.answers.mentions import NEAR, Mention, Rank, are_rivals, mentions
from evaluation.answers.ranked import strip_reasoning

_FINAL = (
    re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}"),
    re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL),
)
_QUOTES = re.compile(r"[\"“”„«»「」]|(?<!\w)['‘’]|['‘’](?!\w)")
_LATEX = re.compile(r"\\(?:text|textbf|mathbf|mathrm|bf|rm)\s*\{([^{}]*)\}")
_MARKUP = re.compile(
    r"\*+|_{1,2}(?=\W|$)|(?:(?<=\W)|^)_{1,2}|`+|^#+\s*|</?(?:b|strong|i|em)>|\$", re.M
)


def clean_choice(text: str, options: Sequence[str]) -> str | None:
    """Returns the letter of one of `options`, A first, or None."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options)]
    text = _plain(text)
    bare = text.strip(" .,:;!?()[]{}\"'“”‘’\n")
    if len(bare) == 1 and bare.upper() in letters:
        return bare.upper()
    normalized = [_spaced_words(unicodedata.normalize("NFKC", option)) for option in options]
    same = [letters[i] for i, option in enumerate(normalized) if option == _spaced_words(text)]
    if len(same) == 1:
        return same[0]
    found = mentions(text, options)
    denied = any(one.rank < Rank.NAMED for one in found)
    for rank in (Rank.FINAL, Rank.STATED, Rank.LEADS, Rank.NAMED):
        if claims := [one for one in found if one.rank is rank]:
            if any(set(claim.letters) & set(letters) for claim in claims):
                return _only(text, claims, found, letters)
            break  # "D) yellow" with three options
    return None if denied else _by_text(text, normalized, letters)


def _only(
    text: str, claims: Sequence[Mention], found: Sequence[Mention], letters: str
) -> str | None:
    """Returns the letter of the claims if it is a single one of an option that nothing contradicts.

    Contradictions are a denial, another letter called possible in the same sentence, and a question
    about another one behind.
    """
    named = {letter for claim in claims for letter in claim.letters}
    if len(named) != 1 or not named <= set(letters):
        return None
    last = claims[-1]
    for other in found:
        same = set(other.letters) <= named
        if same and other.rank is Rank.DENIED:
            return None
        if not same and other.rank is Rank.ASKED and other.start > last.start:
            return None
        if not same and other.start > last.start and are_rivals(text, last, other):
            return None
    return named.pop()


def _plain(text: str) -> str:
    """Removes reasoning and markup; a boxed or tagged answer becomes a sentence of its own."""
    text = unicodedata.normalize("NFKC", strip_reasoning(text))
    for marked in _FINAL:
        text = marked.sub(lambda found: f"\nFinal answer: {found[1]}\n", text)
    text = _MARKUP.sub("", _LATEX.sub(r"\1", text))
    text = re.sub(r"\b(option|choice|answer)[-_](?=[A-Za-z]\b)", r"\1 ", text, flags=re.IGNORECASE)
    return _QUOTES.sub("", text).strip()


def _spaced_words(phrase: str) -> str:
    return " " + " ".join(re.findall(r"[^\W_]+", phrase.lower())) + " "


def _by_text(text: str, options: Sequence[str], letters: str) -> str | None:
    """Returns the letter of the only option whose words are contained and not denied."""
    answer = _spaced_words(text)
    inside = [i for i, option in enumerate(options) if option.strip() and option in answer]
    # "red" is not an answer of its own inside "red socks".
    alone = [
        i
        for i in inside
        if options[i]
        in _without(answer, [options[j] for j in inside if len(options[j]) > len(options[i])])
    ]
    if len(alone) != 1:
        return None
    option = options[alone[0]].strip()
    written = re.compile(r"[\W_]+".join(map(re.escape, option.split())), re.IGNORECASE)
    denied = [
        cues.DENIED_BEFORE.search(text[max(0, found.start() - NEAR) : found.start()])
        for found in written.finditer(text)
    ]
    return None if any(denied) else letters[alone[0]]


def _without(answer: str, longer: Sequence[str]) -> str:
    for option in longer:
        answer = answer.replace(option, "  ")
    return answer
