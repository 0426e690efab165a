"""OCRBench's metric: an accepted answer must be contained in what the model said.

Verbose answers gain by this rule. Formulas are compared without blanks and keep their case.
"""

from collections.abc import Iterable


def contains(answer: str, targets: Iterable[str], formula: bool = False) -> float:
    """1 or 0."""
    said = _plain(answer, formula)
    return float(any(_plain(target, formula) in said for target in targets))


def narrow(text: str) -> str:
    """Full-width ASCII as ASCII, as lmms-eval does before it compares; nothing else changes."""
    table = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
    return text.translate(table)


def _plain(text: str, formula: bool) -> str:
    text = text.strip().replace("\n", " ")
    return text.replace(" ", "") if formula else text.lower()
