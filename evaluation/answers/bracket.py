"""The rule of MotionBench's and LVBench's own scripts: the first character of the first word.

If there are brackets, the word inside the first pair. "B. red" and "(B) red" are B; "The answer is
B" is T, which is wrong, but counts as an answer.
"""


def first_character(text: str) -> str | None:
    """Returns one character, which need not be a letter; None if missing."""
    inside = text.strip().partition(")")[0].strip()
    if "(" in inside:
        inside = inside.split("(")[1].strip()
    word = inside.split(" ")[0]
    return word[:1] or None
