"""Pictures of one thing: what the classifier takes it for, from certain to unclear."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.names import BRANDS
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.words import a, at, capital
from data.synthetic.language.imagenet_names import ImageNetClass, family_phrase, imagenet_classes
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.detection.coco import CLASSES
from vlm.experts.findings import Findings, Kind, Line, Thing
from vlm.experts.words import place

CERTAIN, GUESS, MIN_NAME, MIN_FAMILY = 0.5, 0.25, 0.12, 0.35  # probability
MISTAKEN, PRINTED = 0.12, 0.12  # of pictures: with a wrong thing; with something printed on it
MISTAKES = (
    *("airplane", "apple", "car", "cat", "clock", "kite", "cup", "bowl", "teddy bear", "vase"),
    *("sports ball", "umbrella", "remote", "cell phone", "chair", "boat", "traffic light"),
)
SKIPPED = ("person", "sign", "landscape")  # families with questions of their own


@dataclass(frozen=True)
class SingleThing:
    findings: Findings
    subject: ImageNetClass
    named: bool  # whether the top kind may be stated, perhaps with a doubt
    certain: bool
    family: str  # a family that is sure, or ""

    @property
    def top(self) -> str:
        return self.subject.phrase

    @property
    def thing(self) -> Thing | None:
        return next(iter(self.findings.things or ()), None)

    @property
    def short(self) -> str:
        """The best that can be said of it, as "a tabby cat" or "some kind of bird"."""
        if self.named:
            return self.top if self.certain else f"what may be {self.top}"
        if self.family:
            return f"some kind of {self.family}"
        return a(self.thing.name) if self.thing else ""


@cache
def _classes() -> tuple[ImageNetClass, ...]:
    return tuple(k for k in imagenet_classes() if k.family not in SKIPPED)


@cache
def _family(family: str) -> tuple[ImageNetClass, ...]:
    return tuple(k for k in _classes() if k.family == family)


def make_single(d: Draw) -> SingleThing:
    subject = d.pick(_classes())
    if d.chance(0.3):  # people show animals more often than tools
        subject = d.pick([k for k in _classes() if k.is_animal])
    p = d.pick(
        (d.between(0.5, 0.98), d.between(0.5, 0.98), d.between(0.25, 0.5), d.between(0, 0.25))
    )
    likes = [k for k in _family(subject.family or "") if k is not subject] or list(_classes())
    rest, kinds = 1 - p, [Kind(subject.name, round(p, 3))]
    for other in d.some(likes, 1, 2):
        share = min(d.between(0.1, 0.6) * rest, p * 0.9)
        kinds.append(Kind(other.name, round(share, 3)))
        rest -= share
    kinds = [k for k in sorted(kinds, key=lambda k: -k.probability) if k.probability >= MIN_NAME]
    family = subject.family or ""
    if family:
        total = round(min(sum(k.probability for k in kinds) + d.between(0, 0.8) * rest, 0.99), 3)
        if total >= MIN_FAMILY and family not in [k.name for k in kinds]:
            kinds.append(Kind(family, total))
        else:
            family = ""
    things: tuple[Thing, ...] = ()
    detected = subject.family if subject.family in CLASSES else ""
    if detected and d.chance(0.75):
        box = (
            d.between(0.05, 0.5),
            d.between(0.1, 0.4),
            d.between(0.55, 0.95),
            d.between(0.6, 0.95),
        )
        things = (Thing(detected, round(d.between(0.5, 0.9), 2), box, d.pick(COLORS)),)
    elif d.chance(MISTAKEN):  # the detector takes it for something that it is not
        box = (0.2, 0.2, d.between(0.4, 0.9), d.between(0.5, 0.9))
        score = d.pick((d.between(0.4, 0.47), d.between(0.5, 0.7)))
        things = (Thing(d.pick(MISTAKES), round(score, 2), box, d.pick(COLORS)),)
    color = d.pick(COLORS)
    middle = d.pick((color, d.pick(COLORS))) if not things else things[0].color
    blurred, dark = d.chance(0.03), d.chance(0.03)
    lines = _printed(d) if d.chance(PRINTED) and not subject.is_animal else ()
    found = Findings(tuple(kinds), things, lines, color, middle, blurred, dark)
    return SingleThing(found, subject, p >= GUESS, p >= CERTAIN, family)


def _printed(d: Draw) -> tuple[Line, ...]:
    """A name on a thing, or the small marks on a device."""
    texts = [d.name(BRANDS)]
    if d.chance(0.5):
        texts += [f"{d.pick('CRLUQX')}{d.whole(1, 99)}" for _ in range(d.whole(3, 14))]
    height = d.pick((0.02, 0.04))
    return tuple(
        Line(text, 0.9, (0.2, 0.1 + 0.05 * i, 0.8, 0.1 + 0.05 * i + height), height)
        for i, text in enumerate(texts)
    )


def name_it(d: Draw, s: SingleThing, question: str | None = None) -> Exchange:
    question = question or d.ask(SCENES, d.pick(("name", "name", "list", "main")))
    if s.certain:
        what = _with_family(s)
        sentence = d.pick((f"This is {what}.", f"The picture shows {what}.", f"It is {what}."))
        if s.thing and s.thing.color and d.chance(0.3):
            sentence = f"{sentence[:-1]}, {at(place(s.thing))}, mostly {s.thing.color}."
        return Exchange("object", question, d.say(f"{capital(what)}.", sentence), _names(s))
    if s.named:
        doubt = d.pick(("but I'm not sure", "but I'm not certain"))
        answer = f"It looks like {s.top}, {doubt}."
        if s.family:
            phrase = family_phrase(s.family)
            answer = d.pick(
                (
                    f"{capital(phrase)}, perhaps {s.top}.",
                    f"It looks like {phrase}, perhaps {s.top}.",
                    f"{capital(phrase)}; it may be {s.top}, {doubt}.",
                )
            )
        elif s.thing and s.thing.name not in s.subject.name:
            answer = f"Perhaps {s.top} or {a(s.thing.name)}; I'm not sure."
        return Exchange("object", question, answer, _names(s))
    if s.family:
        phrase = family_phrase(s.family)
        kind = d.pick(
            (
                f"Some kind of {s.family}",
                f"It looks like some kind of {s.family}",
                capital(phrase),
                f"It looks like {phrase}",
            )
        )
        return Exchange("object", question, f"{kind}.", (exactly(s.family),))
    if s.thing:
        top = next(iter(s.findings.kinds or ()), None)
        other = s.subject.phrase if top and top.name == s.subject.name else ""
        answer = f"Perhaps {a(s.thing.name)}{f' or {other}' if other else ''}; I'm not sure."
        return Exchange("object", question, answer, (s.thing.name,), (), True)
    answer = d.pick(
        (
            "I can't tell what this is.",
            "I'm not sure what this is.",
            "I can't tell from the picture.",
        )
    )
    return Exchange("object", question, answer, (), (), True)


def _with_family(s: SingleThing) -> str:
    """An animal with its family, which more people know: "a brambling, a kind of bird"."""
    family = s.family if s.subject.is_animal else ""
    return f"{s.top}, a kind of {family}" if family and family not in s.top else s.top


def _names(s: SingleThing) -> tuple[str, ...]:
    return (exactly(s.subject.name),) + ((rf"\b{exactly(s.family)}",) if s.family else ())


def printed(d: Draw, s: SingleThing) -> Exchange | None:
    lines = s.findings.lines or ()
    if not lines:
        return None
    question = d.ask(SCENES, "written")
    said = ", ".join(line.text for line in lines[:4])
    answer = d.say(f'"{said}".', f'I can read "{said}" on it.')
    return Exchange("text", question, answer, (exactly(lines[0].text),))


def kind_of(d: Draw, s: SingleThing) -> Exchange | None:
    family = s.subject.family
    if not family or not s.family and not s.certain:
        return None
    question = d.ask(SCENES, "kind of", family=family)
    if s.certain:
        return Exchange(
            "object", question, d.say(f"{capital(s.top)}.", f"It is {s.top}."), _names(s)[:1]
        )
    if s.named:
        doubt = f"Perhaps {s.top}, but I'm not sure which {family} it is."
        answer = d.pick((f"Perhaps {s.top}, but I'm not sure.", doubt))
        return Exchange("object", question, answer, _names(s)[:1])
    answer = f"I can't tell which {family} it is."
    if s.subject.name == next((k.name for k in s.findings.kinds or ()), ""):
        answer = f"I can't tell which {family}; perhaps {s.top}."
    return Exchange("object", question, answer, (), (), True)


def is_a(d: Draw, s: SingleThing) -> Exchange | None:
    """Yes and no in equal numbers; half of what is not there is of the same family."""
    if not s.certain:
        return None
    if d.chance(0.5):
        asked = family_phrase(s.family) if s.family and d.chance(0.4) else s.top
        question = d.ask(SCENES, "is a", a_x=asked)
        return Exchange("object", question, d.say("Yes.", f"Yes, it is {s.top}."), (YES,), (NO,))
    other = other_class(d, s)
    question = d.ask(SCENES, "is a", a_x=other.phrase)
    answer = d.pick((f"No, it is {s.top}.", f"No, it looks like {s.top}.", "No."))
    return Exchange("absent", question, answer, (NO,), (YES,))


def other_class(d: Draw, s: SingleThing) -> ImageNetClass:
    """A class that no kind names; half of the time of the same family."""
    named = [k.name for k in s.findings.kinds or ()]
    likes = [k for k in _family(s.subject.family or "") if k.name not in named]
    if likes and d.chance(0.5):
        return d.pick(likes)
    return d.pick([k for k in _classes() if k.family != s.subject.family and k.name not in named])


def which(d: Draw, s: SingleThing) -> Exchange | None:
    if not s.certain:
        return None
    other = other_class(d, s)
    first, second = d.some((s.top, other.phrase), 2, 2)
    question = d.ask(SCENES, "which thing", a_x=first, a_y=second)
    answer = d.say(f"{capital(s.top)}.", f"It is {s.top}.")
    return Exchange("object", question, answer, (exactly(s.subject.name),), (exactly(other.name),))


def color(d: Draw, s: SingleThing) -> Exchange | None:
    if not s.named:
        return None
    name = s.subject.family or s.subject.name
    question = d.ask(SCENES, "color", x=name)
    if s.thing and s.thing.color:
        word = s.thing.color
        answer = d.say(f"{capital(word)}.", f"It looks {word}.")
        return Exchange("color", question, answer, (rf"\b{word.replace('gray', 'gr[ae]y')}\b",))
    word = s.findings.middle_color
    answer = d.say(f"{capital(word)}.", f"It looks {word}.")
    return Exchange("color", question, answer, (rf"\b{word.replace('gray', 'gr[ae]y')}\b",))


def unseen(d: Draw, s: SingleThing) -> Exchange | None:
    if not s.named:
        return None
    question = d.ask(SCENES, "what doing thing", x=s.subject.family or s.subject.name)
    answer = d.pick(
        (
            "I can't tell that from the picture.",
            f"I can't tell; I only see {s.short}.",
            "I can't tell, the picture doesn't show it.",
        )
    )
    return Exchange("unanswerable", question, answer, (), (), True)


def beyond(d: Draw, s: SingleThing) -> Exchange | None:
    about = d.pick(("next", "town", "when"))
    answer = d.pick(
        (
            "I can't tell that from the picture.",
            "I can't tell, the picture doesn't show it.",
            "I can't tell from the picture.",
        )
    )
    return Exchange("unanswerable", d.ask(SCENES, about), answer, (), (), True)


def people(d: Draw, s: SingleThing) -> Exchange | None:
    worn = ("piece of clothing", "hat", "shoe", "scarf", "tie", "helmet", "mask", "glasses")
    if s.subject.family in worn or s.subject.name in ("wig", "lab coat"):
        return None
    answer = d.pick(("No.", "No, I don't see anyone.", "I don't see a person in the picture."))
    return Exchange("absent", d.ask(SCENES, "people there"), answer, (NO,), (YES,))


SingleAsker = Callable[[Draw, SingleThing], Exchange | None]
ASKERS: tuple[tuple[SingleAsker, float], ...] = (
    *((name_it, 10.0), (kind_of, 4.0), (is_a, 6.0), (which, 3.0), (color, 3.0), (unseen, 2.0)),
    *((beyond, 2.0), (people, 0.7), (printed, 4.0)),
)
