"""The findings of a film in words: the first frame in full, each later one only what changed.

Things are followed from frame to frame: a thing of the same class whose box overlaps, or lies
near, is the same one. One that is missing in a single frame has not gone: a detector misses things
now and then. Every frame's words depend on the frames up to it alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vlm.experts.activities import activity
from vlm.experts.detection.coco import GROUP_OF_NAME
from vlm.experts.findings import CERTAIN, UNNAMED, Findings, Kind, Thing, iou
from vlm.experts.places import place_of
from vlm.experts.together import together
from vlm.experts.words import describe, name_things, read_order

NEAR = 0.25  # of the frame's sides: how far a thing may move between two frames
MOVED, MOVED_UPRIGHT = 0.1, 0.15  # of the frame's width and height
GROWN = 1.6  # times the area
PATIENCE = 2  # frames without a thing, after which it has gone
NEW_KIND = 0.25  # probability


@dataclass
class Track:
    """One thing through a film."""

    seen: list[tuple[int, Thing]] = field(default_factory=list)  # frame, thing
    stated: Thing | None = None  # as it was when words last mentioned it
    gone: bool = False

    @property
    def last(self) -> Thing:
        return self.seen[-1][1]

    @property
    def name(self) -> str:
        """The name it had most often, of those that name it; the first of several."""
        names = [thing.name for _, thing in self.seen if thing.name != UNNAMED] or [UNNAMED]
        return max(dict.fromkeys(names), key=names.count)


def film_lines(frames: Sequence[Findings], words_per_frame: int) -> list[str]:
    """Words for each frame of a film; "No change." where there is nothing to add."""
    if not frames:
        return []
    tracks: list[Track] = []
    read: set[str] = set()
    kinds: set[str] = set()
    pairs: set[str] = set()
    lines = []
    for t, found in enumerate(frames):
        changes = _follow(tracks, found.things or (), t)
        fresh = _fresh_text(found, read, words_per_frame)
        seen = _pairs(found)
        if t == 0:
            lines.append(describe(found, fresh))
        else:
            new = [k for k in found.kinds or () if k.probability > NEW_KIND]
            new = [k for k in new if k.name not in kinds]
            parts = [f"Kind: {k.name} {round(100 * k.probability)}%." for k in new[:1]]
            joined = [pair for pair in seen if pair not in pairs]
            parts += changes + ([f"Together: {', '.join(joined)}."] if joined else [])
            parts += [f"New text: {fresh}"] if fresh else []
            lines.append(" ".join(parts) or "No change.")
        pairs |= set(seen)
        kinds |= {k.name for k in found.kinds or () if k.probability > NEW_KIND}
    return lines


def film_summary(frames: Sequence[Findings]) -> str:
    """One sentence for a whole film: which things are in how much of it, and how they move."""
    tracks: list[Track] = []
    for t, found in enumerate(frames):
        _follow(tracks, found.things or (), t)
    least = max(2, len(frames) // 4)
    lasting = [track for track in tracks if len(track.seen) >= min(least, len(frames))]
    parts = []
    for name in dict.fromkeys(t.name for t in sorted(lasting, key=lambda t: -len(t.seen))):
        of = [t for t in lasting if t.name == name]
        most = max(sum(f == t for track in of for f, _ in track.seen) for t in range(len(frames)))
        moves = dict.fromkeys(_motion(track.seen[0][1], track.last) for track in of)
        words = [m for m in moves if m] or ["stays"]
        parts.append(f"{most} {name} ({', '.join(words)})")
    whole = [f"Whole film: {'; '.join(parts)}."] if parts else []
    return " ".join([*whole, *_conclusions(frames, [track.name for track in lasting])])


def _conclusions(frames: Sequence[Findings], lasting: Sequence[str]) -> list[str]:
    """What people seem to do in a film, and the place, as all frames together suggest it."""
    seen = dict.fromkeys(thing.name for found in frames for thing in found.things or ())
    passing = [name for name in seen if name not in lasting]
    pairs = dict.fromkeys(pair for found in frames for pair in _pairs(found))
    best: dict[str, Kind] = {}
    for kind in (k for found in frames for k in found.kinds or ()):
        if kind.name not in best or kind.probability > best[kind.name].probability:
            best[kind.name] = kind
    kinds = sorted(best.values(), key=lambda kind: -kind.probability)
    acts = activity(list(pairs), lasting, passing, kinds) if "person" in seen else None
    if acts and not {"person", acts.thing} <= set(lasting):
        acts = replace(acts, sure=False)
    return [str(x) for x in (acts, place_of(lasting, kinds)) if x]


def film_words(frames: Sequence[Findings], words_per_frame: int) -> tuple[str, ...]:
    """Returns a numbered line for each frame, and one for the whole film if there is one to add."""
    lines = enumerate(film_lines(frames, words_per_frame), 1)
    return (*(f"Frame {t}: {line}" for t, line in lines), *filter(None, [film_summary(frames)]))


def _pairs(found: Findings) -> list[str]:
    """Who rides or holds what among the things that are sure, each once."""
    sure = [thing for thing in found.things or () if thing.score >= CERTAIN]
    return list(dict.fromkeys(together(sure)))


def _follow(tracks: list[Track], things: Sequence[Thing], t: int) -> list[str]:
    """Adds frame `t` to the tracks and returns what is new, gone and moved, in words."""
    free = [track for track in tracks if not track.gone]
    new = []
    for thing in sorted(things, key=lambda thing: -thing.score):
        track = _match(free, thing)
        if track is not None:
            free.remove(track)
            track.seen.append((t, thing))
        elif thing.score >= CERTAIN:
            track = Track([(t, thing)], stated=thing)
            tracks.append(track)
            new.append(thing)
    gone = [track for track in free if t - track.seen[-1][0] >= PATIENCE]
    for track in gone:
        track.gone = True
    moved = []
    for track in tracks:
        if (
            track.stated
            and track.seen[-1][0] == t
            and (motion := _motion(track.stated, track.last))
        ):
            moved.append(f"{track.name} {motion}")
            track.stated = track.last
    words = [f"New: {name_things(new)}."] if new else []
    words += [f"Gone: {_counted(gone)}."] if gone else []
    return words + ([f"Moved: {', '.join(dict.fromkeys(moved))}."] if moved else [])


def _counted(tracks: Sequence[Track]) -> str:
    names = [track.name for track in tracks]
    return ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))


def _match(tracks: list[Track], thing: Thing) -> Track | None:
    """The track that a thing goes on: the most overlap, else the nearest center."""
    same = [track for track in tracks if _may_be(track, thing)]
    best = max(same, key=lambda track: iou(track.last, thing), default=None)
    if best is not None and iou(best.last, thing) > 0.1:
        return best
    best = min(same, key=lambda track: _distance(track.last, thing), default=None)
    return best if best is not None and _distance(best.last, thing) < NEAR else None


def _may_be(track: Track, thing: Thing) -> bool:
    """Whether a thing may be that of a track: of a class that a detector confuses with it.

    A drawn thing keeps its color, or its figure if it has one: something else in its place is new.
    """
    groups = GROUP_OF_NAME.get(track.name), GROUP_OF_NAME.get(thing.name)
    if groups != (None, None):
        return groups[0] == groups[1]
    named = track.name == thing.name != UNNAMED
    return named or track.last.color == thing.color


def _distance(a: Thing, b: Thing) -> float:
    return max(abs(p - q) for p, q in zip(a.center, b.center, strict=True))


def _motion(before: Thing, after: Thing) -> str:
    """ "right", "up", "closer", or "" if it stayed."""
    dx, dy = (q - p for p, q in zip(before.center, after.center, strict=True))
    words = []
    if abs(dx) > MOVED:
        words.append("right" if dx > 0 else "left")
    if abs(dy) > MOVED_UPRIGHT:
        words.append("down" if dy > 0 else "up")
    growth = after.area / max(before.area, 1e-6)
    if not words and not 1 / GROWN < growth < GROWN:
        words.append("closer" if growth > 1 else "away")
    return " and ".join(words)


def _fresh_text(found: Findings, read: set[str], limit: int) -> str:
    """Lines that no frame before had, up to a number of words; adds them to `read`."""
    fresh: list[str] = []
    for text in read_order(found.lines or ()):
        key = "".join(c for c in text.casefold() if c.isalnum())
        if not key or any(_alike(key, other) for other in read):
            continue
        if sum(len(x.split()) for x in [*fresh, text]) > limit:
            break
        fresh.append(text)
        read.add(key)
    return " / ".join(fresh)


def _alike(a: str, b: str) -> bool:
    """The same letters but for one in eight at most, compared by places: a reader wavers."""
    if a == b or (min(len(a), len(b)) > 3 and (a in b or b in a)):
        return True
    if abs(len(a) - len(b)) > len(a) // 8:
        return False
    return sum(x != y for x, y in zip(a, b, strict=False)) <= len(a) // 8
