"""Questions about the things of a scene; every answer follows from the findings alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly, number_pattern
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.scenes.scene import Scene
from data.embedded.findings.words import (
    a,
    at,
    capital,
    counted,
    enumerate_words,
    is_are,
    number_word,
    plural_of,
)
from data.synthetic.language.imagenet_names import imagenet_classes
from vlm.experts.detection.coco import CLASSES, GROUPS
from vlm.experts.words import place, place_in

THIN, SURE_KIND = 0.03, 0.5  # of the frame's area; probability
HYPERNYMS = {"animal": "animals", "vehicle": "vehicles", "fruit": "fruits"}
Asker = Callable[[Draw, Scene], Exchange | None]

ALSO = {  # other words of people for a class
    **{"bicycle": "bike", "motorcycle": "motorbike", "tv": "television", "couch": "sofa"},
    **{"cell phone": "phone", "refrigerator": "fridge", "airplane": "plane", "boat": "ship"},
    **{"potted plant": "plant", "dining table": "table", "sports ball": "ball", "cow": "cow"},
    **{"truck": "lorry", "handbag": "bag", "laptop": "notebook computer", "cup": "mug"},
}
FAMILIES = {
    "animals": GROUPS[0][:-1] + ("bird",),
    "vehicles": ("car", "bus", "train", "truck", "bicycle", "motorcycle", "airplane", "boat"),
    "pieces of furniture": ("chair", "couch", "bench", "bed", "dining table"),
    "fruits": ("banana", "apple", "orange"),
    "kinds of food": ("sandwich", "pizza", "hot dog", "donut", "cake", "broccoli", "carrot"),
}


def called(d: Draw, name: str) -> str:
    """The class as somebody may call it."""
    return ALSO.get(name, name) if d.chance(0.3) else name


def listing(scene: Scene) -> list[str]:
    """Every class with number and, if there is just one, color; the largest first."""
    area = Counter[str]()
    for thing in scene.things:
        area[thing.name] += round(1e6 * thing.area)
    parts = []
    for name, _ in sorted(area.items(), key=lambda item: (-item[1], item[0])):
        of = scene.of(name)
        color = of[0].color if len(of) == 1 and name != "person" else ""
        parts.append(counted(len(of), name, color))
    return parts


def list_things(d: Draw, s: Scene) -> Exchange | None:
    parts = listing(s)
    if not parts:
        return None
    words = enumerate_words(parts[:5])
    if sum(t.area for t in s.things) < THIN and not s.people:
        return _thin(d, s, words)
    shown = place_in(s.findings)
    where = f" It seems to be {shown.words}." if shown and shown.sure and d.chance(0.4) else ""
    full = f"The picture shows {words}.{where}"
    if s.guesses and d.chance(0.4) and s.guesses[0].name not in s.names:
        full += f" There may also be {a(s.guesses[0].name)}."
    if s.findings.lines:
        full += f' I can also read "{s.findings.lines[0].text}".'
    kind = kind_phrase(s)
    if kind and d.chance(0.7):
        full += f" It looks like {kind}."
        words += f", and it looks like {kind}"
    answer = d.say(capital(words) + ".", full)
    return Exchange("object", d.ask(SCENES, "list"), answer, (any_name(s.names),))


def _thin(d: Draw, s: Scene, words: str) -> Exchange:
    """Small things alone are not what a picture shows."""
    kinds = [k for k in s.findings.kinds or () if k.name in _phrases()]
    kind = f" It may be {_phrases()[kinds[0].name]}." if kinds else ""
    answer = d.pick(
        (
            f"I only see {words}; it isn't clear what else there is.{kind}",
            f"I can't tell for sure; I only see {words}.{kind}",
        )
    )
    return Exchange("object", d.ask(SCENES, "list"), answer, (any_name(s.names),), (), True)


def kind_phrase(s: Scene) -> str:
    """The kind that is sure, with its article, unless it is one of the things."""
    for kind in s.findings.kinds or ():
        known = any(kind.name in (n, ALSO.get(n, n)) or n in kind.name for n in s.names)
        if kind.probability >= SURE_KIND and not known and kind.name in _phrases():
            return _phrases()[kind.name]
    return ""


@cache
def _phrases() -> dict[str, str]:
    return {k.name: k.phrase for k in imagenet_classes()}


def main_thing(d: Draw, s: Scene) -> Exchange | None:
    biggest = max(s.things, key=lambda t: t.area, default=None)
    if biggest is None or len(s.of(biggest.name)) > 1:
        return None
    words = counted(1, biggest.name, biggest.color if biggest.name != "person" else "")
    answer = d.say(capital(words) + ".", f"The main thing is {words} {at(place(biggest))}.")
    return Exchange("object", d.ask(SCENES, "main"), answer, (any_name([biggest.name]),))


def count(d: Draw, s: Scene) -> Exchange | None:
    names = s.names
    if not names:
        return None
    name = "person" if "person" in names and d.chance(0.4) else d.pick(names)
    number = len(s.of(name))
    maybe = sum(t.name == name for t in s.guesses)
    if name == "person":
        question = d.ask(SCENES, "people count")
    else:
        question = d.ask(SCENES, "count", xs=plural_of(called(d, name)))
    return Exchange("count", question, count_answer(d, name, number, maybe), _number(number, maybe))


def count_answer(d: Draw, name: str, number: int, maybe: int = 0) -> str:
    words = number_word(number)
    if maybe:
        return f"{capital(words)}, perhaps {number_word(number + maybe)}."
    named = f"{words} {name if number == 1 else plural_of(name)}"
    short = d.pick((capital(words), str(number), capital(named)))
    return d.say(f"{short}.", f"I can see {named}.")


def _number(number: int, maybe: int) -> tuple[str, ...]:
    return tuple(number_pattern(n) for n in range(number, number + maybe + 1))


def count_all(d: Draw, s: Scene) -> Exchange | None:
    if not 1 < len(s.things) < 7 or s.guesses:
        return None
    number = len(s.things)
    full = f"I found {number_word(number)}: {enumerate_words(listing(s))}."
    answer = d.pick((f"{capital(number_word(number))}.", full))
    return Exchange("count", d.ask(SCENES, "count all"), answer, (number_pattern(number),))


def present(d: Draw, s: Scene) -> Exchange | None:
    """Yes and no in equal numbers; half of the absent things are of a kind that is there."""
    if d.chance(0.5):
        names = [n for n in s.names if n != "person"]
        return _there(d, s, d.pick(names)) if names else None
    name = absent_name(d, s)
    return _not_there(d, name) if name else None


def _there(d: Draw, s: Scene, name: str) -> Exchange:
    words = called(d, name)
    question = d.ask(SCENES, "present", a_x=a(words), xs=plural_of(words))
    of = s.of(name)
    seen = counted(len(of), name, of[0].color if len(of) == 1 else "")
    full = f"Yes, {seen}." if d.chance(0.5) else f"Yes, there {is_are(len(of), name)} {seen}."
    where = f"Yes, {at(place(of[0]))}."
    answer = d.pick(("Yes.", "Yes.", full, where if len(of) == 1 else full))
    return Exchange("object", question, answer, (YES,), (NO,))


def _not_there(d: Draw, name: str) -> Exchange:
    words = called(d, name)
    question = d.ask(SCENES, "present", a_x=a(words), xs=plural_of(words))
    return Exchange("absent", question, not_seen(d, words), (NO,), (YES,))


def not_seen(d: Draw, name: str) -> str:
    what = a(name) if name != "person" else d.pick(("anyone", "any people"))
    return d.pick(
        (
            "No.",
            f"No, I don't see {what}.",
            f"No, I don't see {what} in the picture.",
            f"I don't see {what} in the picture.",
            f"No, there is no {name}." if name != "person" else "No, nobody.",
        )
    )


def absent_name(d: Draw, s: Scene) -> str:
    """A class that no expert names; half of the time one that belongs to such a scene."""
    near = [c for g in GROUPS for c in g if any(n in g for n in s.names)] + list(s.theme.classes)
    pool = near if d.chance(0.5) else list(CLASSES)
    words = {w for k in s.findings.kinds or () for w in k.name.split()}
    free = [c for c in pool if not s.maybe(c) and not words & set(c.split()) and c != "person"]
    families = {k.family for k in imagenet_classes() if s.findings.kinds and k.name in s.kinds}
    free = [c for c in free if not any(c == f or _alike(c, f) for f in families if f)]
    return d.pick(free) if free else ""


def hypernym(d: Draw, s: Scene) -> Exchange | None:
    """Asks for an animal where there is a dog; yes and no in equal numbers."""
    truth = d.chance(0.5)
    if not truth and (s.guesses or s.findings.kinds):
        return None
    word, group = d.pick(list(HYPERNYMS.items()))
    names = [n for n in s.names if n in FAMILIES[group]]
    if truth != bool(names):
        return None
    question = d.ask(SCENES, "present", a_x=a(word), xs=plural_of(word))
    if not truth:
        answer = d.pick(("No.", f"No, I don't see {a(word)}."))
        return Exchange("absent", question, answer, (NO,), (YES,))
    seen = enumerate_words([counted(len(s.of(n)), n) for n in names])
    return Exchange("object", question, d.pick(("Yes.", f"Yes, {seen}.")), (YES,), (NO,))


def _alike(name: str, family: str) -> bool:
    """Whether a detector's class may be what the classifier takes for one of the family."""
    return any(name in g and family in g for g in GROUPS)


