"""Questions that ask for more than boxes show: a guess is called one, the rest is not made up."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly, number_pattern
from data.embedded.findings.names import CITIES
from data.embedded.findings.phrasings.guesses import GUESSES
from data.embedded.findings.phrasings.settings import SETTINGS
from data.embedded.findings.scenes.questions import FAMILIES, any_name, listing
from data.embedded.findings.scenes.scene import Scene
from data.embedded.findings.words import a, at, capital, counted, enumerate_words
from vlm.experts.places import places_of_things
from vlm.experts.words import activity_in, place, place_in

OCCASIONS = {  # things that show it
    "cake": "a birthday",
    "wine glass": "a dinner or a party",
    "pizza": "a meal",
    "tie": "something formal",
}
WRITTEN_JOBS = (  # words read in the picture, and what they suggest
    ("POLICE", "a police officer"),
    ("POLIZEI", "a police officer"),
    ("FIRE DEPT", "a firefighter"),
    ("FEUERWEHR", "a firefighter"),
    ("POMPIERS", "a firefighter"),
    ("AMBULANCE", "a paramedic"),
    ("SECURITY", "a security guard"),
    ("STAFF", "a member of the staff"),
    ("MARSHAL", "a marshal"),
    ("COAST GUARD", "a coast guard"),
    ("RESCUE", "a rescuer"),
    ("CREW", "a member of the crew"),
)
PLACES = {  # how else people call a place
    "on a street": ("on a street", "in a city"),
    "at a table with a meal": ("in a restaurant", "at a table", "at a dinner"),
    "in a living room": ("in a living room", "at home"),
    "in an office or at a desk": ("in an office", "at a desk"),
    "in a meadow or a field": ("on a farm", "in a meadow"),
    "in the wild or at a zoo": ("at a zoo", "in the wild"),
    "by the water or at a beach": ("at the sea", "at a beach", "by the water"),
    "at a railroad": ("at a train station",),
    "in the snow": ("in the snow", "in the mountains"),
    "on a sports field": ("on a sports field", "in a stadium"),
}
SPORTS = {
    "tennis racket": "Tennis",
    "baseball bat": "Baseball",
    "baseball glove": "Baseball",
    "skis": "Skiing",
    "snowboard": "Snowboarding",
    "surfboard": "Surfing",
    "skateboard": "Skateboarding",
    "frisbee": "Frisbee",
    "sports ball": "A ball game",
}
ACTS = (
    *("playing tennis", "cooking", "swimming", "playing soccer", "dancing", "sleeping", "skiing"),
    *("riding a horse", "reading a book", "driving a car", "fishing", "playing the piano"),
)
HEALTH = (
    *("hand", "knee", "tooth", "arm", "eye", "treatment"),
    "skin",
    "leg",
    "face",
    "foot",
    "wound",
    "doctor",
    "medicine",
    "dose",
    "surgery",
    "serious",
)


def people_seen(s: Scene) -> str:
    return counted(len(s.people), "person")


def animal_doing(d: Draw, s: Scene) -> Exchange | None:
    animals = [t.name for t in s.single if t.name in FAMILIES["animals"]]
    if not animals:
        return None
    name = d.pick(animals)
    near = [x for x in listing(s) if name not in x.split()][:2]
    seen = f"; I see {enumerate_words([a(name), *near])}" if d.chance(0.6) else ""
    rest = " It may be resting." if name in ("cat", "dog") and d.chance(0.7) else ""
    answer = f"I can't tell what the {name} is doing{seen}.{rest}"
    return Exchange("action", d.ask(GUESSES, "animal doing", x=name), answer, (name,), (), True)


def person_behind(d: Draw, s: Scene) -> Exchange | None:
    """Somebody who is asked for beside a thing, where nobody was found."""
    things = [t for t in s.single if t.name != "person"]
    if s.people or s.maybe("person") or not things:
        return None
    thing = d.pick(things)
    seen = a(f"{thing.color} {thing.name}".strip())
    answer = d.pick(
        (
            f"I don't see a person in the picture, only {seen}.",
            f"I can't see anyone; I only see {seen}.",
            f"There is no person that I can see, only {seen}.",
        )
    )
    question = d.ask(GUESSES, "person behind", x=thing.name)
    return Exchange("absent", question, answer, (NO, "can't see", "no person"), (), True)


def act_claim(d: Draw, s: Scene) -> Exchange | None:
    """Asks to confirm an action, one that the boxes show or another."""
    if not s.people:
        return None
    act = activity_in(s.findings)
    real = act.words if act and act.sure else ""
    if real and d.chance(0.4):
        question = d.ask(GUESSES, "act claim", act=real)
        return Exchange("followup", question, f"Yes, it looks like {real}.", (YES,), (NO,))
    false = d.pick([x for x in ACTS if not any(w in s.names for w in x.split())])
    question = d.ask(GUESSES, "act claim", act=false)
    if real:
        answer = d.pick((f"No, it looks like {real}.", f"No, someone seems to be {real}."))
        return Exchange("followup", question, answer, (NO,), (YES,))
    seen = enumerate_words(listing(s)[:3])
    answer = d.pick((f"I can't tell; I only see {seen}.", f"I can't confirm that; I see {seen}."))
    return Exchange("followup", question, answer, (), (), True)


def city(d: Draw, s: Scene) -> Exchange | None:
    """A town that is read in the picture is a guess."""
    read = [line.text for line in s.findings.lines or ()]
    named = [(c, text) for text in read for c in CITIES if c.lower() in text.lower()]
    question = d.ask(GUESSES, "city")
    if named:
        town, text = named[0]
        answer = d.pick(
            (f'Perhaps {town}: I can read "{text}".', f'{town}, perhaps, as it says "{text}".')
        )
        return Exchange("place", question, answer, (exactly(town),))
    if d.chance(0.5):
        return None
    answer = d.pick(("I can't tell which city it is.", "I can't tell from the picture."))
    return Exchange("unanswerable", question, answer, (), (), True)


def occasion(d: Draw, s: Scene) -> Exchange | None:
    if not s.people:
        return None
    question = d.ask(GUESSES, "occasion")
    for name, guess in OCCASIONS.items():
        if name in s.names:
            answer = f"Perhaps {guess}, as I see {a(name)}; I'm not sure."
            return Exchange("action", question, answer, (name, guess.split()[-1]), (), True)
    if d.chance(0.6):
        return None
    return Exchange("action", question, "I can't tell what the occasion is.", (), (), True)


def job(d: Draw, s: Scene) -> Exchange | None:
    if not s.people:
        return None
    question = d.ask(GUESSES, "job")
    read = " / ".join(line.text for line in s.findings.lines or ())
    for word, guess in WRITTEN_JOBS:
        if word in read.upper():
            answer = f'Perhaps {guess}: I can read "{read}". I can\'t be sure.'
            return Exchange("person", question, answer, (exactly(guess),), (), True)
    seen = people_seen(s)
    answer = d.pick((f"I can't tell; I only see {seen}.", "I can't tell that from the picture."))
    return Exchange("unanswerable", question, answer, (), (), True)


def either_place(d: Draw, s: Scene) -> Exchange | None:
    """One of two places, if kinds or things suggest one of them."""
    shown = place_in(s.findings)
    if shown is None:
        return None
    here = PLACES.get(shown.words, (shown.words,))
    others = [p for p in places_of_things() if not set(p.of) & {*shown.of, *s.names}]
    elsewhere = d.pick(others)
    best, other = d.pick(here), d.pick(PLACES.get(elsewhere.words, (elsewhere.words,)))
    first, second = d.some((best, other), 2, 2)
    question = d.ask(SETTINGS, "either", a=first, b=second)
    forms = (f"{capital(best)}.", f"{capital(best)}, it seems.")
    return Exchange("place", question, d.pick(forms), (exactly(best),), (rf"^{exactly(other)}",))


def sport(d: Draw, s: Scene) -> Exchange | None:
    for name, called in SPORTS.items():
        if name in s.names and s.people:
            question = d.ask(GUESSES, "sport")
            answer = d.say(f"{called}.", f"It looks like {called.lower()}: I see {a(name)}.")
            if name == "sports ball":
                answer = "Something with a ball; I can't tell which sport."
            return Exchange("action", question, answer, (exactly(called), "ball"))
    return None


def side_color(d: Draw, s: Scene) -> Exchange | None:
    """The color of the one thing of a class, or of a group, on a side; guesses count too."""
    side = d.pick(("left", "right"))
    on = [t for t in (*s.things, *s.guesses) if place(t).split()[-1] == side and t.color]
    on = [t for t in on if t.name != "person" and sum(t.name == o.name for o in on) == 1]
    if not on:
        return None
    thing = d.pick(on)
    called = thing.name
    animals = [t for t in on if t.name in FAMILIES["animals"]]
    if thing in animals and len(animals) == 1 and d.chance(0.6):
        called = "animal"
    color = thing.color.replace("gray", "gr[ae]y")
    word = capital(thing.color)
    answer = d.say(f"{word}.", f"The {called} on the {side} looks {thing.color}.")
    if thing in s.guesses:
        answer = f"{word}; it may be {a(thing.name)}, but I'm not sure."
    question = d.ask(GUESSES, "side color", x=called, side=side)
    return Exchange("color", question, answer, (rf"\b{color}\b",))


def side_what(d: Draw, s: Scene) -> Exchange | None:
    side = d.pick(("left", "right"))
    for group, word in (("animals", "animal"), ("vehicles", "vehicle")):
        on = [t for t in s.things if t.name in FAMILIES[group] and place(t).split()[-1] == side]
        if len(on) == 1:
            name = on[0].name
            question = d.ask(GUESSES, "side what", group=word, side=side)
            answer = d.say(f"{capital(a(name))}.", f"It is {a(name)}.")
            return Exchange("object", question, answer, (any_name([name]),))
    return None


def subset(d: Draw, s: Scene) -> Exchange | None:
    if not s.people:
        return None
    seen = people_seen(s)
    answer = d.pick(
        (
            f"I see {seen}, but I can't tell how many of them.",
            f"I can't tell; I only see that there {'is' if len(s.people) == 1 else 'are'} {seen}.",
            f"{capital(seen)} in all; I can't tell more about them.",
        )
    )
    question = d.ask(GUESSES, "subset")
    return Exchange("count", question, answer, (number_pattern(len(s.people)),), (), True)


def body(d: Draw, s: Scene) -> Exchange | None:
    if not s.people:
        return None
    answer = d.pick(
        (
            "I can't tell; such details are too small for me.",
            f"I can't tell; I only see {people_seen(s)}.",
            "I can't make out hands and fingers well enough.",
        )
    )
    return Exchange("unanswerable", d.ask(GUESSES, "body"), answer, (), (), True)


def detail(d: Draw, s: Scene) -> Exchange | None:
    """What somebody wears or looks like beyond a color is neither affirmed nor denied."""
    about = d.pick(("detail", "detail", "young", "well"))
    question = d.ask(GUESSES, about)
    if about == "well" and any(word in question.lower() for word in HEALTH):
        answer = d.pick(("I can't tell; please ask a doctor.", "I can't judge that. A doctor can."))
        return Exchange("unanswerable", question, answer, ("doctor",), (), True)
    if not s.people:
        if s.maybe("person"):
            answer = d.pick(
                ("I can't tell; there may be a person, but I'm not sure.", "I can't tell.")
            )
            return Exchange("unanswerable", question, answer, (), (), True)
        answer = d.pick(("I don't see a person in the picture.", "I can't see anyone here."))
        return Exchange("absent", question, answer, (NO, "can't see"), (), True)
    seen = people_seen(s)
    answer = d.pick(
        (
            f"I can't tell; I only see {seen}.",
            "I can't tell from the picture.",
            f"I can't see such details; I only see {seen}.",
            "It isn't clear enough for me to tell.",
        )
    )
    return Exchange("unanswerable", question, answer, (), (), True)


def thing_detail(d: Draw, s: Scene) -> Exchange | None:
    pool = [t for t in s.single if t.name != "person"]
    if not pool:
        return None
    thing = d.pick(pool)
    seen = f"{thing.color} {thing.name}".strip()
    answer = d.pick(
        (
            f"I can't tell; I only see {a(seen)} {at(place(thing))}.",
            f"I can't tell that; I only see {a(seen)}.",
            "I can't tell; the picture doesn't show it.",
            "The picture doesn't say that.",
        )
    )
    question = d.ask(GUESSES, "thing detail", x=thing.name)
    return Exchange("unanswerable", question, answer, (), (), True)


def part_color(d: Draw, s: Scene) -> Exchange | None:
    pool = [t for t in s.single if t.name in FAMILIES["animals"] and t.color]
    if not pool:
        return None
    thing = d.pick(pool)
    answer = d.pick((f"I can't tell; I only see {a(thing.name)}.", "I can't see such details."))
    question = d.ask(GUESSES, "part color", x=thing.name)
    return Exchange("color", question, answer, (), (), True)


def picture_detail(d: Draw, s: Scene) -> Exchange:
    seen = enumerate_words(listing(s)[:2])
    more = f"I can't tell; I only see {seen}." if seen else "I can't tell."
    answer = d.pick((more, "I can't tell from the picture.", "The picture doesn't say that."))
    return Exchange("unanswerable", d.ask(GUESSES, "picture detail"), answer, (), (), True)


ASKERS = (
    *((animal_doing, 1.5), (occasion, 1.5), (job, 1.5), (either_place, 3.0), (side_color, 3.0)),
    *((side_what, 1.5), (subset, 1.5), (body, 0.6), (detail, 2.5), (thing_detail, 1.2)),
    *(
        (part_color, 1.0),
        (picture_detail, 0.5),
        (act_claim, 2.0),
        (person_behind, 2.0),
        (sport, 2.0),
        (city, 1.2),
    ),
)
