"""Questions about a recording beside its story: place, light, number, text, what is not in it."""

import re

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly, number_pattern
from data.embedded.findings.films.recording import Recording, going, honest
from data.embedded.findings.phrasings.films import FILMS
from data.embedded.findings.phrasings.recordings import RECORDINGS
from data.embedded.findings.words import a, capital, counted, number_word
from vlm.experts.detection.coco import CLASSES

OUTSIDE = (
    *("car", "bus", "truck", "boat", "horse", "kite", "frisbee", "surfboard", "skateboard", "bird"),
    *("bicycle", "motorcycle", "cow", "train", "bench", "snowboard", "skis", "airplane"),
)


INSIDE = ("laptop", "tv", "couch", "bed", "book", "keyboard", "oven", "sink", "toilet", "clock")


UNKNOWN = (
    *("I can't tell from the video.", "I can't tell; I only see frames of the video."),
    *("I can't tell that; the video doesn't show it.", "I can't tell."),
)


def it_color(d: Draw, r: Recording) -> Exchange:
    question = d.ask(RECORDINGS, "it color")
    answer = d.pick(("I can't tell which thing you mean.", "I can't tell its color."))
    return honest(d, question, answer, "color")


def behind(d: Draw, r: Recording) -> Exchange:
    question = d.ask(RECORDINGS, "behind")
    others = [x.name for x in r.lasting if x.name != "person"]
    books = "bookcase" in r.kinds or "library" in r.kinds
    if books:
        return Exchange("place", question, "It looks like a bookcase.", ("book",))
    if others:
        answer = f"I can't tell for sure; I see {a(others[0])}."
        return Exchange("place", question, answer, (exactly(others[0]),), (), True)
    seen = "; only the person is clear" if r.has("person") else " from the video"
    return honest(d, question, f"I can't tell{seen}.", "place")


def place(d: Draw, r: Recording) -> Exchange:
    question = d.ask(RECORDINGS, "place")
    found = re.search(
        r"(Place|Perhaps place): ([^.,]*)(?:, ((?:in|out)doors))?\.", r.words.split("\n")[-1]
    )
    asked_side = "side" in question or "door" in question
    if not found or (asked_side and not found[3]):
        return honest(d, question, "I can't tell from the video.", "place")
    words = found[3] if asked_side else found[2]
    if found[1] == "Place":
        forms = (f"{capital(words)}.", f"{capital(words)}, it seems.")
        return Exchange("place", question, d.pick(forms), (exactly(words),))
    answer = d.pick((f"Perhaps {words}; I'm not sure.", f"{capital(words)}, perhaps."))
    return Exchange("place", question, answer, (exactly(words),), (), True)


def light(d: Draw, r: Recording) -> Exchange:
    question = d.ask(RECORDINGS, "light")
    color = r.frames[0].color
    if color in ("black",):
        answer = "It may be night, as the video is mostly black; I'm not sure."
        return Exchange("video", question, answer, ("night|dark",), (), True)
    return honest(d, question, d.pick(("I can't tell for sure.", "I can't tell.")), "video")


def moving(d: Draw, r: Recording) -> Exchange | None:
    people = [x for x in r.lasting if x.name == "person"]
    if not people or people[0].number > 1 or len(people[0].motions) > 1:
        return None
    question = d.ask(RECORDINGS, "moving")
    if "camera" in question.lower():
        return honest(d, question, "I can't tell whether the camera moves.", "video")
    if not people[0].motions:
        if "person " in "".join(r.words.split("Moved:")[1:]):
            return None
        return Exchange("video", question, "The person stays in place.", ("stay|not|still",))
    way = people[0].motions[0]
    answer = f"The person is {going(way)}."
    return Exchange("video", question, answer, (way.split()[0],))


def people(d: Draw, r: Recording) -> Exchange | None:
    question = d.ask(RECORDINGS, "count")
    number = next((x.number for x in r.lasting if x.name == "person"), 0)
    if not number and "person" in r.passing:
        answer = "I see a person for a moment; I'm not sure."
        return Exchange("count", question, answer, (number_pattern(1),), (), True)
    if not number and d.chance(0.5):
        return None
    if not number:
        answer = d.pick(("None.", "I don't see any people.", "I don't see anyone."))
        return Exchange("absent", question, answer, (NO, "none", "don't see"))
    answer = d.say(f"{capital(number_word(number))}.", f"I see {counted(number, 'person')}.")
    return Exchange("count", question, answer, (number_pattern(number),))


def text(d: Draw, r: Recording) -> Exchange | None:
    question = d.ask(RECORDINGS, "text")
    if not r.texts and d.chance(0.5):
        return None
    if not r.texts:
        answer = d.pick(("I don't find any text in the video.", "I can't read any text in it."))
        return Exchange("text", question, answer, (), (), True)
    if "numbers" in question and not any(any(c.isdigit() for c in t) for t in r.texts):
        return honest(d, question, "I don't see any numbers in the video.", "text")
    said = " and ".join(f'"{t}"' for t in r.texts[:4])
    return Exchange("text", question, d.say(f"{said}.", f"I read {said}."), (exactly(r.texts[0]),))


def unknown(d: Draw, r: Recording) -> Exchange:
    question = d.ask(RECORDINGS, "unknown")
    answer = d.pick(UNKNOWN)
    if "who" in question.lower().split():
        answer = d.pick(("I can't tell; I don't identify people.", "I can't tell who that is."))
    if any(word in question for word in ("saying", "talking", "music")):
        answer = d.pick(("I can't hear sound; I only see frames.", "I can't tell; I hear nothing."))
    return honest(d, question, answer)


def absent(d: Draw, r: Recording) -> Exchange | None:
    pool = [c for c in CLASSES if c not in r.words and c != "person" and c not in r.kinds]
    pool = [c for c in pool if c in ("elephant", "pizza", "boat", "kite", "train", "bed", "bear")]
    if not pool:
        return None
    name = d.pick(pool)
    question = d.ask(FILMS, "present", a_x=a(name))
    answer = d.pick(("No.", f"No, I don't see {a(name)} in the video.", f"I don't see {a(name)}."))
    return Exchange("absent", question, answer, (NO,), (YES,))


ASKERS = (
    *((it_color, 1.0), (behind, 2.0), (place, 2.5), (light, 1.5), (moving, 3.0), (people, 3.0)),
    *((text, 5.0), (unknown, 3.0), (absent, 2.0)),
)
