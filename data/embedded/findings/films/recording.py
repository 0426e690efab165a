"""Films as a phone records them: shaky, half seen, with kinds and things that come and go."""

import re
from dataclasses import dataclass

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import Exchange
from data.embedded.findings.prompt import film_words
from data.embedded.findings.scenes.scene import THEMES, Theme
from data.synthetic.language.imagenet_names import imagenet_classes
from vlm.experts.agreement import reconcile
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.findings import CERTAIN, Box, Findings, Kind, Line, Thing

SUBJECTS = ("person", "person", "person", "person", "dog", "cat", "car", "bus", "boat", "bird")
MISSED, SPURIOUS, NAMED = 0.25, 0.06, 0.35  # of a thing's frames; of frames; of frames
CAPTIONS = (
    *("THE END", "Thanks for coming", "Subscribe", "Part one", "LIVE", "BREAKING NEWS", "Day 3"),
    *(
        "Please like and share",
        "Goodbye",
        "Chapter two",
        "Trailer",
        "ROUND 2",
        "Directed by A. Lee",
    ),
)
WITH_PERSON = (
    *("bicycle", "motorcycle", "horse", "skateboard", "surfboard", "snowboard", "tennis racket"),
    *("baseball bat", "frisbee", "cup", "bottle", "book", "cell phone", "laptop", "umbrella"),
    *("sports ball", "kite", "tv", "chair", "dining table", "teddy bear", "suitcase"),
)
RIDDEN = WITH_PERSON[:6]


@dataclass(frozen=True)
class Lasting:
    """A part of the line on the whole film: "2 person (left and up, down)"."""

    number: int
    name: str
    motions: tuple[str, ...]  # such as "left and up"; empty if it stays


@dataclass(frozen=True)
class Recording:
    """A film in words, and what they state."""

    words: str
    frames: tuple[Findings, ...]
    theme: Theme

    @property
    def lasting(self) -> list[Lasting]:
        line = re.search(r"^Whole film: ([^.]*)\.", self.words, re.MULTILINE)
        parts = re.findall(r"(\d+) ([a-z ]+) \(([^)]*)\)", line[1]) if line else []
        made = []
        for number, name, moves in parts:
            motions = tuple(m for m in moves.split(", ") if m != "stays")
            made.append(Lasting(int(number), name, motions))
        return made

    @property
    def passing(self) -> list[str]:
        """Things that are new in a frame, or guessed, and do not last."""
        stated = re.findall(r"(?:Things|Perhaps|New): ([^.]*)\.", self.words)
        names = [n for part in stated for n in re.findall(r"(?:^|; )\d+ ([a-z ]+) \(", part)]
        last = [x.name for x in self.lasting]
        return [n for n in dict.fromkeys(names) if n not in last]

    @property
    def pairs(self) -> list[str]:
        stated = re.findall(r"Together: ([^.]*)\.", self.words)
        return list(dict.fromkeys(p for part in stated for p in part.split(", ")))

    @property
    def kinds(self) -> dict[str, int]:
        """The stated kinds with their highest percent."""
        best: dict[str, int] = {}
        for part in re.findall(r"Kind: ([^.]*)\.", self.words):
            for name, percent in re.findall(r"([A-Za-z][A-Za-z' -]*) (\d+)%", part):
                best[name] = max(best.get(name, 0), int(percent))
        return best

    @property
    def texts(self) -> list[str]:
        found = re.findall(r"(?:New text: |Text \(\d+ lines?\): )(.*)$", self.words, re.MULTILINE)
        return [text for part in found for text in part.split(" / ")]

    @property
    def latest(self) -> str:
        """What is new in the last frames and not gone again."""
        found = re.findall(r"New: \d+ ([a-z ]+) \(", self.words)
        return found[-1] if found else ""

    def has(self, name: str) -> bool:
        return name in [x.name for x in self.lasting]


def make_recording(d: Draw) -> Recording:
    theme = d.pick(THEMES)
    T = d.pick((6, 8, 8, 8, 10))
    paths = [_path(d, name) for name in _cast(d)]
    kinds = _kinds(d, theme)
    captions = _captions(d, T)
    color, frames = d.pick(COLORS), []
    for t in range(T):
        things = [thing for path in paths for thing in path.at(d, t / (T - 1))]
        if d.chance(SPURIOUS):
            things += _path(d, d.pick(theme.classes)).at(d, 0.0)
        named = tuple(k for k in kinds if d.chance(NAMED) or t == 0)
        named = tuple(Kind(k.name, round(k.probability * d.between(0.7, 1.2), 3)) for k in named)
        named = tuple(k for k in named if 0.12 <= k.probability <= 0.98)
        lines = tuple(Line(x, 0.9, (0.2, 0.8, 0.8, 0.86), 0.06) for s, x in captions if s <= t)[-1:]
        found = reconcile(things, named, lines)
        middle = d.pick((color, d.pick(COLORS)))
        frames.append(Findings(named, found, lines, color, middle, dark=theme.place == "x"))
    words = film_words(frames, d.pick((24, 24, 40)))
    return Recording(words, tuple(frames), theme)


