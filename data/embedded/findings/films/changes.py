"""Questions about films: order, change and motion, as the words of the frames state them."""

from collections.abc import Callable

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly, number_pattern
from data.embedded.findings.films.film import Actor, Film
from data.embedded.findings.phrasings.films import FILMS
from data.embedded.findings.scenes.questions import ALSO, any_name
from data.embedded.findings.words import (
    a,
    capital,
    counted,
    enumerate_words,
    number_word,
    plural_of,
)


def happens(d: Draw, f: Film) -> Exchange | None:
    question = d.ask(FILMS, "happens")
    if f.kinds:
        first, last = f.kinds
        answer = d.say(
            f"First {first.phrase}, then {last.phrase}.",
            f"The video shows first {first.phrase} and then {last.phrase}.",
        )
        return Exchange("video", question, answer, (exactly(first.name), exactly(last.name)))
    parts, names = [], []
    for x in f.actors:
        who = (
            a(x.name)
            if x.name == "person"
            else a(f"{x.color} {x.name}")
            if d.chance(0.5)
            else a(x.name)
        )
        act = "appears" if x.enters else "leaves" if x.leaves < f.length else "stays in place"
        if moved(f, x):
            act = f"moves {to_way(x.way)}"
        elif act == "stays in place" and x.way:
            act = "is there"
        parts.append(f"{who} {act}")
        names.append(x.name)
    if not parts:
        return None
    end = f' The text "{f.texts[0][1]}" is shown.' if f.texts and written(f, 0) else ""
    return Exchange(
        "video",
        question,
        f"{capital(enumerate_words(parts))}.{end}",
        (any_name(names),),
    )


def moved(f: Film, x: Actor) -> bool:
    """Whether the words state that it moves this way, and nothing of its class another way."""
    same = [y for y in f.actors if y.name == x.name]
    return bool(x.way) and len(same) == 1 and f"{x.name} {x.way}" in f.words


def to_way(way: str) -> str:
    return way if way in ("up", "down") else f"to the {way}"


def motion(d: Draw, f: Film) -> Exchange | None:
    movers = [x for x in f.actors if moved(f, x)]
    if not movers:
        return None
    x = d.pick(movers)
    question = d.ask(FILMS, "motion", x=ALSO.get(x.name, x.name) if d.chance(0.3) else x.name)
    answer = d.say(f"{capital(to_way(x.way))}.", f"The {x.name} moves {to_way(x.way)}.")
    other = {"left": "right", "right": "left", "up": "down", "down": "up"}[x.way]
    return Exchange("video", question, answer, (rf"\b{x.way}",), (rf"^(to the )?{other}\b",))


def moves(d: Draw, f: Film) -> Exchange | None:
    single = [x for x in f.actors if f.names.count(x.name) == 1 and len(f.at(0, x.name)) <= 1]
    movers, still = [x for x in single if moved(f, x)], [x for x in single if not x.way]
    still = [x for x in still if f"{x.name} " not in "".join(f.words.split("Moved:")[1:])]
    pool = movers if d.chance(0.5) else still
    if not pool:
        return None
    x = d.pick(pool)
    question = d.ask(FILMS, "moves", x=x.name)
    if x in movers:
        return Exchange(
            "video", question, d.say("Yes.", f"Yes, {to_way(x.way)}."), (YES, "moves"), (NO,)
        )
    return Exchange(
        "video", question, d.pick(("No.", "No, it stays in place.")), (NO, "stays|still"), (YES,)
    )


def change(d: Draw, f: Film) -> Exchange | None:
    question = d.ask(FILMS, "change")
    later = f.words.split("\n")[1:-1]
    if all(line.endswith("No change.") for line in later):
        return Exchange("video", question, d.pick(("No.", "No, nothing changes.")), (NO, "nothing"))
    new = [x for x in f.actors if x.enters and f"New: 1 {x.name}" in f.words]
    if new:
        return Exchange(
            "video", question, f"Yes, {a(new[0].name)} appears.", (exactly(new[0].name),)
        )
    movers = [x for x in f.actors if moved(f, x)]
    if not movers:
        return None
    x = movers[0]
    return Exchange("video", question, f"Yes, the {x.name} moves {to_way(x.way)}.", (x.way,))


def new(d: Draw, f: Film) -> Exchange | None:
    comers = [x for x in f.actors if x.enters]
    question = d.ask(FILMS, "new")
    if not comers:
        if "New" in f.words or f.kinds:
            return None
        return Exchange(
            "video", question, d.pick(("Nothing new.", "No, nothing appears.")), (NO, "nothing")
        )
    if any(f"New: 1 {x.name}" not in f.words for x in comers):
        return None
    seen = enumerate_words(
        [a(f"{x.color} {x.name}") if x.name != "person" else "a person" for x in comers]
    )
    return Exchange(
        "video",
        question,
        d.say(f"{capital(seen)}.", f"{capital(seen)} appears."),
        (comers[0].name,),
    )