def guessed(d: Draw, s: Scene) -> Exchange | None:
    names = [t.name for t in s.guesses if not s.of(t.name) and t.name != "person"]
    if not names:
        return None
    name = d.pick(names)
    answer = d.pick(("Perhaps, but I'm not sure.", f"Maybe; I'm not sure it is {a(name)}."))
    question = d.ask(SCENES, "present", a_x=a(name), xs=plural_of(name))
    return Exchange("object", question, answer, ("perhaps|maybe|might|may be|not sure",))


def more(d: Draw, s: Scene) -> Exchange | None:
    if len(s.names) < 2 or s.guesses:
        return None
    x, y = d.some(s.names, 2, 2)
    num_x, num_y = len(s.of(x)), len(s.of(y))
    question = d.ask(SCENES, "more", xs=plural_of(x), ys=plural_of(y))
    if num_x == num_y:
        return Exchange(
            "count", question, f"As many of both: {number_word(num_x)}.", ("as many|same|equal",)
        )
    most = x if num_x > num_y else y
    numbers = {x: num_x, y: num_y}
    both = " and ".join(counted(numbers[n], n) for n in sorted((x, y), key=lambda n: -numbers[n]))
    answer = d.say(f"More {plural_of(most)}.", f"More {plural_of(most)}: {both}.")
    return Exchange(
        "count",
        question,
        answer,
        (rf"more {exactly(plural_of(most))}|^{exactly(plural_of(most))}",),
    )


