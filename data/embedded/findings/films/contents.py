"""Questions about what is in a film: things, text, colors, and what frames do not show."""

import re

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.films.changes import FilmAsker, moved, to_way, written
from data.embedded.findings.films.film import Film
from data.embedded.findings.phrasings.films import FILMS
from data.embedded.findings.words import (
    a,
    capital,
)


def present(d: Draw, f: Film) -> Exchange | None:
    if f.kinds:
        return None
    if d.chance(0.5) and f.names:
        name = d.pick(f.names)
        question = d.ask(FILMS, "present", a_x=a(name))
        later = " It appears later." if not f.at(0, name) else ""
        return Exchange(
            "video", question, d.say("Yes.", f"Yes, there is {a(name)}.{later}"), (YES,), (NO,)
        )
    absent = (
        [c for c in f.theme.classes if c not in f.names]
        if d.chance(0.5)
        else ["elephant", "pizza", "boat", "cat", "kite"]
    )
    absent = [c for c in absent if c not in f.words]
    if not absent:
        return None
    name = d.pick(absent)
    question = d.ask(FILMS, "present", a_x=a(name))
    answer = d.pick(("No.", f"No, I don't see {a(name)} in the video.", f"I don't see {a(name)}."))
    return Exchange("absent", question, answer, (NO,), (YES,))


def text(d: Draw, f: Film) -> Exchange | None:
    about = d.pick(("text", "text", "last text", "first text"))
    question = d.ask(FILMS, about)
    if not f.texts:
        if about != "text":
            return None
        return Exchange("text", question, "I don't find any text in the video.", (), (), True)
    read = [x for i, (_, x) in enumerate(f.texts) if written(f, i)]
    if len(read) < len(f.texts) or (about == "first text" and f.texts[0][0]):
        return None
    shown = {"text": read, "last text": read[-1:], "first text": read[:1]}[about]
    said = " and ".join(f'"{x}"' for x in shown)
    return Exchange(
        "text", question, d.say(f"{said}.", f"It says {said}."), tuple(map(exactly, shown[-1:]))
    )


def refused(d: Draw, f: Film) -> Exchange | None:
    about = d.pick(list(REFUSED))
    if about in ("who", "sound") and "person" not in f.names:
        return None
    return Exchange("unanswerable", d.ask(FILMS, about), d.pick(REFUSED[about]), (), (), True)


def doing(d: Draw, f: Film) -> Exchange | None:
    people = [x for x in f.actors if x.name == "person"]
    if not people or len(people) > 1:
        return None
    question = d.ask(FILMS, "doing")
    found = re.search(r"(Doing|Perhaps doing): ([^.]*)\.", f.words.split("\n")[-1])
    if found:
        sure = found[1] == "Doing"
        answer = f"The person seems to be {found[2]}." if sure else f"Perhaps {found[2]}."
        return Exchange("action", question, answer, (found[2].split()[-1],))
    if moved(f, people[0]):
        way = people[0].way
        answer = d.say(
            f"Moving {to_way(way)}.", f"The person moves {to_way(way)}; I can't tell more."
        )
        return Exchange("action", question, answer, (rf"\b{way}\b",))
    return Exchange("action", question, "I can't tell what the person is doing.", (), (), True)


def color(d: Draw, f: Film) -> Exchange | None:
    single = [
        x for x in f.actors if sum(y.name == x.name for y in f.actors) == 1 and x.name != "person"
    ]
    single = [x for x in single if f"{x.color})" in f.words or f"{x.color};" in f.words]
    if not single:
        return None
    x = d.pick(single)
    question = d.ask(FILMS, "color", x=x.name)
    return Exchange(
        "color", question, d.say(f"{capital(x.color)}.", f"The {x.name} is {x.color}."), (x.color,)
    )


REFUSED = {
    "sound": (
        "I can't hear sound; I only see frames of the video.",
        "I can't tell, I don't hear the sound of a video.",
    ),
    "next": ("I can't tell what comes next from the video.", "I can't tell that from the video."),
    "length": ("I can't tell that from the frames.", "I can't tell from the video."),
    "who": ("I don't identify people.", "I can't tell who that is; I don't identify people."),
}


ASKERS: tuple[tuple[FilmAsker, float], ...] = (
    *((present, 6.0), (text, 6.0), (refused, 4.0), (doing, 5.0), (color, 3.0)),
)
