"""Checks labeled clips: `python -m data check` of a list, or of a folder of class folders.

The forms of lists are those of data/clips/lists.py. A clip is sound if it can be read; one that is
listed twice is a problem, since a clip with two classes teaches neither.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import local
from typing import Any

from tqdm import tqdm

from data.checks.check import Problem
from data.clips.folders import PICTURES, LabeledClip, find_clips
from data.clips.lists import read_lists
from data.records import MediaFile
from data.samples.decoder import Decoder
from vlm.media.confined.limits import MediaError
from vlm.plural import plural

FRAMES, SIDE = 8, 64  # decoded of each clip
MAX_CLASSES, MAX_PROBLEMS = 20, 20  # printed
KINDS = {
    "missing": "clips that are missing",
    "unreadable": "clips that cannot be read",
    "twice": "clips that are listed twice",
}


@dataclass
class ClipFindings:
    """What lists of clips contain, and their problems."""

    files: dict[str, int] = field(default_factory=dict)  # list -> clips
    classes: dict[str, int] = field(default_factory=dict)  # class -> clips, in their order
    problems: list[Problem] = field(default_factory=list)


def is_clip_list(path: Path) -> bool:
    """Returns whether a file is a list of clips, or a folder, and not a file of records."""
    if path.is_dir() or path.suffix in (".csv", ".txt"):
        return True
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
    except OSError:
        return False
    if path.suffix == ".json":
        return b'"template"' in path.read_bytes()
    try:
        entry = json.loads(first)
    except ValueError:
        return False
    return isinstance(entry, dict) and "label" in entry and "messages" not in entry


def check_clips(
    paths: Sequence[Path],
    root: Path | None = None,
    names: Path | None = None,
    decode: bool = False,
    seconds: float = 30.0,
    workers: int = 2,
) -> ClipFindings:
    """Reads the header of every clip, or decodes it. Raises ValueError for a malformed list.

    `root` is where the clips are; by default, where their list is. `names` has the class names.
    """
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise ValueError(f"{folders[0]} is a folder of class folders; check it alone")
    if folders:
        clips, classes = find_clips(folders[0])
        lists = [clips]
    else:
        lists, classes = read_lists(paths, root, names)
    found = ClipFindings(classes=dict.fromkeys(classes, 0))
    first: dict[Path, str] = {}
    for path, clips in zip(paths, lists, strict=True):
        found.files[str(path)] = len(clips)
        count = Counter(clip.label for clip in clips)
        for number, name in enumerate(classes):
            found.classes[name] += count[number]
        for clip, reason in zip(clips, _read(clips, path, decode, seconds, workers), strict=True):
            where = clip.where or str(clip.path)
            if reason:
                kind = "unreadable" if clip.path.exists() else "missing"
                found.problems.append(Problem(where, kind, reason))
            if first.setdefault(clip.path, where) != where:
                text = f'"{clip.path.name}" is in {first[clip.path]} as well.'
                found.problems.append(Problem(where, "twice", text))
    return found


def _read(
    clips: Sequence[LabeledClip], path: Path, decode: bool, seconds: float, workers: int
) -> Iterator[str]:
    """Yields why each clip cannot be read; "" if it can."""
    own = local()

    def reason(clip: LabeledClip) -> str:
        if not hasattr(own, "decoder"):
            own.decoder = Decoder(seconds)
        decoder: Decoder = own.decoder
        picture = clip.path.suffix.lower() in PICTURES
        media = MediaFile("image" if picture else "video", clip.path)
        try:
            if not decode:
                decoder.probe(media)
                return ""
            seen = decoder.image(media, SIDE) if picture else decoder.video(media, FRAMES, SIDE)
        except MediaError as error:
            return str(error)
        return f'"{clip.path.name}" is damaged: {" ".join(seen.damaged)}' if seen.damaged else ""

    with ThreadPoolExecutor(max(1, workers)) as pool:
        yield from tqdm(pool.map(reason, clips), path.name, len(clips), unit="clip", delay=1)


def format_clips(found: ClipFindings, every: bool = False) -> str:
    """Returns the report as text: `every` problem, or the first."""
    lines = [f"{path}: {plural(count, 'clip')}" for path, count in found.files.items()]
    lines += ["", f"{len(found.classes):,} classes"]
    width = max(map(len, found.classes))
    shown = list(found.classes.items())[:MAX_CLASSES]
    lines += [f"  {name:<{width}}  {count:>7,}" for name, count in shown]
    if len(shown) < len(found.classes):
        lines.append(f"  ... and {len(found.classes) - len(shown):,} more")
    if not found.problems:
        return "\n".join([*lines, "", "No problems."])
    counts = Counter(problem.kind for problem in found.problems)
    lines += ["", f"{plural(len(found.problems), 'problem')}:"]
    lines += [f"  {counts[kind]:>7,}  {text}" for kind, text in KINDS.items() if counts[kind]]
    printed = found.problems if every else found.problems[:MAX_PROBLEMS]
    lines += ["", *(f"{problem.where}: {problem.text}" for problem in printed)]
    if len(printed) < len(found.problems):
        lines.append(f"... and {len(found.problems) - len(printed):,} more (--all prints them)")
    return "\n".join(lines)


def clips_as_json(found: ClipFindings) -> dict[str, Any]:
    """Returns the findings as a JSON-ready dict."""
    counts = dict(Counter(problem.kind for problem in found.problems))
    return {**asdict(found), "problem_counts": counts}
