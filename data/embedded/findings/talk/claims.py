"""What a person says against an answer: doubts and false claims, which are not agreed to."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.scenes.details import color_of
from data.embedded.findings.scenes.questions import absent_name, called, listing
from data.embedded.findings.scenes.scene import Scene
from data.embedded.findings.scenes.single_things import SingleThing, other_class
from data.embedded.findings.words import a, capital, enumerate_words, plural_of


def false_claim(d: Draw, s: Scene) -> Exchange | None:
    """Names a thing that is not there, as if it were."""
    name = absent_name(d, s)
    seen = enumerate_words(listing(s)[:3])
    if not name or not seen:
        return None
    question = d.ask(SCENES, "claim", a_x=a(name))
    answer = d.pick(
        (f"No, I don't see {a(name)}. I see {seen}.", f"I don't see {a(name)}; I see {seen}.")
    )
    return Exchange("absent", question, answer, (NO, "don't see"), (YES,))


def true_claim(d: Draw, s: Scene) -> Exchange | None:
    names = [n for n in s.names if len(s.of(n)) == 1 and n != "person"]
    if not names:
        return None
    name = d.pick(names)
    question = d.ask(SCENES, "claim", a_x=a(name))
    if question.lower().startswith(("no", "but", "you", "wrong", "look")):
        return None
    return Exchange("object", question, d.say("Yes.", f"Yes, I see {a(name)} too."), (YES,), (NO,))


def absent_thing(d: Draw, s: Scene) -> Exchange | None:
    """A question that takes for granted what is not there."""
    name = absent_name(d, s)
    if not name:
        return None
    name = called(d, name)
    question = d.ask(SCENES, "absent thing", x=name)
    if "behind" in question and s.people:
        return None
    what = "person" if "behind" in question.lower() and d.chance(0.5) else name
    answer = d.pick(
        (f"I don't see {a(what)} in the picture.", f"There is no {what} in the picture.")
    )
    return Exchange("absent", question, answer, (NO, "don't see"), (YES,), True)


def no_count(d: Draw, s: Scene) -> Exchange | None:
    name = absent_name(d, s)
    if not name:
        return None
    name = called(d, name)
    question = d.ask(SCENES, "count", xs=plural_of(name))
    answer = d.pick(
        ("None.", f"I don't see any {plural_of(name)}.", f"None, I don't see {a(name)}.")
    )
    return Exchange("absent", question, answer, (NO, "none", "don't see"), honest=False)


def follow_color(d: Draw, s: Scene) -> Exchange | None:
    """Refers back to the only thing there is."""
    names = [n for n in s.names if n != "person"]
    if len(names) != 1:
        return None
    question = d.pick(("And its color?", "what color is it", "And which color?", "Color?"))
    if len(s.of(names[0])) > 1:
        question = d.pick(("And their color?", "what color are they?", "Which colors?"))
    return color_of(d, s, names[0], d.typed(question))


def only(d: Draw, s: Scene) -> Exchange | None:
    seen = enumerate_words(listing(s)[:5])
    if not seen:
        return None
    more = [t.name for t in s.guesses if t.name not in s.names]
    if more:
        answer = f"Perhaps {a(more[0])}, but I'm not sure."
        return Exchange("object", d.ask(SCENES, "only"), answer, ("perhaps|not sure|maybe",))
    answer = d.pick((f"I only see {seen}.", f"That is all I see: {seen}."))
    return Exchange("object", d.ask(SCENES, "only"), answer, ("only|that is all|nothing else",))


def single_claim(d: Draw, s: SingleThing) -> Exchange | None:
    """Denies, agrees or doubts as far as the kinds go."""
    if d.chance(0.65):
        other = other_class(d, s)
        question = d.ask(SCENES, "claim", a_x=other.phrase)
        if not s.short:
            answer = f"I can't tell what it is; I don't see {other.phrase}."
            return Exchange("absent", question, answer, (NO, "can't tell"), (YES,), True)
        if s.named:
            looks = f"{d.pick(('is', 'looks like')) if s.certain else 'may be'} {s.top}"
        else:
            looks = f"looks like {s.short}"
        answer = d.pick((f"No, I don't see {other.phrase}. It {looks}.", f"No, it {looks}."))
        return Exchange("absent", question, answer, (NO, "don't see"), (YES,))
    question = d.ask(SCENES, "sure")
    if s.certain:
        answer = d.pick(
            (f"Yes, it looks like {s.top}.", "Yes.", f"Yes, I am fairly sure: {s.top}.")
        )
        return Exchange("followup", question, answer, (YES, exactly(s.subject.name)))
    maybe = s.top if s.named else s.short
    short = f" It may be {maybe}." if maybe else ""
    return Exchange("followup", question, f"No, I'm not sure.{short}", ("not sure|not certain",))


def these_are(d: Draw, s: SingleThing) -> Exchange | None:
    """A claim about several things; yes and no in equal numbers where the kind is sure."""
    if not s.certain or s.subject.phrase.split()[0] not in ("a", "an"):
        return None
    if d.chance(0.5):
        question = d.ask(SCENES, "these are", xs=plural_of(s.subject.name))
        answer = d.say("Yes.", f"Yes, it looks like {s.top}.")
        return Exchange("followup", question, answer, (YES,), (NO,))
    other = other_class(d, s)
    question = d.ask(SCENES, "these are", xs=plural_of(other.name))
    answer = d.pick((f"No, it looks like {s.top}.", f"No, I see {s.top}."))
    return Exchange("followup", question, answer, (NO,), (YES,))


def sure_of_scene(d: Draw, s: Scene) -> Exchange | None:
    seen = enumerate_words(listing(s)[:3])
    if not seen:
        return None
    answer = d.pick((f"Yes, I see {seen}.", f"Fairly sure: I see {seen}."))
    return Exchange("followup", d.ask(SCENES, "sure"), answer, (YES, "fairly sure"))


def dark_or_blurred(d: Draw, s: Scene) -> Exchange | None:
    """Nothing was found in a bad picture."""
    found = s.findings
    if found.things or not (found.blurred or found.dark):
        return None
    reason = enumerate_words([w for w in ("blurred", "dark") if getattr(found, w)])
    about = d.pick(("list", "name", "people doing", "place", "main"))
    answer = d.pick(
        (
            f"I can't tell, the picture is too {reason}.",
            f"The picture is too {reason} to tell.",
            f"I can't make out anything; the picture is too {reason}.",
        )
    )
    return Exchange("unanswerable", d.ask(SCENES, about), capital(answer), ("too",), (), True)


ASKERS = (
    *((false_claim, 3.0), (true_claim, 2.5), (absent_thing, 4.0), (no_count, 2.5)),
    *((dark_or_blurred, 30.0),),
)
FOLLOW_UPS = ((false_claim, 3.0), (follow_color, 5.0), (only, 2.0), (sure_of_scene, 2.0))
