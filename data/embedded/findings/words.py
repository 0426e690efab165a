"""Small helps of English: numbers as words, lists, plurals, places."""

from collections.abc import Sequence

from data.embedded.findings.exchange import NUMBERS
from data.synthetic.language.imagenet_names import with_article

PLURALS = {
    **{"person": "people", "sheep": "sheep", "skis": "skis", "scissors": "scissors"},
    **{"knife": "knives", "wine glass": "wine glasses", "mouse": "mice", "bus": "buses"},
    **{"bench": "benches", "couch": "couches", "sandwich": "sandwiches", "broccoli": "broccoli"},
    **{"toothbrush": "toothbrushes", "fish": "fish"},
}
WITHOUT_ARTICLE = {"skis": "skis", "scissors": "scissors", "broccoli": "broccoli"}


def plural_of(name: str) -> str:
    return PLURALS.get(name, f"{name}s")


def a(name: str) -> str:
    """The name with its article: "an umbrella", "scissors"."""
    return WITHOUT_ARTICLE.get(name) or with_article(name)


def counted(number: int, name: str, color: str = "") -> str:
    """ "a blue bus", "three people"."""
    described = f"{color} {name}".strip()
    if number == 1:
        return described if name in WITHOUT_ARTICLE else with_article(described)
    return f"{number_word(number)} {color} {plural_of(name)}".replace("  ", " ")


def number_word(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def enumerate_words(parts: Sequence[str]) -> str:
    """ "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def at(place: str) -> str:
    """ "left" -> "on the left", "top middle" -> "at the top"."""
    words = place.split()
    if len(words) == 2:
        level, side = words
        return f"at the {level}" if side == "middle" else f"at the {level} {side}"
    return "in the middle" if place == "middle" else f"on the {place}"


def is_are(number: int, name: str = "") -> str:
    return "is" if number == 1 and name not in ("skis", "scissors") else "are"
