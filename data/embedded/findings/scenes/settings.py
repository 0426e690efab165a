"""Questions about places: what stands there, what kind of place, never which one exactly."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.phrasings.settings import SETTINGS
from data.embedded.findings.scenes.questions import absent_name, count, listing, not_seen
from data.embedded.findings.scenes.setting import STANDING, Setting
from data.embedded.findings.words import a, capital, counted, enumerate_words
from vlm.experts.words import SMALL

UNSURE = ("I'm not sure", "I can't be sure", "but I'm not sure", "I can't tell for sure")
ELSEWHERE = (
    *("at a beach", "in a kitchen", "in the mountains", "in an office", "on a street"),
    *("in a bedroom", "in a restaurant", "on a farm", "in a library", "at a harbor", "in a shop"),
)


def unsure(d: Draw, guess: str) -> str:
    """A guess that is called one: "Perhaps a dog, but I'm not sure."."""
    how = d.pick(UNSURE)
    return f"{guess}{', ' if how.startswith('but') else '; '}{how}."


def describe(d: Draw, s: Setting) -> Exchange:
    things = listing(s)[:3]
    extra = f" and {enumerate_words(things)}" if things else ""
    if not s.sure and not s.family:
        answer = unsure(d, capital(f"perhaps {s.subject.phrase}{extra}"))
    else:
        comma = "," if extra and ", perhaps" in s.phrase else ""
        words = f"{s.phrase}{comma}{extra}"
        answer = d.pick((f"{capital(words)}.", f"The picture shows {words}."))
    maybe = [t.name for t in s.guesses if t.name not in s.names]
    if maybe and d.chance(0.5):
        answer += f" There may also be {a(maybe[0])}."
    return Exchange("place", d.ask(SETTINGS, "describe"), answer, _names(s))


def name(d: Draw, s: Setting) -> Exchange:
    question = d.ask(SETTINGS, "name")
    if "building" in question.lower() and s.subject.family not in STANDING:
        question = d.ask(SCENES, "name")
    if s.sure:
        answer = d.say(f"{capital(s.subject.phrase)}.", f"It looks like {s.subject.phrase}.")
    elif s.family:
        answer = d.pick((f"{capital(s.phrase)}.", f"It looks like {s.phrase}."))
    else:
        answer = unsure(d, capital(s.phrase))
    return Exchange("object", question, answer, _names(s))


def place(d: Draw, s: Setting) -> Exchange:
    where = s.theme.place
    question = d.ask(SETTINGS, "place")
    right = (_key(where), *_names(s))
    if s.sure:
        full = f"{capital(where)}, it seems: I see {s.subject.phrase}."
        more = f"It looks like {s.subject.phrase}; I can't tell the exact place."
        return Exchange("place", question, d.pick((f"{capital(where)}.", full, more)), right)
    if s.named:
        answer = f"It may be {where}: I see {s.phrase.removeprefix('perhaps ')}."
        return Exchange("place", question, d.pick((answer, f"Perhaps {where}.")), right)
    return Exchange("place", question, unsure(d, f"Perhaps {where}"), right, honest=True)


def either(d: Draw, s: Setting) -> Exchange | None:
    """One of two places, if the kinds show one of them."""
    others = [x for x in ELSEWHERE if x.split()[-1] not in s.theme.place]
    if not s.named:
        first, second = d.some(others, 2, 2)
        question = d.ask(SETTINGS, "either", a=first, b=second)
        return Exchange("place", question, "I can't tell from the picture.", (), (), True)
    where = s.theme.place.split(" or ")[0]
    other = d.pick(others)
    first, second = d.some((where, other), 2, 2)
    answer = d.pick((f"{capital(where)}.", f"{capital(where)}, it seems."))
    question = d.ask(SETTINGS, "either", a=first, b=second)
    return Exchange("place", question, answer, (exactly(where),), (rf"^{exactly(other)}",))


def indoors(d: Draw, s: Setting) -> Exchange:
    question = d.ask(SETTINGS, "indoors")
    word = "outdoors" if s.theme.outdoors else "indoors"
    right = ("outdoor|outside",) if s.theme.outdoors else ("indoor|inside",)
    if s.named:
        see = s.phrase.removeprefix("perhaps ")
        answer = d.say(f"{capital(word)}.", f"{capital(word)}, it seems: I see {see}.")
        return Exchange("place", question, answer, right)
    return Exchange("place", question, unsure(d, f"Perhaps {word}"), right, honest=True)


def exact(d: Draw, s: Setting) -> Exchange:
    seen = f"; I only see {s.phrase.removeprefix('perhaps ')}" if s.named else ""
    answer = d.pick(
        (
            f"I can't tell from the picture{seen}.",
            "I can't tell; the picture doesn't show it.",
            f"The picture doesn't say that{seen}.",
        )
    )
    return Exchange("unanswerable", d.ask(SETTINGS, "exact"), answer, (), (), True)


def weather(d: Draw, s: Setting) -> Exchange:
    answer = d.pick(("I can't tell from the picture.", "I can't tell that for sure."))
    if s.findings.dark:
        answer = "I can't tell for sure; the picture is dark."
    return Exchange("unanswerable", d.ask(SETTINGS, "weather"), answer, (), (), True)


def color(d: Draw, s: Setting) -> Exchange:
    """Of what the classifier names, the color of the middle."""
    word = s.findings.middle_color or s.findings.color
    name = s.family if s.family and d.chance(0.5) else s.subject.name
    if s.subject.family in ("building", "home") and d.chance(0.4):
        name = d.pick(("house", "building"))
    answer = d.say(f"{capital(word)}.", f"It looks {word}.")
    question = d.ask(SETTINGS, "color", x=name)
    return Exchange("color", question, answer, (rf"\b{word.replace('gray', 'gr[ae]y')}\b",))


def flying(d: Draw, s: Setting) -> Exchange | None:
    """A small thing in the sky is easily taken for another."""
    flyers = [t for t in s.things if t.name in ("bird", "kite", "airplane")]
    question = d.ask(SETTINGS, "flying")
    if not flyers:
        if d.chance(0.7) or any(t.name in ("bird", "kite") for t in s.guesses):
            return None
        answer = d.pick(("I don't see anything in the sky.", "I can't see anything flying."))
        return Exchange("absent", question, answer, (NO, "can't see"), (), True)
    thing = flyers[0]
    if thing.area < SMALL * 3:
        other = "a kite" if thing.name == "bird" else a(thing.name)  # birds are what mostly flies
        answer = f"Something small, perhaps a bird or {other}; I'm not sure."
        return Exchange("object", question, answer, (thing.name,))
    return Exchange("object", question, f"{capital(counted(1, thing.name))}.", (thing.name,))


def present(d: Draw, s: Setting) -> Exchange | None:
    """Whether the place, or something else, is in the picture."""
    if s.sure and d.chance(0.5):
        question = d.ask(SCENES, "is a", a_x=s.subject.phrase)
        answer = d.say("Yes.", f"Yes, it looks like {s.subject.phrase}.")
        return Exchange("object", question, answer, (YES,), (NO,))
    other = absent_name(d, s)
    if not other or s.guesses:
        return None
    question = d.ask(SCENES, "present", a_x=a(other), xs=f"{other}s")
    return Exchange("absent", question, not_seen(d, other), (NO,), (YES,))


def people(d: Draw, s: Setting) -> Exchange | None:
    return count(d, s) if s.people else None


def _names(s: Setting) -> tuple[str, ...]:
    own = (exactly(s.subject.name),)
    return own + ((rf"\b{exactly(s.family)}",) if s.family else ())


def _key(where: str) -> str:
    words = [w for w in where.replace("'s", "").split() if len(w) > 3 and w != "with"]
    return "|".join(words) or exactly(where)


ASKERS = (
    *((describe, 8.0), (name, 5.0), (place, 8.0), (either, 2.0), (indoors, 3.0), (exact, 2.0)),
    *((weather, 1.5), (color, 2.5), (flying, 2.0), (present, 3.0), (people, 1.0)),
)
