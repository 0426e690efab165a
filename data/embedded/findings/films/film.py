"""Films: what the experts' words say frame by frame, and questions about order and change."""

from dataclasses import dataclass

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.prompt import film_words
from data.embedded.findings.scenes.scene import THEMES, Theme
from data.synthetic.language.imagenet_names import ImageNetClass, imagenet_classes
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.detection.coco import GROUP_OF_NAME
from vlm.experts.findings import Box, Findings, Kind, Line, Thing

SLOWEST = 4  # frames in which a thing crosses the picture, so that it can be followed
MISSED = 0.06  # of a thing's frames, in which the detector does not find it


@dataclass(frozen=True)
class Actor:
    """A thing of a film: in which frames it is, from where to where it goes."""

    name: str
    color: str
    size: float
    start: tuple[float, float]
    end: tuple[float, float]
    enters: int
    leaves: int  # the first frame without it

    @property
    def way(self) -> str:
        dx, dy = self.end[0] - self.start[0], self.end[1] - self.start[1]
        if abs(dx) > 0.3:
            return "right" if dx > 0 else "left"
        if abs(dy) > 0.35:
            return "down" if dy > 0 else "up"
        return ""


@dataclass(frozen=True)
class Film:
    frames: tuple[Findings, ...]
    actors: tuple[Actor, ...]
    texts: tuple[tuple[int, str], ...]  # frame, what is written from then on
    kinds: tuple[ImageNetClass, ...]  # one after the other
    theme: Theme
    words: str

    @property
    def length(self) -> int:
        return len(self.frames)

    def at(self, t: int, name: str = "") -> list[Actor]:
        return [x for x in self.actors if x.enters <= t < x.leaves and name in ("", x.name)]

    @property
    def names(self) -> list[str]:
        return sorted({x.name for x in self.actors})


def make_film(d: Draw) -> Film:
    """A film whose words have as many comings and goings as there are."""
    while True:
        film = _any_film(d)
        comings = len({x.enters for x in film.actors if x.enters})
        goings = len({x.leaves for x in film.actors if x.leaves < film.length})
        if (film.words.count("New: "), film.words.count("Gone: ")) == (comings, goings):
            return film


def _any_film(d: Draw) -> Film:
    T = d.pick((6, 8, 8, 8, 10))
    theme = d.pick(THEMES)
    actors: list[Actor] = []
    kinds: tuple[ImageNetClass, ...] = ()
    if d.chance(0.15):
        kinds = tuple(d.some([k for k in imagenet_classes() if k.is_animal], 2, 2))
    else:
        names = ["person"] if d.chance(0.6) else []
        names += [d.pick(theme.classes) for _ in range(d.whole(1, 2))]
        names = [n for n in names if n not in ("skis", "scissors", "broccoli")]
        groups = {GROUP_OF_NAME[n]: n for n in reversed(names)}
        names = [n for n in dict.fromkeys(names) if n in groups.values()]
        if names == ["person"] and d.chance(0.5):
            names.append("person")
        for slot, name in enumerate(names[:3]):
            actors.append(_actor(d, name, slot, T))
    texts: list[tuple[int, str]] = []
    for t in sorted(d.some(range(T), 0, 2)) if d.chance(0.4) else []:
        texts.append(
            (
                t,
                d.pick(
                    (
                        invented.title(d),
                        invented.event(d),
                        invented.shop(d).upper(),
                        f"Chapter {t + 1}",
                        str(d.whole(10, 900)),
                        "THE END",
                        "Subscribe",
                        "Part two",
                    )
                ),
            )
        )
    texts = [x for i, x in enumerate(texts) if x[1] not in [y for _, y in texts[:i]]]
    frames = tuple(_frame(d, t, T, actors, texts, kinds) for t in range(T))
    return Film(frames, tuple(actors), tuple(texts), kinds, theme, film_words(frames))


def _actor(d: Draw, name: str, slot: int, T: int) -> Actor:
    """Keeps to a row of its own, so that it is not taken for another."""
    y = 0.2 + 0.29 * slot
    x = d.between(0.15, 0.85)
    end = (x, y)
    enters = d.whole(2, T - 3) if d.chance(0.35) and slot else 0
    leaves = d.whole(2, T - 3) if d.chance(0.2) and slot and not enters else T
    if d.chance(0.6) and leaves - enters > SLOWEST:
        x = d.pick((0.15, 0.8))
        end = (0.95 - x, y)
    return Actor(name, d.pick(COLORS), d.between(0.1, 0.2), (x, y), end, enters, leaves)


def _frame(
    d: Draw,
    t: int,
    T: int,
    actors: list[Actor],
    texts: list[tuple[int, str]],
    kinds: tuple[ImageNetClass, ...],
) -> Findings:
    things = []
    for actor in actors:
        if actor.enters <= t < actor.leaves and (t == actor.enters or not d.chance(MISSED)):
            share = (t - actor.enters) / max(actor.leaves - 1 - actor.enters, 1)
            x, y = (p + share * (q - p) for p, q in zip(actor.start, actor.end, strict=True))
            half = actor.size / 2
            box: Box = (max(x - half, 0), max(y - half, 0), min(x + half, 1), min(y + half, 1))
            score = d.between(0.5, 0.9) if t == actor.enters else d.between(0.42, 0.9)
            things.append(Thing(actor.name, round(score, 2), box, actor.color))
    shown = [text for start, text in texts if start <= t][-1:]
    lines = tuple(Line(x, 0.9, (0.2, 0.8, 0.8, 0.86), 0.06) for x in shown)
    named: tuple[Kind, ...] = ()
    if kinds:
        kind = kinds[0 if t < T // 2 else 1]
        named = (Kind(kind.name, round(d.between(0.5, 0.9), 2)),)
    elif d.chance(0.1):
        named = (Kind(d.pick(("stage", "website", "unicycle", "beach")), 0.15),)
    return Findings(named, tuple(things), lines, d.pick(COLORS) if t == 0 else "gray")
