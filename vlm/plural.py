"""How many of something, in words: "1 look", "1,024 frames"."""


def plural(number: int, noun: str) -> str:
    """`noun` is the singular, and its plural ends in s."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
