"""Pictures in which everything is a guess: nothing is denied, nothing is stated."""

from dataclasses import replace

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import Exchange
from data.embedded.findings.phrasings.guesses import GUESSES
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.scenes.questions import any_name, called
from data.embedded.findings.scenes.scene import Scene, make_scene
from data.embedded.findings.words import a, at, capital, counted, enumerate_words, plural_of
from vlm.experts.findings import Thing
from vlm.experts.words import activity_in, place

PRIVATE = ("people who", "people age", "people feel", "people else", "people gender")


def make_unsure(d: Draw) -> Scene:
    """A scene whose things were all found with a low score; none doubled."""
    scene = make_scene(d, with_people=d.chance(0.5))
    things: dict[str, list[Thing]] = {}
    for thing in scene.findings.things or ():
        things.setdefault(thing.name, []).append(replace(thing, score=0.44))
    kept = tuple(t for of in list(things.values())[:4] for t in of[:2])
    return replace(scene, findings=replace(scene.findings, things=kept))


def _of(s: Scene, name: str) -> list[Thing]:
    return [t for t in s.guesses if t.name == name]


def _all(s: Scene) -> str:
    names = dict.fromkeys(t.name for t in s.guesses)
    return enumerate_words([counted(len(_of(s, n)), n) for n in names][:4])


def listing(d: Draw, s: Scene) -> Exchange | None:
    if not s.guesses:
        return None
    seen = _all(s)
    answer = d.pick(
        (
            f"Perhaps {seen}; I'm not sure.",
            f"I can't tell for sure. There may be {seen}.",
            f"It isn't clear to me; I may see {seen}.",
        )
    )
    names = any_name([t.name for t in s.guesses])
    return Exchange("object", d.ask(SCENES, "list"), answer, (names,), (), True)


def present(d: Draw, s: Scene) -> Exchange | None:
    if not s.guesses:
        return None
    name = d.pick(s.guesses).name
    if name == "person":
        question = d.ask(SCENES, "people there")
    else:
        question = d.ask(SCENES, "present", a_x=a(called(d, name)), xs=plural_of(name))
    answer = d.pick(("Perhaps, but I'm not sure.", f"There may be {a(name)}; I'm not sure."))
    return Exchange("object", question, answer, ("perhaps|may be",), (), True)


def doing(d: Draw, s: Scene) -> Exchange | None:
    if not _of(s, "person"):
        return None
    others = [n for n in dict.fromkeys(t.name for t in s.guesses) if n != "person"]
    near = f" with {a(others[0])}" if others else ""
    act = activity_in(s.findings)
    answer = d.pick(
        (
            f"I can't tell; there may be a person{near}, but I'm not sure.",
            "I can't tell what they are doing; the person isn't clear.",
        )
    )
    if act:
        forms = (f"Perhaps {act.words}; I'm not sure.", f"They may be {act.words}; I'm not sure.")
        answer = d.pick(forms)
    return Exchange("action", d.ask(SCENES, "people doing"), answer, (), (), True)


def people(d: Draw, s: Scene) -> Exchange | None:
    number = len(_of(s, "person"))
    if not number:
        return None
    answer = f"Perhaps {counted(number, 'person')}, but I'm not sure."
    return Exchange("count", d.ask(SCENES, "people count"), answer, ("perhaps",), (), True)


def about_people(d: Draw, s: Scene) -> Exchange | None:
    if not _of(s, "person"):
        return None
    question = d.ask(SCENES, d.pick(PRIVATE)) if d.chance(0.5) else d.ask(GUESSES, "detail")
    answer = d.pick(
        (
            "I can't tell; I'm not even sure that there is a person.",
            "I can't tell from the picture.",
            "I can't tell; the person isn't clear.",
        )
    )
    return Exchange("unanswerable", question, answer, (), (), True)


def color(d: Draw, s: Scene) -> Exchange | None:
    single = [t for t in s.guesses if t.color and len(_of(s, t.name)) == 1]
    single = [t for t in single if t.name != "person"]
    if not single:
        return None
    thing = d.pick(single)
    question = d.ask(SCENES, "color", x=thing.name)
    answer = f"{capital(thing.color)}, if it is {a(thing.name)}; I'm not sure."
    right = rf"\b{thing.color.replace('gray', 'gr[ae]y')}\b"
    return Exchange("color", question, answer, (right,), (), True)


def where(d: Draw, s: Scene) -> Exchange | None:
    single = [t for t in s.guesses if len(_of(s, t.name)) == 1]
    if not single:
        return None
    thing = d.pick(single)
    spot = at(place(thing))
    question = d.ask(SCENES, "where", x=thing.name)
    answer = f"Perhaps {spot}, but I'm not sure."
    return Exchange("place", question, answer, (place(thing).split()[-1],), (), True)


ASKERS = (
    *((listing, 5.0), (present, 4.0), (doing, 3.0), (people, 2.0), (about_people, 3.0)),
    *((color, 2.0), (where, 2.0)),
)
