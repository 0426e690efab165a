"""Questions about recordings: what lasts is stated, what comes and goes is called a guess."""

import re

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.films import surroundings
from data.embedded.findings.films.recording import Recording, certain, going, honest
from data.embedded.findings.phrasings.recordings import RECORDINGS
from data.embedded.findings.scenes.questions import any_name
from data.embedded.findings.words import a, capital, counted, enumerate_words
from data.synthetic.language.imagenet_names import family_phrase, imagenet_classes
from vlm.experts.detection.coco import CLASSES

SURE, GUESS = 50, 25  # percent of a kind
MORE = ("I can't tell more.", "I can't tell what happens exactly.", "More isn't clear.")
ACTING = (  # classes that a film may be about
    *("person", "dog", "cat", "bird", "horse", "cow", "sheep", "elephant", "bear", "zebra"),
    *("giraffe", "car", "bus", "boat", "train", "truck", "bicycle", "motorcycle", "airplane"),
)
FALSE_ACTS = ("playing tennis", "swimming", "cooking", "driving a car", "sleeping", "dancing")


def describe(d: Draw, r: Recording) -> Exchange:
    question = d.ask(RECORDINGS, "happens")
    seen, names = _seen(r)
    if not seen:
        return _thin(d, r, question)
    verb = d.pick(("It seems to be", "I see", "It shows", "The video shows"))
    parts = [f"{verb} {seen}."]
    if not any(n in ACTING for n in names):
        still = " that stays in place" if len(r.lasting) == 1 and _stays(r) else ""
        parts = [f"It isn't clear what the video shows; I see {seen}{still}."]
    flighty = [n for n in r.passing if n not in names]
    if flighty and d.chance(0.5):
        parts.append(f"There may also be {a(flighty[0])}.")
    kind = _kind(r, SURE, names)
    if kind:
        parts.append(f"It looks like {kind}.")
    if r.texts:
        parts.append(f'The text "{r.texts[0]}" is shown.')
    if len(parts) == 1 and d.chance(0.35):
        parts.append(d.pick(MORE))
    return Exchange("video", question, " ".join(parts), (any_name(names),))


def _thin(d: Draw, r: Recording, question: str) -> Exchange:
    """Nothing lasts: what is certain is stated, and that it isn't clear what happens."""
    start = d.pick(("It isn't clear what happens", "I can't tell what happens"))
    kind = _kind(r, 0, [])
    right: tuple[str, ...]
    if r.passing:
        seen, right = f"{a(r.passing[0])} for a moment", (exactly(r.passing[0]),)
        answer = f"{start}; I see {seen}."
    elif kind:
        sure = max(r.kinds.values()) >= SURE
        answer = f"{start}; it {'looks' if sure else 'may look'} like {kind}."
        right = (exactly(kind.split(" ", 1)[-1]),)
    else:
        answer, right = f"{start}; I don't find any things in it.", ()
    if r.texts:
        answer = f'{answer[:-1]}, and the text "{r.texts[0]}".'
        right = (*right, exactly(r.texts[0]))
    return Exchange("video", question, answer, right, (), True)


def _seen(r: Recording) -> tuple[str, list[str]]:
    """Everything that lasts as one phrase, with who rides or holds what and where it goes."""
    parts, used = [], []
    for x in r.lasting:
        if x.name in used:
            continue
        words = counted(x.number, x.name)
        used.append(x.name)
        if x.name == "person" and x.number == 1:
            for pair in r.pairs:
                _, how, other = pair.split(" ", 2)
                if r.has(other) and other not in used:
                    words += f" {how} {a(other)}"
                    used.append(other)
                    break
        parts.append(words)
    motions = {m for x in r.lasting for m in x.motions}
    first = r.lasting[0] if r.lasting else None
    if first and len(motions) == 1 and first.motions and first.number == 1:
        parts[0] += f" {going(first.motions[0])}"
    return enumerate_words(parts), used


def _stays(r: Recording) -> bool:
    return not r.lasting[0].motions and r.lasting[0].number == 1 and "Moved:" not in r.words


def _kind(r: Recording, least: int, names: list[str]) -> str:
    """The best kind as a phrase, if no thing is the same."""
    best = max(r.kinds, key=lambda k: r.kinds[k], default="")
    if not best or r.kinds[best] < least or best in names or best in CLASSES:
        return ""
    phrases = {k.name: k.phrase for k in imagenet_classes()}
    return phrases.get(best) or family_phrase(best)


def doing(d: Draw, r: Recording) -> Exchange | None:
    question = d.ask(RECORDINGS, "doing")
    if not r.has("person"):
        if "person" in r.passing:
            return honest(d, question, "I can't tell; I see a person only for a moment.", "action")
        if d.chance(0.7):
            return None
        answer = d.pick(("I don't see a person in the video.", "I can't see anyone in the video."))
        return Exchange("absent", question, answer, (NO, "can't see"), (), True)
    act, name, lasting = _act(r)
    if act and lasting:
        forms = (f"The person seems to be {act}.", f"It looks like {act}.")
        return Exchange("action", question, d.pick(forms), (name, act.split()[0]))
    if act:
        answer = d.pick((f"Perhaps {act}; I'm not sure.", f"Perhaps {act}, but I can't be sure."))
        return Exchange("action", question, answer, (name, act.split()[0]), (), True)
    move = next((x.motions for x in r.lasting if x.name == "person" and x.motions), ())
    if len(move) == 1:
        answer = f"The person is {going(move[0])}; I can't tell what they are doing."
        return Exchange("action", question, answer, (move[0].split()[0],), (), True)
    others = [x.name for x in r.lasting if x.name != "person"]
    near = f" and {a(others[0])}" if others else ""
    people = counted(next(x.number for x in r.lasting if x.name == "person"), "person")
    answer = f"I can't tell what they are doing; I see {people}{near}."
    if not others and not move:  # who stays in the frame mostly talks
        answer = d.pick((answer, "Perhaps talking; I can't tell for sure from frames."))
    return honest(d, question, answer, "action")


