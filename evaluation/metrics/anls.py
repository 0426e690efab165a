"""ANLS, the similarity of DocVQA and InfographicVQA, exactly as the test server's code has it.

The distance is taken between texts in lower case with their blanks collapsed, the length from the
texts as they were given: blanks around an answer raise its score. A similarity of exactly 0.5 is
kept. The paper (arXiv:1905.13648) says "below the threshold" of the distance and so drops it.
"""

from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

THRESHOLD = 0.5


def anls(answer: str, targets: Iterable[str], keep_half: bool = True) -> float:
    """The best similarity to an accepted answer, 0 to 1; 0 where it is below one half."""
    similarity = 1 - min((_distance(answer, target) for target in targets), default=1.0)
    if similarity < THRESHOLD or (similarity == THRESHOLD and not keep_half):
        return 0.0
    return similarity


def _distance(answer: str, target: str) -> float:
    # upper(): the server measures lengths there, and a few letters ("ß") grow.
    length = max(len(answer.upper()), len(target.upper()))
    if length == 0:
        return 0.0
    return Levenshtein.distance(_plain(answer), _plain(target)) / length


def _plain(text: str) -> str:
    return " ".join(text.strip().lower().split())
