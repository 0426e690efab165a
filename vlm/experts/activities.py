"""What people do, as far as things beside them and the classifier's kinds suggest it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vlm.experts.findings import Kind

# What people do with a thing that they hold: thing, activity; the first that applies counts.
ACTIVITIES = (
    ("tennis racket", "playing tennis"),
    ("baseball bat", "playing baseball"),
    ("frisbee", "playing with a frisbee"),
    ("surfboard", "surfing"),
    ("skis", "skiing"),
    ("snowboard", "snowboarding"),
    ("skateboard", "skateboarding"),
    ("kite", "flying a kite"),
    ("sports ball", "playing with a ball"),
    ("pizza", "eating"),
    ("cake", "having cake"),
    ("wine glass", "having a drink at a table"),
    ("laptop", "working at a laptop"),
    ("cell phone", "using a phone"),
)
BOARDS = ("skis", "skateboard", "surfboard", "snowboard")  # a person on one does its sport
# Things that need not be held: that they are there is enough.
FIXED = ("skis", "surfboard", "snowboard", "laptop", "wine glass", "pizza", "cake")
# What people may do where such a thing is with them, which a box does not show.
PERHAPS = {
    **{"cup": "having a drink", "wine glass": "having a drink", "bottle": "having a drink"},
    **{"fork": "eating", "knife": "eating", "sandwich": "eating", "hot dog": "eating"},
    **{"bowl": "having a meal", "dining table": "sitting at a table", "book": "reading"},
    **{"couch": "sitting on a couch", "bench": "sitting on a bench", "umbrella": "out for a walk"},
    **{"backpack": "traveling or hiking", "suitcase": "traveling", "remote": "watching TV"},
    **{"boat": "out with a boat", "oven": "cooking", "toothbrush": "brushing teeth"},
}
# What a kind may mean that somebody does: a word of its name, activity.
FOR_KINDS = (
    ("basketball", "playing basketball"),
    ("volleyball", "playing volleyball"),
    ("ball", "playing with a ball"),
    ("guitar", "playing the guitar"),
    ("piano", "playing the piano"),
    ("violin", "playing the violin"),
    ("accordion", "playing the accordion"),
    ("drum", "playing the drum"),
    ("cello", "playing the cello"),
    ("flute", "playing the flute"),
    ("instrument", "playing music"),
    ("swimming", "swimming"),
    ("ski", "skiing"),
)
FLYING = ("frisbee", "sports ball")  # one is often taken for the other
KIND = 0.25  # probability


@dataclass(frozen=True)
class Activity:
    """What somebody seems to do."""

    words: str  # "playing tennis"
    thing: str  # that shows it, "" for a kind
    sure: bool

    def __str__(self) -> str:
        return f"{'Doing' if self.sure else 'Perhaps doing'}: {self.words}."


def activity(
    pairs: Sequence[str], sure: Iterable[str], maybe: Iterable[str], kinds: Sequence[Kind]
) -> Activity | None:
    """Returns what the people of a picture or film seem to do; None if nothing suggests it.

    pairs: of vlm.experts.together; sure, maybe: names of things that were found, and guessed. The
    caller asks only where there is a person.
    """
    split = [pair.split(" ", 2) for pair in pairs]
    for _, how, name in split:
        if how == "on":
            return Activity(riding(name), name, True)
    held, names = [name for _, _, name in split], list(sure)
    for name, words in ACTIVITIES:
        if name in held or (name in names and name in FIXED):
            return Activity(words, name, True)
    for name, words in ACTIVITIES:
        if name in names or name in maybe:
            flies = name in FLYING
            return Activity("playing with a ball or a frisbee" if flies else words, name, False)
    for kind in kinds:
        for word, words in FOR_KINDS:
            if word in kind.name.split() and kind.probability >= KIND:
                return Activity(words, "", False)
    for name in (*held, *names, *maybe):
        if name in PERHAPS:
            return Activity(PERHAPS[name], name, False)
    return None


def riding(name: str) -> str:
    """Returns what somebody does on a thing, such as "surfing" or "riding a horse"."""
    return dict(ACTIVITIES)[name] if name in BOARDS else f"riding {_a(name)}"


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
