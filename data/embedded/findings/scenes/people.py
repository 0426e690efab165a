"""Questions about people: how many, where, in what color; never who, how old, how they feel."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, number_pattern
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.scenes.questions import Asker, count_answer, not_seen
from data.embedded.findings.scenes.scene import Scene, places
from data.embedded.findings.words import a, at, capital, counted, enumerate_words
from vlm.experts.together import together
from vlm.experts.words import MAX_LISTED, activity_in, place

REASONS = {
    "people who": (
        "I don't identify people.",
        "I can't tell who that is; I don't identify people.",
        "I don't identify people. I can only tell what is in the picture: {seen}.",
    ),
    "people age": (
        "I can't tell anyone's age from the picture.",
        "I can't tell how old a person is.",
        "I can't tell; I don't judge the age of people.",
    ),
    "people feel": (
        "I can't tell from the picture how someone feels.",
        "I can't tell; I don't see faces well enough and don't judge feelings.",
        "I can't tell that from the picture.",
    ),
    "people health": (
        "I can't tell that from a picture. A doctor can.",
        "I can't tell; I don't judge anyone's health.",
        "I can't tell from the picture whether someone is well.",
    ),
    "people gender": (
        "I can't tell for sure; I only see {seen}.",
        "I can't tell from the picture.",
    ),
    "people else": (
        "I can't tell that from the picture.",
        "I can't tell; the picture doesn't show it.",
        "I can't tell that about a person.",
    ),
    "people detail": (
        "I can't tell from the picture; I don't see such details.",
        "I can't tell, that is too small for me to see.",
        "I can see {seen}, but I can't tell such details.",
    ),
}


def seen_people(s: Scene) -> str:
    return counted(len(s.people), "person")


def there(d: Draw, s: Scene) -> Exchange | None:
    question = d.ask(SCENES, "people there")
    if s.people:
        seen = seen_people(s)
        be = "is" if len(s.people) == 1 else "are"
        options = ["Yes.", f"Yes, {seen}.", f"Yes, there {be} {seen}."]
        if len(s.people) == 1:
            options.append(f"Yes, {at(place(s.people[0]))}.")
        return Exchange("person", question, d.pick(options), (YES,), (NO,))
    if s.maybe("person"):
        return Exchange(
            "person", question, "Perhaps, but I'm not sure.", ("perhaps|maybe|not sure",)
        )
    return Exchange("absent", question, not_seen(d, "person"), (NO, r"\bnobody"), (YES,))


def how_many(d: Draw, s: Scene) -> Exchange | None:
    question = d.ask(SCENES, "people count")
    if not s.people:
        if s.maybe("person"):
            return None
        answer = d.pick(("None.", "I don't see any people.", "None that I can see."))
        return Exchange("absent", question, answer, (NO, "none|no people|any people"))
    maybe = sum(t.name == "person" for t in s.guesses)
    rights = tuple(number_pattern(len(s.people) + n) for n in range(maybe + 1))
    return Exchange("count", question, count_answer(d, "person", len(s.people), maybe), rights)


def pose(d: Draw, s: Scene) -> Exchange | None:
    """Who sits, stands or is a woman cannot be told, but how many there are."""
    if not s.people or s.maybe("person") and any(t.name == "person" for t in s.guesses):
        return None
    seen = capital(counted(len(s.people), "person"))
    be = "is" if len(s.people) == 1 else "are"
    answer = d.pick(
        (
            f"I see {seen.lower()}, but I can't tell more about them.",
            f"{seen} {be} in the picture; I can't tell more.",
        )
    )
    question = d.ask(SCENES, "people pose")
    return Exchange("count", question, answer, (number_pattern(len(s.people)),))


def where(d: Draw, s: Scene) -> Exchange | None:
    if not 1 <= len(s.people) <= 4:
        return None
    spots = list(dict.fromkeys(places(s.people)))
    words = enumerate_words([at(p) for p in spots])
    rights = tuple(rf"\b{p.split()[-1]}\b|\b{p.split()[0]}\b" for p in spots)
    return Exchange("place", d.ask(SCENES, "people where"), f"{capital(words)}.", rights)


def doing(d: Draw, s: Scene) -> Exchange | None:
    """What boxes show: riding, holding, things to play with; otherwise it cannot be told."""
    if not s.people:
        return None
    question = d.ask(SCENES, "people doing")
    act = activity_in(s.findings)
    if act and act.sure:
        start = "The person seems" if len(s.people) == 1 else "Someone seems"
        full = d.pick((f"It looks like someone is {act.words}.", f"{start} to be {act.words}."))
        answer = d.say(f"{capital(act.words)}.", full)
        return Exchange("action", question, answer, (_act(act.words, act.thing),))
    if act:
        answer = d.pick(
            (
                f"Perhaps {act.words}; I can't be sure.",
                f"They may be {act.words}, but I'm not sure.",
            )
        )
        right = (act.words.split()[-1], act.thing or act.words)
        return Exchange("action", question, answer, right, honest=True)
    pairs = [p.split(" ", 2) for p in together(s.things)]
    held = [name for _, how, name in pairs if how == "with" and name != "tie"]
    if held:
        answer = f"I see a person with {a(held[0])}, but I can't tell what they are doing."
        return Exchange("action", question, answer, (held[0],), honest=True)
    others = [n for n in s.names if n != "person"]
    near = f" near {a(d.pick(others))}" if others and d.chance(0.3) else ""
    seen = f"I can see {seen_people(s)}{near}, but I can't tell what they are doing."
    posing = "Perhaps posing for the picture; I can't tell for sure."
    answer = d.pick((seen, posing, f"{seen} Perhaps they are posing."))
    return Exchange("action", question, answer, (), (), True)


def _act(act: str, name: str) -> str:
    return "|".join(sorted({act.split()[0], act.split()[-1], name}))


def wearing(d: Draw, s: Scene) -> Exchange | None:
    colored = [p for p in s.people if p.color]
    if not s.people or len(s.people) > MAX_LISTED:
        return None
    question = d.ask(SCENES, "people wear")
    if not colored:
        return Exchange("person", question, "I can't tell what they are wearing.", (), (), True)
    tie = " and a tie" if any(p.endswith("with tie") for p in together(s.things)) else ""
    if len(s.people) == 1:
        color = colored[0].color
        answer = d.pick(
            (f"Something {color}{tie}.", f"The clothes look {color}.", f"{capital(color)}.")
        )
        return Exchange("person", question, answer, (rf"\b{color}\b",))
    words = [f"one in {p.color} {at(place(p))}" for p in sorted(colored, key=lambda t: t.center)]
    answer = f"They are in {enumerate_words(sorted({p.color for p in colored}))}."
    if len(colored) == len(set(map(place, colored))) and len(colored) < 4:
        answer = f"{capital(enumerate_words(words))}."
    return Exchange("person", question, answer, tuple(rf"\b{p.color}\b" for p in colored))


def thing_held(d: Draw, s: Scene) -> Exchange | None:
    if not s.people:
        return None
    question = d.ask(SCENES, "person thing")
    held = [p.split(" ", 2)[2] for p in together(s.things) if p.startswith("person with")]
    held = [name for name in held if name != "tie"]
    if not held:
        return Exchange("person", question, "I can't tell what they are holding.", (), (), True)
    answer = d.say(f"{capital(a(held[0]))}.", f"It looks like {a(held[0])}.")
    return Exchange("object", question, answer, (held[0],))


def riding(d: Draw, s: Scene) -> Exchange | None:
    rides = [p.split(" ", 2)[2] for p in together(s.things) if p.startswith("person on")]
    if not rides:
        return None
    answer = d.say(f"{capital(a(rides[0]))}.", f"The person is on {a(rides[0])}.")
    return Exchange("object", d.ask(SCENES, "people ride"), answer, (rides[0],))


def private(d: Draw, s: Scene) -> Exchange | None:
    """Names, age, feelings, health: never."""
    if not s.people:
        return None
    about = d.pick(list(REASONS))
    answer = d.pick(REASONS[about]).format(seen=seen_people(s))
    return Exchange("unanswerable", d.ask(SCENES, about), answer, (), (), True)


def nobody(d: Draw, s: Scene) -> Exchange | None:
    """A question about a person where there is none."""
    if s.people or s.maybe("person"):
        return None
    about = d.pick(("people doing", "people wear", "people who", "people age", "people feel"))
    answer = d.pick(("I don't see a person in the picture.", "I don't see anyone in the picture."))
    question = d.ask(SCENES, about)
    if "going on" in question or "happening" in question or "activity" in question:
        return None
    return Exchange("absent", question, answer, (NO, "don't see"), honest=True)


ASKERS: tuple[tuple[Asker, float], ...] = (
    *((there, 6.0), (how_many, 7.0), (pose, 2.0), (where, 3.0), (doing, 8.0), (wearing, 6.0)),
    *((thing_held, 2.0), (riding, 4.0), (private, 4.0), (nobody, 2.0)),
)
