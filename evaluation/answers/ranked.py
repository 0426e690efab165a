"""The ranked matcher of lmms-eval 0.7.2 and later, and the reasoning filter of its command line.

Every occurrence of a letter is a candidate. Candidates are ranked by context (at the start, at the
end, after "the answer is", in brackets, ...), ties by the later position.
"""

from collections.abc import Iterator, Sequence

PHRASES = (
    *("the answer is", "answer is", "the correct answer is", "correct answer is"),
    *("the best answer is", "best answer is", "the correct option is", "correct option is"),
    *("the best option is", "best option is", "the choice is", "choice is"),
    *("the correct choice is", "correct choice is", "i choose", "i select", "i pick"),
    *("my answer is", "my choice is"),
    *("옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは"),
)
START, END, PHRASE, ANYWHERE = 10, 9, 7, 0
AROUND = (("(", ")", 6), ("", ".", 5), ("", ":", 4), ("", ")", 3), ("", " ", 2))
EDGES = ",.!?;:'\""  # stripped from both ends, in this order

REASONING = (("<think>", "</think>"), ("<analysis>", "</analysis>"))


def ranked_letter(text: str, letters: Sequence[str] = "ABCD") -> str | None:
    """Returns the letter of the best candidate, or None if there is no letter."""
    text = text.strip()
    for mark in EDGES:
        text = text.strip(mark)
    candidates = list(_candidates(f" {text} ", letters))
    if not candidates:
        return None
    return max(candidates, key=lambda candidate: candidate[:2])[2]


def _candidates(text: str, letters: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yields (rank, position, letter) of all candidates."""
    found = False
    lowered, bare = text.lower(), text.strip()
    for letter in letters:
        for before, after, rank in AROUND:
            position = text.rfind(before + letter + after)
            if position >= 0:
                found = True
                yield rank, position, letter
        for phrase in PHRASES:
            start = lowered.find(phrase)
            position = text.find(letter, start + len(phrase)) if start >= 0 else -1
            if position >= 0:
                found = True
                yield PHRASE, position, letter
        if bare.startswith(letter) and not bare[1:2].isalpha():
            found = True
            yield START, 0, letter
        if bare.endswith(letter) and not bare[-2:-1].isalpha():
            found = True
            yield END, len(text) - 1, letter
    if not found:
        for letter in letters:
            if letter in text:
                yield ANYWHERE, text.rfind(letter), letter


def strip_reasoning(text: str) -> str:
    """Removes reasoning sections. After a closing tag without opening tag, keeps the rest."""
    for opening, closing in REASONING:
        while opening in text:
            start = text.find(opening)
            end = text.find(closing, start)
            if end < 0:
                break
            text = text[:start] + text[end + len(closing) :]
        if closing in text and opening not in text:
            text = text.rsplit(closing, 1)[-1]
    return text.strip()