def group(d: Draw, s: Scene) -> Exchange | None:
    named = [*s.names, *(t.name for t in s.guesses)]
    family = d.pick([f for f, names in FAMILIES.items() if set(names) & set(named)] or [""])
    if not family and (s.guesses or s.findings.kinds or d.chance(0.7)):
        return None
    if not family:
        family = d.pick(list(FAMILIES))
        question = d.ask(SCENES, "group", group=family)
        return Exchange("absent", question, f"I don't see any {family}.", (NO,), (YES,), True)
    names = [n for n in s.names if n in FAMILIES[family]]
    maybe = [n for n in dict.fromkeys(named) if n in FAMILIES[family] and n not in names]
    words = enumerate_words([counted(len(s.of(n)), n) for n in names])
    question = d.ask(SCENES, "group", group=family)
    if maybe and not words:
        answer = f"Perhaps {a(maybe[0])}, but I'm not sure."
    elif maybe:
        answer = f"{capital(words)}, and perhaps {a(maybe[0])}."
    else:
        answer = d.say(f"{capital(words)}.", f"I see {words}.")
    return Exchange("object", question, answer, tuple(any_name([n]) for n in names or maybe))


def any_name(names: Sequence[str]) -> str:
    forms = {w for n in names for w in (n, plural_of(n), ALSO.get(n, n))}
    return "|".join(rf"\b{exactly(w)}" for w in sorted(forms))


ASKERS: tuple[tuple[Asker, float], ...] = (
    *((list_things, 9.0), (main_thing, 2.0), (count, 10.0), (count_all, 1.0), (present, 9.0)),
    *((guessed, 1.5), (more, 1.5), (group, 3.0), (hypernym, 2.5)),
)
