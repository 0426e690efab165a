"""Pictures of a place or a building: the classifier names it, the detector finds little in it."""

from dataclasses import dataclass
from functools import cache

from data.embedded.findings.draw import Draw
from data.embedded.findings.scenes.scene import Scene, Theme
from data.synthetic.language.imagenet_names import ImageNetClass, family_phrase, imagenet_classes
from vlm.experts.agreement import reconcile
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.findings import Box, Findings, Kind, Thing
from vlm.experts.places import places_of_kinds

SURE, GUESS, FAMILY = 0.5, 0.25, 0.35  # probability

INSIDE = ("person", "chair", "potted plant", "book", "cup", "tv", "laptop")
OUTSIDE = ("person", "car", "bird", "boat", "bench", "bicycle", "dog", "kite")
STANDING = ("building", "place of worship", "tower", "monument", "bridge", "home")


@dataclass(frozen=True)
class Setting(Scene):
    subject: ImageNetClass = imagenet_classes()[0]
    probability: float = 0.0
    family: str = ""  # a family that is sure, or ""

    @property
    def sure(self) -> bool:
        return self.probability >= SURE

    @property
    def named(self) -> bool:
        return self.probability >= GUESS or bool(self.family)

    @property
    def phrase(self) -> str:
        """The best that can be stated, as "a castle", "a building, perhaps a palace"."""
        top = self.subject.phrase
        if self.sure:
            return top
        if self.family:
            return f"{family_phrase(self.family)}, perhaps {top}"
        return f"perhaps {top}"


@cache
def _places() -> tuple[tuple[Theme, tuple[ImageNetClass, ...]], ...]:
    known = {k.name: k for k in imagenet_classes()}
    made = []
    for place in dict.fromkeys(places_of_kinds().values()):
        classes = tuple(known[n] for n in place.of if n in known)
        outdoors = bool(place.outdoors)
        theme = Theme(place.words, outdoors, OUTSIDE if outdoors else INSIDE, place.of)
        made.append((theme, classes))
    return tuple(made)


def make_setting(d: Draw) -> Setting:
    theme, classes = d.pick(_places())
    subject = d.pick(classes)
    p = d.pick((d.between(0.5, 0.95), d.between(0.25, 0.5), d.between(0.13, 0.25)))
    kinds, rest = [Kind(subject.name, round(p, 3))], 1 - p
    for other in d.some([k for k in classes if k is not subject], 0, 1):
        share = min(d.between(0.1, 0.5) * rest, p * 0.9)
        kinds += [Kind(other.name, round(share, 3))] if share >= 0.12 else []
        rest -= share
    family = subject.family or ""
    if family:
        total = round(min(sum(k.probability for k in kinds) + d.between(0, 0.6) * rest, 0.99), 3)
        if total >= FAMILY and family not in [k.name for k in kinds]:
            kinds.append(Kind(family, total))
        else:
            family = ""
    found = reconcile(_things(d, theme), kinds, ())
    color = d.pick(COLORS)
    middle = d.pick((color, color, d.pick(COLORS)))
    dark = d.chance(0.05)
    findings = Findings(tuple(kinds), found, (), color, middle, dark=dark)
    return Setting(findings, theme, subject, p, family)


def _things(d: Draw, theme: Theme) -> list[Thing]:
    """None, or a few small ones, half of which are guesses."""
    things = []
    for name in d.some(theme.classes, 0, 2) if d.chance(0.7) else []:
        size = d.pick((0.03, 0.06, 0.15, 0.3))
        top = name in ("kite", "bird")
        x, y = d.between(0.1, 0.85), d.between(0.1, 0.3) if top else d.between(0.4, 0.8)
        box: Box = (x, y, round(min(x + size, 1), 3), round(min(y + size * 1.3, 1), 3))
        score = d.between(0.4, 0.479) if d.chance(0.4) else d.between(0.5, 0.9)
        things.append(Thing(name, round(score, 2), box, d.pick(COLORS)))
    return things
