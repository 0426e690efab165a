"""People whom the classifier sees by what they wear, ride or play: kinds beside a person."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from data.embedded.findings.draw import Draw, read_wording
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.phrasings.guesses import GUESSES
from data.embedded.findings.scenes.scene import RIDES
from data.embedded.findings.words import a, capital, counted
from data.synthetic.language.imagenet_names import ImageNetClass, imagenet_classes
from vlm.experts.activities import riding
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.findings import Box, Findings, Kind, Thing
from vlm.experts.together import together

SURE = 0.5  # probability
WORN = ("piece of clothing", "hat", "helmet", "mask", "glasses", "scarf", "tie")
RIDDEN = ("bicycle", "motorcycle", "sled", "boat", "horse")
PLAYED = ("musical instrument",)
SPORT = ("ball", "sports gear")
USES = {"worn": WORN, "ridden": RIDDEN, "played": PLAYED, "sport": SPORT}
NO_PERSON = ("diaper", "bib", "sock", "crutch", "punching bag", "parachute")

EQUIPPED = read_wording("""
worn
    What [is he|is she|is the person|is the man|is the woman] wearing?
    What does [he|she|the person] [wear|have on]?
    What clothes [are these|do you see|does the person wear]?
    [Describe|Tell me about] [his|her|the person's] [clothes|outfit|dress].
    * What is [he|she] dressed in?
ridden
    What [is he|is she|is the person|is the man|is the guy] [riding|driving|on|using]?
    What [kind of vehicle|vehicle] is [this|that|it]?
    [What|Which thing] does the [person|man|woman] ride?
    * On what does the [person|man] get around?
played
    What [is he|is she|is the person|is the musician] playing?
    [Which|What] instrument is [this|that|it]?
    What does the [person|man|woman] [hold|play]?
    * Name the instrument.
sport
    What [is he|is she|is the person] [holding|playing with|using]?
    [Which|What] sport is [this|it]?
    [What|Which] game [do they play|is it]?
    * Which kind of sport do you see?
doing
    What [is he|is she|is the person|is the man|is the woman] doing?
    [What is going on|What happens] [here|in the {pic}|]?
    What are [the people|they] doing?
    * What [is the guy|is that person] up to?
wears
    Is [he|she|the person|the man|the woman] wearing {a_x}?
    Does [he|she|the person] [wear|have] {a_x}?
    * Has [he|she|the person] got {a_x} on?
list
    What do you see [here|in the {pic}|]?
    [Describe|Please describe] [the {pic}|this].
    What's in the {pic}?
    * Tell me all about this {pic}.
""")
GAMES = {  # what a ball or a racket is for
    **{"baseball": "baseball", "basketball": "basketball", "golf ball": "golf", "racket": "tennis"},
    **{"tennis ball": "tennis", "volleyball": "volleyball", "soccer ball": "soccer"},
    **{"rugby ball": "rugby", "ping-pong ball": "table tennis", "croquet ball": "croquet"},
    **{"hockey puck": "ice hockey", "ski": "skiing", "balance beam": "gymnastics"},
    **{"parallel bars": "gymnastics", "gymnastic horizontal bar": "gymnastics"},
    **{"barbell": "weight training", "dumbbell": "weight training"},
}
UNIFORMS = {
    "military uniform": "a soldier or an officer",
    "lab coat": "a doctor or a scientist",
    "apron": "a cook or a waiter",
    "academic gown": "a graduate or a professor",
    "crash helmet": "a rider or a racing driver",
    "football helmet": "a football player",
    "bulletproof vest": "a police officer or a soldier",
    "bearskin hat": "a guard",
    "cowboy hat": "a cowboy",
    "stethoscope": "a doctor",
}
ACTS = {"ridden": "riding", "played": "playing", "sport": "playing with"}


@dataclass(frozen=True)
class Equipped:
    findings: Findings
    subject: ImageNetClass
    use: str  # a key of USES

    @property
    def sure(self) -> bool:
        return (self.findings.kinds or ())[0].probability >= SURE

    @property
    def people(self) -> int:
        return sum(t.name == "person" for t in self.findings.things or ())

    @property
    def ridden(self) -> str:
        """What somebody is on, as boxes show it, or ""."""
        pairs = [p.split(" ", 2) for p in together(self.findings.things or ())]
        return next((name for _, how, name in pairs if how == "on"), "")


@cache
def _classes(use: str) -> tuple[ImageNetClass, ...]:
    return tuple(k for k in imagenet_classes() if k.family in USES[use] and k.name not in NO_PERSON)


def make_equipped(d: Draw) -> Equipped:
    use = d.pick(("worn", "worn", "worn", "ridden", "played", "sport"))
    subject = d.pick(_classes(use))
    p = d.between(0.25, 0.95)
    kinds = [Kind(subject.name, round(p, 3))]
    other = d.pick([k for k in _classes(use) if k is not subject])
    if (1 - p) * 0.6 > 0.14 and d.chance(0.6):
        kinds.append(Kind(other.name, round(min(d.between(0.12, (1 - p) * 0.6), p), 3)))
    people = []
    for i in range(d.pick((1, 1, 1, 1, 2))):
        x, high = d.between(0.2, 0.45) + 0.35 * i, d.between(0.25, 0.45)
        box: Box = (x - 0.15, 0.5 - high, x + 0.15, 0.5 + high)
        people.append(Thing("person", round(d.between(0.5, 0.9), 2), box, d.pick(COLORS)))
    if use == "worn" and d.chance(0.35):
        left, top, right, bottom = people[0].box
        under: Box = (left - 0.05, (top + bottom) / 2, right + 0.05, bottom)
        people.append(Thing(d.pick(RIDES), 0.8, under, d.pick(COLORS)))
    found = Findings(tuple(kinds), tuple(people), (), d.pick(COLORS), people[0].color)
    return Equipped(found, subject, use)


def what(d: Draw, s: Equipped) -> Exchange:
    """The thing itself, with a doubt where the classifier has one."""
    question = d.ask(EQUIPPED, s.use)
    phrase, right = s.subject.phrase, (exactly(s.subject.name),)
    if re.search(r"\b(sport|game)\b", question):
        sport = GAMES.get(s.subject.name, f"something with {phrase}")
        answer = f"{capital(sport)}." if s.sure else f"Perhaps {sport}; I'm not sure."
        return Exchange("action", question, answer, (exactly(sport),))
    if not s.sure:
        answer = d.pick((f"It looks like {phrase}, but I'm not sure.", f"Perhaps {phrase}."))
        return Exchange("object", question, answer, right)
    return Exchange("object", question, d.say(f"{capital(phrase)}.", f"It is {phrase}."), right)


def doing(d: Draw, s: Equipped) -> Exchange | None:
    if s.ridden:
        act = riding(s.ridden)
        answer = d.pick((f"{capital(act)}.", f"It looks like someone is {act}."))
        question = d.ask(EQUIPPED, "doing")
        return Exchange("action", question, answer, (act.split()[0], s.ridden))
    if s.use == "worn":
        who = "a person" if s.people == 1 else "people"
        answer = f"I see {who} with {s.subject.phrase}, but I can't tell what they are doing."
        question = d.ask(EQUIPPED, "doing")
        return Exchange("action", question, answer, (exactly(s.subject.name),), honest=True)
    act = f"{ACTS[s.use]} {s.subject.phrase}"
    if s.subject.family == "boat":
        act = f"out in {s.subject.phrase}"
    start = "The person seems to be" if s.people == 1 else "They seem to be"
    answer = d.pick((f"It looks like someone {act}.", f"{start} {act}."))
    right = (exactly(s.subject.name), ACTS[s.use].split()[0])
    return Exchange("action", d.ask(EQUIPPED, "doing"), answer, right)


def job(d: Draw, s: Equipped) -> Exchange | None:
    """What clothing suggests, as a guess."""
    guess = UNIFORMS.get(s.subject.name)
    if s.use != "worn" or not guess and d.chance(0.7):
        return None
    question = d.ask(GUESSES, "job")
    if not guess:
        answer = f"I can't tell; I only see {s.subject.phrase}."
        return Exchange("unanswerable", question, answer, (), (), True)
    answer = f"Perhaps {guess}, as I see {s.subject.phrase}; I can't be sure."
    return Exchange("person", question, answer, (exactly(guess),), (), True)


def wears(d: Draw, s: Equipped) -> Exchange | None:
    """Clothing that is not named may still be there, so it is not denied."""
    if s.use != "worn":
        return None
    if d.chance(0.6):
        question = d.ask(EQUIPPED, "wears", a_x=s.subject.phrase)
        answer = d.pick(("Yes.", f"Yes, it looks like {s.subject.phrase}.", "Yes, it looks so."))
        return Exchange("person", question, answer, (YES,), (NO,))
    named = [k.name for k in s.findings.kinds or ()]
    other = d.pick([k for k in _classes("worn") if k.name not in named])
    question = d.ask(EQUIPPED, "wears", a_x=other.phrase)
    answer = d.pick(
        (f"I don't see {other.phrase}. It looks like {s.subject.phrase}.",
         f"I can't tell; I only see {s.subject.phrase}.")
    )  # fmt: skip
    return Exchange("absent", question, answer, (NO, "can't tell"), (YES,), True)


def listing(d: Draw, s: Equipped) -> Exchange:
    seen = counted(s.people, "person")
    look = f"with {s.subject.phrase}" if s.sure else f"and perhaps {s.subject.phrase}"
    look += f" on {a(s.ridden)}" if s.ridden else ""
    answer = d.say(f"{capital(seen)} {look}.", f"The picture shows {seen} {look}.")
    return Exchange("object", d.ask(EQUIPPED, "list"), answer, ("person|people",))


EquippedAsker = Callable[[Draw, Equipped], Exchange | None]
ASKERS: tuple[tuple[EquippedAsker, float], ...] = (
    *((what, 5.0), (doing, 3.0), (wears, 4.0), (job, 2.0), (listing, 2.0)),
)