def _act(r: Recording) -> tuple[str, str, bool]:
    """What a person seems to do, a word of it, and whether it is sure, as the words state it."""
    found = re.search(r"(Doing|Perhaps doing): ([^.]*)\.", r.words.split("\n")[-1])
    return (found[2], found[2].split()[-1], found[1] == "Doing") if found else ("", "", False)


def holding(d: Draw, r: Recording) -> Exchange | None:
    if not r.has("person"):
        return None
    question = d.ask(RECORDINGS, "holding")
    held = [p.split(" ", 2)[2] for p in r.pairs if p.startswith("person with")]
    if held and r.has(held[0]):
        return Exchange("object", question, f"It looks like {a(held[0])}.", (held[0],))
    if held:
        answer = f"Perhaps {a(held[0])}, but I'm not sure."
        return Exchange("object", question, answer, (held[0],), (), True)
    kind = _kind(r, GUESS, [x.name for x in r.lasting])
    if kind:
        answer = f"I can't tell for sure; it may be {kind}."
        return Exchange("object", question, answer, (exactly(kind.split(" ", 1)[-1]),), (), True)
    answer = d.pick(("I can't tell what the person is holding.", "I can't tell from the video."))
    return honest(d, question, answer)


def riding(d: Draw, r: Recording) -> Exchange | None:
    if not r.has("person"):
        return None
    question = d.ask(RECORDINGS, "riding")
    ridden = [p.split(" ", 2)[2] for p in r.pairs if p.startswith("person on")]
    if ridden and r.has(ridden[0]) and "Gone: 1 " + ridden[0] not in r.words:
        return Exchange("object", question, f"It looks like {a(ridden[0])}.", (ridden[0],))
    if ridden:
        answer = f"Perhaps {a(ridden[0])}; I'm not sure, I don't see it in all frames."
        return Exchange("object", question, answer, (ridden[0],), (), True)
    return honest(d, question, "I can't tell; I don't see anything to ride on.")


def clothes(d: Draw, r: Recording) -> Exchange | None:
    """The color of the only person in the first frame."""
    people = [t for t in r.frames[0].things or () if t.name == "person"]
    question = d.ask(RECORDINGS, "clothes")
    if not people and not r.has("person"):
        return None
    if len(people) != 1 or not people[0].color or "person" not in certain(r.frames[0]):
        return honest(d, question, "I can't tell what they are wearing.", "color")
    word = people[0].color
    forms = (f"{capital(word)}.", f"Mostly {word}.", f"The clothes look {word}.")
    return Exchange("color", question, d.pick(forms), (rf"\b{word.replace('gray', 'gr[ae]y')}\b",))


def end(d: Draw, r: Recording) -> Exchange | None:
    question = d.ask(RECORDINGS, "end")
    if r.latest:
        answer = d.say(f"{capital(a(r.latest))}.", f"{capital(a(r.latest))} comes into the frame.")
        return Exchange("video", question, answer, (exactly(r.latest),))
    if "comes into" in question or "enters" in question:
        return Exchange("video", question, "I don't see anything new.", (NO, "nothing|don't see"))
    there = [x for x in r.lasting if not re.search(rf"Gone: [^.]*\b{x.name}\b", r.words)]
    if not there:
        return honest(d, question, "I can't tell what is there at the end.", "video")
    seen = enumerate_words([counted(x.number, x.name) for x in there])
    return Exchange("video", question, f"{capital(seen)}.", (any_name([x.name for x in there]),))


def claim(d: Draw, r: Recording) -> Exchange | None:
    """Asks to confirm an action, one that the words show or another."""
    if not r.has("person"):
        return None
    act, name, lasting = _act(r)
    if act and lasting and d.chance(0.4):
        question = d.ask(RECORDINGS, "claim", act=act)
        answer = d.pick(("Yes.", f"Yes, it looks like {act}."))
        return Exchange("followup", question, answer, (YES, "looks like"), ())
    false = d.pick([x for x in FALSE_ACTS if x != act and x.split()[-1] not in r.words])
    question = d.ask(RECORDINGS, "claim", act=false)
    if act and lasting:
        answer = f"No, the person seems to be {act}."
        return Exchange("followup", question, answer, (NO, exactly(act)), (YES,))
    see = enumerate_words([counted(x.number, x.name) for x in r.lasting][:3])
    answer = f"I can't confirm that; I only see {see}."
    return honest(d, question, answer, "followup")


ASKERS = (
    *((describe, 12.0), (doing, 8.0), (holding, 3.0), (riding, 3.0), (clothes, 3.0), (end, 3.0)),
    *((claim, 3.0),),
    *surroundings.ASKERS,
)
