"""ANLS, the similarity of DocVQA and InfographicVQA, exactly as in the test server's code.

The distance is computed on lower-cased texts with collapsed spaces, the length on the original
texts: spaces around an answer raise its score. A similarity of exactly 0.5 is kept; the paper
(arXiv:1905.13648) requires a distance "below the threshold" and drops it.
"""

from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

THRESHOLD = 0.5


def anls(answer: str, targets: Iterable[str], keep_half: bool = True) -> float:
    """Returns the best similarity to an accepted answer, 0 to 1; 0 if it is below one half."""
    similarity = 1 - min((_distance(answer, target) for target in targets), default=1.0)
    if similarity < THRESHOLD or (similarity == THRESHOLD and not keep_half):
        return 0.0
    return similarity


def _distance(answer: str, target: str) -> float:
    # upper(): the server measures the upper-cased text, in which a few letters ("ß") grow.
    length = max(len(answer.upper()), len(target.upper()))
    if length == 0:
        return 0.0
    return Levenshtein.distance(_plain(answer), _plain(target)) / length


def _plain(text: str) -> str:
    return " ".join(text.strip().lower().split())