def gone(d: Draw, f: Film) -> Exchange | None:
    leavers = [x for x in f.actors if x.leaves < f.length]
    question = d.ask(FILMS, "gone")
    if not leavers:
        if "Gone" in f.words or f.kinds:
            return None
        return Exchange(
            "video", question, d.pick(("Nothing.", "No, nothing leaves.")), (NO, "nothing")
        )
    if any(f"Gone: 1 {x.name}" not in f.words for x in leavers):
        return None
    seen = enumerate_words([f"the {x.name}" for x in leavers])
    return Exchange("video", question, f"{capital(seen)}.", (leavers[0].name,))


def start_or_end(d: Draw, f: Film) -> Exchange | None:
    at_end = d.chance(0.5)
    question = d.ask(FILMS, "last" if at_end else "first")
    if f.kinds:
        kind = f.kinds[1 if at_end else 0]
        answer = d.say(
            f"{capital(kind.phrase)}.",
            f"At the {'end' if at_end else 'start'} there is {kind.phrase}.",
        )
        return Exchange("video", question, answer, (exactly(kind.name),))
    there = f.at(f.length - 1 if at_end else 0)
    if not there or "Gone" in f.words and not any(x.leaves < f.length for x in f.actors):
        return None
    names = list(dict.fromkeys(x.name for x in there))
    seen = enumerate_words([counted(sum(x.name == n for x in there), n) for n in names])
    text = [t for start, t in f.texts if start == 0 and not at_end]
    said = f' and the text "{text[0]}"' if text and written(f, 0) else ""
    return Exchange("video", question, f"{capital(seen)}{said}.", (any_name(names),))


def count(d: Draw, f: Film) -> Exchange | None:
    name = d.pick(f.names or [""])
    if not name or name in ("skis", "broccoli"):
        return None
    start, end = len(f.at(0, name)), len(f.at(f.length - 1, name))
    about = d.pick(("count start", "count end", "count"))
    number = {"count start": start, "count end": end}.get(about, start)
    if about == "count" and (
        start != end or len(f.at(0, name)) != sum(x.name == name for x in f.actors)
    ):
        return None
    shown = f"{start} {name}" in f.words.split("\n")[0] or not start
    if not shown or (end != start and f"1 {name}" not in "".join(f.words.split("\n")[1:])):
        return None
    question = d.ask(FILMS, about, xs=plural_of(name))
    if not number:
        return Exchange("count", question, "None.", (NO, "none"))
    named = f"{number_word(number)} {name if number == 1 else plural_of(name)}"
    return Exchange(
        "count",
        question,
        d.say(f"{capital(number_word(number))}.", f"I see {named}."),
        (number_pattern(number),),
    )


def before(d: Draw, f: Film) -> Exchange | None:
    comers = [x for x in f.actors if x.enters and f"New: 1 {x.name}" in f.words]
    early = [x for x in f.actors if not x.enters]
    pairs = [(x, y) for x in early for y in comers if x.name != y.name and not f.at(0, y.name)]
    if f.kinds:
        first, second = (k.phrase for k in f.kinds)
    elif pairs:
        first, second = (a(x.name) for x in pairs[0])
    else:
        return None
    x, y = d.some((first, second), 2, 2)
    question = d.ask(FILMS, "before", a_x=x, a_y=y)
    key = exactly(first.split(" ", 1)[-1])
    return Exchange(
        "video", question, d.say(f"{capital(first)}.", f"{capital(first)} comes first."), (key,)
    )


def turns_into(d: Draw, f: Film) -> Exchange | None:
    if not f.kinds:
        return None
    question = d.ask(FILMS, "turns into", x=f.kinds[0].name)
    return Exchange(
        "video", question, f"{capital(f.kinds[1].phrase)}.", (exactly(f.kinds[1].name),)
    )


def written(f: Film, index: int) -> bool:
    return f.texts[index][1] in f.words


FilmAsker = Callable[[Draw, Film], Exchange | None]
ASKERS: tuple[tuple[FilmAsker, float], ...] = (
    *((happens, 8.0), (motion, 8.0), (moves, 4.0), (change, 3.0), (new, 4.0), (gone, 3.0)),
    *((start_or_end, 6.0), (count, 7.0), (before, 4.0), (turns_into, 3.0)),
)
