"""Names put together from parts, so that none can be learned by heart: shops, titles, sentences."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.names import (
    CITIES,
    COMPANIES,
    EVENTS,
    LAST,
    SENTENCES,
    SHOPS,
    TOPICS,
)
from data.embedded.findings.words import capital
from data.synthetic.language.imagenet_names import with_article

ADJECTIVES = (
    *("Golden", "Silent", "Northern", "Little", "Hidden", "Modern", "Broken", "Simple", "Red"),
    *("Ancient", "Urban", "Perfect", "Curious", "Green", "Happy", "Central", "Royal", "White"),
    *("Honest", "Rapid"),
)
NOUNS = (
    *("Garden", "Engine", "Harbor", "Lantern", "Mountain", "Kitchen", "Library", "Forest", "Wheel"),
    *("Mirror", "Island", "Letter", "Tower", "Compass", "Orchard", "Anchor", "River", "Castle"),
    *("Feather", "Market", "Bridge", "Clock", "Meadow", "Signal", "Window"),
)
TRADES = (
    *("Bakery", "Cafe", "Books", "Pharmacy", "Hardware", "Shoes", "Cycles", "Optics", "Deli"),
    *("Flowers", "Music", "Motors", "Grill", "Pizzeria", "Tailors", "Toys", "Bar", "Salon"),
    *("Store", "Supermarket"),
)
ENDINGS = (
    "Ltd",
    "GmbH",
    "Inc.",
    "Co.",
    "Group",
    "Services",
    "Systems",
    "Partners",
    "Energy",
    "Bank",
)
MEETINGS = (
    "Festival",
    "Fair",
    "Concert",
    "Workshop",
    "Run",
    "Night",
    "Market",
    "Exhibition",
    "Ball",
)
WHO = (
    *("The teacher", "My neighbor", "The captain", "An engineer", "The visitor", "Her brother"),
    *("The manager", "A farmer", "The pilot", "The doctor", "A painter", "The guide"),
)
DID = (
    *("repaired", "found", "painted", "sold", "carried", "measured", "opened", "described"),
    *("forgot", "bought", "moved", "cleaned"),
)
WHAT = (
    *("the old engine", "a heavy box", "two wooden chairs", "the long report", "a small boat"),
    *("the broken window", "the garden gate", "an empty bottle", "the yellow tent", "the map"),
    *("three clean towels", "a bag of seeds"),
)
WHEN = (
    *("before the storm", "last winter", "on Monday", "without any help", "near the station"),
    *("in the evening", "after the meeting", "behind the house", "for the first time", "at noon"),
)


def shop(d: Draw) -> str:
    trade = d.name(TRADES)
    forms = (
        f"{d.name(LAST)}'s {trade}",
        f"{d.name(ADJECTIVES)} {d.name(NOUNS)} {trade}",
        f"{d.name(LAST)} {trade}",
        f"{d.name(CITIES)} {trade}",
    )
    return d.name(SHOPS) if d.chance(0.3) else d.pick(forms)


def company(d: Draw) -> str:
    forms = (f"{d.name(LAST)} {d.name(ENDINGS)}", f"{d.name(NOUNS)} {d.name(ENDINGS)}")
    return d.name(COMPANIES) if d.chance(0.3) else d.pick(forms)


def title(d: Draw) -> str:
    forms = (
        f"The {d.name(ADJECTIVES)} {d.name(NOUNS)}",
        f"{d.name(NOUNS)} and {d.name(NOUNS)}",
        f"{d.name(ADJECTIVES)} {d.name(NOUNS)}s",
        f"{capital(with_article(d.name(NOUNS)))} in {d.name(CITIES)}",
        f"How to Build {with_article(d.name(NOUNS))}",
    )
    return d.name(TOPICS) if d.chance(0.3) else d.pick(forms)


def event(d: Draw) -> str:
    forms = (
        f"{d.name(CITIES)} {d.name(MEETINGS)}",
        f"{d.name(ADJECTIVES)} {d.name(NOUNS)} {d.name(MEETINGS)}",
    )
    return d.name(EVENTS) if d.chance(0.3) else d.pick(forms)


def sentences(d: Draw, low: int, high: int) -> list[str]:
    made = [f"{d.name(WHO)} {d.name(DID)} {d.name(WHAT)} {d.name(WHEN)}." for _ in range(high)]
    known = d.names(SENTENCES, high, high)
    mixed = [d.pick(pair) for pair in zip(made, known, strict=False)]
    return list(dict.fromkeys(mixed))[: d.whole(low, high)]