@dataclass(frozen=True)
class Path:
    """A thing that drifts or goes somewhere, as far as the detector finds it."""

    name: str
    color: str
    size: float
    start: tuple[float, float]
    end: tuple[float, float]
    growth: float
    score: float
    first: float  # the part of the film in which it is there, 0 to 1
    last: float

    def at(self, d: Draw, share: float) -> list[Thing]:
        if not self.first <= share <= self.last or d.chance(MISSED if share else 0.1):
            return []
        x, y = (p + share * (q - p) for p, q in zip(self.start, self.end, strict=True))
        x, y = x + d.between(-0.02, 0.02), y + d.between(-0.02, 0.02)
        half = self.size * (1 + share * (self.growth - 1)) / 2
        tall = half * (1.6 if self.name == "person" else 0.9)
        edges = (x - half, y - tall, x + half, y + tall)
        box: Box = tuple(round(min(max(v, 0.0), 1.0), 3) for v in edges)  # type: ignore[assignment]
        score = min(max(self.score + d.between(-0.06, 0.06), 0.4), 0.97)
        return [Thing(self.name, round(score, 2), box, self.color)]


def _cast(d: Draw) -> list[str]:
    if d.chance(0.12):
        return []
    subject = d.pick(SUBJECTS)
    names = [subject] + [subject] * (d.chance(0.25) + d.chance(0.1))
    if subject == "person" and d.chance(0.6):
        names.append(d.pick(WITH_PERSON))
    return names + ([d.pick(("bowl", "cake", "chair", "laptop", "clock"))] if d.chance(0.2) else [])


def _path(d: Draw, name: str) -> Path:
    x, y = d.between(0.25, 0.75), d.between(0.4, 0.65)
    size = d.between(0.2, 0.6) if name == "person" else d.between(0.08, 0.35)
    if name in RIDDEN:
        y, size = y + size * 0.6, size * 1.2
    end = (x, y)
    if d.chance(0.45):
        end = (d.pick((x - d.between(0.2, 0.5), x + d.between(0.2, 0.5))), y)
    first = d.between(0.3, 0.8) if d.chance(0.15) else 0.0
    last = d.between(0.3, 0.8) if d.chance(0.15) and not first else 1.0
    growth = d.pick((1.0, 1.0, 1.0, 1.8, 0.5))
    score = d.pick((d.between(0.6, 0.9), d.between(0.6, 0.9), d.between(0.42, 0.55)))
    return Path(name, d.pick(COLORS), size, (x, y), end, growth, score, first, last)


def _kinds(d: Draw, theme: Theme) -> list[Kind]:
    if d.chance(0.25):
        return []
    active = [k for k in imagenet_classes() if k.family in ("ball", "musical instrument")]
    chosen = d.pick(active if d.chance(0.2) else imagenet_classes())
    p = d.pick((d.between(0.12, 0.3), d.between(0.12, 0.3), d.between(0.3, 0.75)))
    kinds = [Kind(chosen.name, p)]
    if chosen.family and p + 0.1 > 0.35:
        kinds.append(Kind(chosen.family, min(p + 0.1, 0.95)))
    return kinds


def _captions(d: Draw, T: int) -> list[tuple[int, str]]:
    if not d.chance(0.4):
        return []
    made = []
    for t in sorted(d.some(range(T), 1, 2)):
        forms = (d.pick(CAPTIONS), str(d.whole(10, 999)), invented.title(d), invented.event(d))
        made.append((t, d.pick(forms)))
    return made


def certain(found: Findings) -> list[str]:
    return [t.name for t in found.things or () if t.score >= CERTAIN]


def going(motion: str) -> str:
    """ "left and up" -> "moving left and up"; "closer" -> "coming closer"."""
    return {"closer": "coming closer", "away": "going away"}.get(motion, f"moving {motion}")


def honest(d: Draw, question: str, answer: str, kind: str = "unanswerable") -> Exchange:
    return Exchange(kind, question, answer, (), (), True)
