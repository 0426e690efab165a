"""Several files in one conversation: at once, or one after the other."""

import re

from data.embedded.findings.draw import Draw, read_wording
from data.embedded.findings.exchange import Exchange, Turn, exactly
from data.embedded.findings.pages.questions import make_page
from data.embedded.findings.prompt import picture_words
from data.embedded.findings.scenes.questions import listing
from data.embedded.findings.scenes.scene import make_scene
from data.embedded.findings.scenes.single_things import make_single
from data.embedded.findings.words import a, capital, enumerate_words, number_word

WIDER = {  # words that people use, and names in the findings that they cover
    "animal": (
        "dog",
        "cat",
        "bird",
        "horse",
        "cow",
        "sheep",
        "elephant",
        "bear",
        "zebra",
        "insect",
    ),
    "vehicle": ("car", "bus", "truck", "train", "bicycle", "motorcycle", "boat", "airplane"),
    "person": ("person",),
    "bird": ("bird",),
    "dog": ("dog",),
    "building": ("building", "castle", "palace", "church"),
}
SEVERAL = read_wording("""
which has
    Which [of the two|] [{pic}|file] [shows|has|contains] {a_x}, the first or the second?
    In which [{pic}|of them] is there {a_x}?
    Is the {x} in the first or [in|] the second [one|{pic}]?
    [Which|What] of [these|the] two [{pic}s|files] has {a_x}?
    [Which one|Which {pic}] [shows|has] {a_x}, [one or two|number one or number two]?
    [What|Which] of them [is|shows] {a_x}?
    * Where do you see {a_x}: in {pic} one or two?
second
    What is in the second [one|{pic}]?
    And [what about|what's in] the second?
    [What does the second {pic} show|The second one]?
    * What has the latter got in it?
first
    What is in the first [one|{pic}]?
    [What does the first {pic} show|And in the first one]?
    * What has the former got in it?
this one
    And [this|this one|here]?
    What about [this one|this {pic}]?
    And what is in this [one|{pic}]?
    Now this [one|{pic}].
    * How about that one?
differ
    What is [the difference|different] [between them|]?
    How do [they|the pictures|the two] differ?
    [Compare|Please compare] [them|the two|both].
    * What sets them apart?
both
    What do [both|the two] [show|have in common]?
    [Describe|Name the things in] both.
    What [is in|do you see in] the two [pictures|files]?
    * What can be seen in either?
before
    What was in the [first|previous|earlier] [{pic}|one] [again|]?
    * Remind me of the {pic} before.
how many files
    How many [pictures|files|images] did I [send|give you|upload]?
    * What number of files do you have?
""")


def _file(d: Draw) -> tuple[str, str, str] | None:
    """The words of a file, what is in it, and its main word."""
    form = d.pick(("scene", "scene", "single", "page"))
    if form == "single":
        single = make_single(d)
        if not single.certain:
            return None
        return picture_words(single.findings), single.top, single.subject.name
    if form == "page":
        read = make_page(d)
        text = next((t for t, rest in read.page.about if read.holds(rest)), "")
        if not text.startswith("It is a"):
            return None
        return read.text, text.removeprefix("It is ").rstrip(".;:"), read.page.world
    scene = make_scene(d)
    parts = listing(scene)
    name = max(scene.things, key=lambda t: t.area).name if scene.things else ""
    if not parts or name == "skis":
        return None
    return picture_words(scene.findings), enumerate_words(parts[:4]), name


def several_files(d: Draw) -> list[Turn]:
    files = [f for f in (_file(d) for _ in range(12)) if f][:2]
    if len(files) < 2 or files[0][2] == files[1][2]:
        return []
    (words_a, seen_a, key_a), (words_b, seen_b, key_b) = files
    if key_a in words_b or key_b in words_a:
        return []
    return _at_once(d, files) if d.chance(0.55) else _one_by_one(d, files)


def _key(d: Draw, words: str, other: str, name: str) -> str:
    """What to ask for: the main word, or the wider one that only this file has."""
    wider = [w for w, names in WIDER.items() if any(f" {n} " in words for n in names)]
    wider = [w for w in wider if not any(f" {n} " in other for n in WIDER[w])]
    if wider and d.chance(0.5):
        return d.pick(wider)
    found = re.search(r"Kind: [^.]*?(?:^|, |: )([a-z ]+) \d+%\. Things", words)
    if found and f" {found[1]} " not in other and d.chance(0.5):
        return found[1]
    return name


def _at_once(d: Draw, files: list[tuple[str, str, str]]) -> list[Turn]:
    both = (files[0][0], files[1][0])
    about = d.pick(
        (
            "which has",
            "which has",
            "which has",
            "which has",
            "second",
            "first",
            "differ",
            "both",
            "how many files",
        )
    )
    key = d.whole(0, 1)
    name = _key(d, files[key][0], files[1 - key][0], files[key][2])
    words = {"a_x": a(name), "x": name}
    question = d.ask(SEVERAL, about, **words)
    right = tuple(exactly(f[1].split(" and ")[0].split(",")[0]) for f in files)
    if about == "which has":
        place = ("first", "second")[key]
        full = (f"The {place} one.", f"The {place} one shows {files[key][1]}.")
        answer = d.say(f"The {place}.", d.pick(full))
        return [Turn(Exchange("followup", question, answer, (rf"\b{place}\b",)), both)]
    if about in ("first", "second"):
        which = ("first", "second").index(about)
        answer = f"{capital(files[which][1])}."
        return [Turn(Exchange("object", question, answer, right[which : which + 1]), both)]
    if about == "how many files":
        return [
            Turn(
                Exchange("count", question, f"{capital(number_word(2))}.", (r"\btwo\b|\b2\b",)),
                both,
            )
        ]
    answer = f"The first shows {files[0][1]}, the second {files[1][1]}."
    return [Turn(Exchange("object", question, answer, ("|".join(right),)), both)]


def _one_by_one(d: Draw, files: list[tuple[str, str, str]]) -> list[Turn]:
    turns = []
    for i, (words, seen, _) in enumerate(files):
        question = (
            d.ask(SEVERAL, "this one")
            if i
            else d.pick(
                (
                    "What do you see in it?",
                    "Tell me what it is.",
                    "what's there",
                    "Describe it, please.",
                )
            )
        )
        right = (exactly(seen.split(" and ")[0].split(",")[0]),)
        turns.append(
            Turn(
                Exchange("object" if not i else "followup", question, f"{capital(seen)}.", right),
                (words,),
            )
        )
    if d.chance(0.4):
        question = d.ask(SEVERAL, "before")
        seen = files[0][1]
        turns.append(
            Turn(Exchange("followup", question, f"{capital(seen)}.", turns[0].exchange.right))
        )
    return turns
