"""Tables of numbers and of words, timetables, forecasts."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import exactly
from data.embedded.findings.names import CITIES, DAYS, FIRST
from data.embedded.findings.pages.money import clock
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import capital, enumerate_words, number_word

TABLES = {  # heading: rows' names, columns with the lowest and highest number
    "Team": ("Wins:2:30", "Losses:1:20", "Points:10:99"),
    "City": ("Rain (mm):10:190", "Days of sun:40:290"),
    "Product": ("Stock:0:900", "Sold:5:700"),
    "Student": ("Math:40:100", "History:40:100", "Music:40:100"),
    "Plant": ("Height (cm):5:220", "Leaves:4:90"),
}


LEXICON = {  # heading: names, and what belongs to each
    "Country | Capital": (
        ("Norland", "Peru", "Kenya", "Estonia", "Chile", "Ghana", "Laos", "Malta"),
        ("Oslo", "Lima", "Nairobi", "Tallinn", "Santiago", "Accra", "Vientiane", "Valletta"),
    ),
    "Room | Teacher": (("Room 4", "Room 12", "Hall A", "Lab 2", "Gym"), FIRST),
    "Course | Teacher": (("Piano", "Drawing", "Chess", "Pottery", "Yoga", "Choir"), FIRST),
    "Dog | Owner": (("Bella", "Rocky", "Luna", "Max", "Biscuit", "Nero"), FIRST),
    "Team | City": (("Lions", "Rovers", "Comets", "Falcons", "Tigers", "Wolves"), CITIES),
    "Branch | Manager": (CITIES, FIRST),
    "Plant | Place": (
        ("Fern", "Basil", "Rose", "Ivy", "Mint", "Lily"),
        ("shade", "balcony", "kitchen", "north wall", "pond", "greenhouse"),
    ),
}
KEYS = {
    "Team": ("Lions", "Rovers", "Comets", "Harbor FC", "Falcons", "Tigers", "United", "Wolves"),
    "City": CITIES,
    "Product": ("Chair", "Desk", "Lamp", "Shelf", "Sofa", "Rug", "Mirror", "Stool"),
    "Student": FIRST,
    "Plant": ("Fern", "Basil", "Rose", "Tomato", "Ivy", "Tulip", "Lily", "Mint"),
}


def timetable(d: Draw) -> Page:
    what = d.pick(("train", "bus", "flight", "ferry"))
    track = {"flight": "Gate", "bus": "Bay", "ferry": "Pier"}.get(what, "Platform")
    rows, facts = [Row("Departures", 1.6), Row(f"Time | To | {track}")], []
    for city in d.names(CITIES, 2, 6):
        hour, number = clock(d), str(d.whole(1, 28))
        row, slots = f"{hour} | {city} | {number}", {"x": what, "to": city, "track": track.lower()}
        rows.append(Row(row))
        facts.append(
            Fact("departs", hour, f"The {what} to {city} leaves at {{v}}.", slots, support=(row,))
        )
        facts.append(
            Fact(
                "track",
                number,
                f"From {track.lower()} {{v}}.",
                slots,
                support=(row,),
                short=f"{capital(track)} {{v}}.",
                right=(rf"\b{number}\b",),
            )
        )
    other = d.pick([c for c in CITIES if all(c not in r.text for r in rows)])
    facts.append(Fact("departs", "\0", slots={"x": what, "to": other}, missing=other))
    about = (("It is a timetable of departures", ("Departures",)),)
    return Page(
        "timetable",
        ("a timetable", "departure board"),
        tuple(rows),
        tuple(facts),
        about,
        ("timetable|schedule|departure",),
        title="Departures",
        lacking=("entry", "date"),
    )


def table(d: Draw) -> Page:
    head = d.pick(list(TABLES))
    columns = [c.split(":") for c in TABLES[head]]
    names = [c[0] for c in columns]
    rows, facts = [Row(" | ".join([head, *names]))], []
    keys = d.names(KEYS[head], 2, 5)
    values = [[d.whole(int(low), int(high)) for _, low, high in columns] for _ in keys]
    for key, row in zip(keys, values, strict=True):
        text = " | ".join([key, *map(str, row)])
        rows.append(Row(text))
        facts += [
            Fact(
                "cell",
                str(v),
                f"The {n.lower()} of {key}: {{v}}.",
                {"row": key, "column": n.lower()},
                right=(rf"\b{v}\b",),
                support=(text,),
            )
            for v, n in zip(row, names, strict=True)
        ]
    for i, name in enumerate(names):
        column = [row[i] for row in values]
        if column.count(max(column)) == 1:
            key = keys[column.index(max(column))]
            facts.append(
                Fact(
                    "most",
                    key,
                    f"{{v}}, with {max(column)}.",
                    {"column": name.lower()},
                    support=tuple(r.text for r in rows),
                )
            )
    facts.append(
        Fact(
            "columns",
            enumerate_words([head, *names]),
            "They are {v}.",
            right=(exactly(names[0]),),
            support=(rows[0].text,),
        )
    )
    about = (
        (
            f"It is a table: {enumerate_words([n.lower() for n in names])} by {head.lower()}",
            (rows[0].text,),
        ),
    )
    return Page(
        "table",
        ("a table",),
        tuple(rows),
        tuple(facts),
        about,
        ("table",),
        lacking=("author", "date", "total"),
    )


def lexicon(d: Draw) -> Page:
    """A table of words, in which a name belongs to each name."""
    head = d.pick(list(LEXICON))
    first, second = LEXICON[head]
    columns = head.split(" | ")
    keys = d.some(first, 2, 5)
    values = d.some(second, len(keys), len(keys))
    rows, facts = [Row(head)], []
    if d.chance(0.5):
        rows.insert(0, Row(invented.title(d), 1.5))
    for key, value in zip(keys, values, strict=True):
        text = f"{key} | {value}"
        rows.append(Row(text))
        slots = {"row": key, "column": columns[1].lower()}
        full = f"The {columns[1].lower()} of {key} is {{v}}."
        facts.append(Fact("cell", value, full, slots, right=(exactly(value),), support=(text,)))
    about = (
        (f"It is a table with the {columns[1].lower()} of each {columns[0].lower()}", (head,)),
    )
    return Page(
        "table",
        ("a table", "list"),
        tuple(rows),
        tuple(facts),
        about,
        ("table",),
        lacking=("author", "date", "total"),
    )


def forecast(d: Draw) -> Page:
    city, days = d.name(CITIES), d.some(DAYS, 3, 4)
    sky = [d.pick(("sunny", "rain", "cloudy", "snow", "fog", "windy")) for _ in days]
    warm = [d.whole(-5, 35) for _ in days]
    texts = [f"{day} | {s} | {w} C" for day, s, w in zip(days, sky, warm, strict=True)]
    rows = [Row(f"Weather in {city}", 1.5), *map(Row, texts)]
    facts = [
        Fact(
            "weather",
            f"{s}, {w} C",
            f"On {day}: {{v}}.",
            {"day": day},
            right=(rf"{s}|{w}\b",),
            support=(t,),
            short=capital("{v}."),
        )
        for day, s, w, t in zip(days, sky, warm, texts, strict=True)
    ]
    about = (
        (f"It is a weather forecast for {city}", (city,)),
        (f"of {number_word(len(days))} days", tuple(days)),
    )
    return Page(
        "forecast",
        ("a weather forecast", "table"),
        tuple(rows),
        tuple(facts),
        about,
        ("weather|forecast",),
        title=rows[0].text,
        lacking=("phone", "author"),
    )


MAKERS = (
    (timetable, 2.5),
    (table, 4.0),
    (lexicon, 2.5),
    (forecast, 1.0),
)
