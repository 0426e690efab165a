"""Records: one conversation about pictures or clips per line of a JSONL file.

A line holds an id and a list of messages; a message's content is a list of parts, of type text,
image or video. Media paths are relative to the JSONL file and may not lead out of its folder. For
scoring, a line may add one task, and one list of accepted, nearly right and decidedly wrong
answers per assistant turn. docs/data.md shows the form in full.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROLES = ("system", "user", "assistant")
MEDIA = ("image", "video")


class RecordError(ValueError):
    """A record that cannot be used: which file, which line, what is wrong."""


@dataclass(frozen=True)
class RecordText:
    """Words of a message."""

    text: str


@dataclass(frozen=True)
class MediaFile:
    """A picture or a clip of a message; `path` is ready to be opened."""

    kind: str  # "image" or "video"
    path: Path

    @property
    def place(self) -> dict[str, str | int]:
        """Where in another file it lies, if it does (data/sources/shards.py)."""
        return {}


@dataclass(frozen=True)
class Concept:
    """A picture nobody has: what data/embedded/classifier.py would say of its class."""

    index: int  # the class
    seed: int
    confidence: float  # the probability the classifier gives it


@dataclass(frozen=True)
class Box:
    """A thing and where it is: centre and size in fractions of width and height."""

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Objects:
    """What is where in a record's one picture or clip, where that is known exactly."""

    frames: tuple[tuple[Box, ...], ...]  # one for a still picture, evenly over a clip else
    background: str = ""  # its color, where it has one


@dataclass(frozen=True)
class RecordMessage:
    """What one side says in one turn."""

    role: str
    parts: tuple[RecordText | MediaFile | Concept, ...]

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if isinstance(part, RecordText))

    @property
    def media(self) -> tuple[MediaFile, ...]:
        return tuple(part for part in self.parts if isinstance(part, MediaFile))


@dataclass(frozen=True)
class Record:
    """One conversation. `tasks`, `accept`, `near`, `wrong` have one entry per answer, or none."""

    id: str
    messages: tuple[RecordMessage, ...]
    tasks: tuple[str, ...] = ()
    accept: tuple[tuple[str, ...], ...] = ()
    near: tuple[tuple[str, ...], ...] = ()
    wrong: tuple[tuple[str, ...], ...] = ()
    objects: Objects | None = None

    @property
    def task(self) -> str:
        """The task of the first answer, or an empty string."""
        return self.tasks[0] if self.tasks else ""

    @property
    def media(self) -> tuple[MediaFile, ...]:
        return tuple(media for message in self.messages for media in message.media)

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """The pairs of user text and answer, in order."""
        pairs, question = [], ""
        for message in self.messages:
            if message.role == "user":
                question = message.text
            elif message.role == "assistant":
                pairs.append((question, message.text))
        return tuple(pairs)


def read_records(path: str | Path) -> Iterator[Record]:
    """Yields the records of a JSONL file one by one; empty lines are skipped.

    A RecordError names the file and the line. That the media exist is checked when they are opened,
    not here, so that reading a large file stays quick.
    """
    path = Path(path)
    try:
        lines = path.open(encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from error
    with lines:
        number = 0
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield record_from_json(line, path.parent, f"{path}, line {number}")
        except UnicodeDecodeError as error:
            raise RecordError(f"{path}, line {number + 1}: is not UTF-8 text.") from error


def write_records(path: str | Path, records: Iterable[dict[str, Any]]) -> int:
    """Writes JSON-ready records (see `record_to_json`) one a line and returns how many.

    The file appears under its name only when it is whole.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    count = 0
    with unfinished.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    unfinished.replace(path)
    return count


def record_to_json(record: Record, folder: str | Path) -> dict[str, Any]:
    """A record as the dict of its JSONL line; `folder` is the one the JSONL file lies in."""
    root = Path(folder).resolve()

    def part_to_json(part: RecordText | MediaFile | Concept) -> dict[str, Any]:
        if isinstance(part, RecordText):
            return {"type": "text", "text": part.text}
        if isinstance(part, Concept):
            concept = {"class": part.index, "seed": part.seed, "confidence": part.confidence}
            return {"type": "concept", **concept}
        resolved = part.path.resolve()
        if not resolved.is_relative_to(root):
            raise RecordError(f"record {record.id}: {part.path} lies outside {root}.")
        return {"type": part.kind, part.kind: resolved.relative_to(root).as_posix()}

    messages = [
        {"role": message.role, "content": [part_to_json(part) for part in message.parts]}
        for message in record.messages
    ]
    line: dict[str, Any] = {"id": record.id, "messages": messages}
    if record.tasks:
        # One word where all turns share it, else one word per answer.
        same = len(set(record.tasks)) == 1
        line["task"] = record.tasks[0] if same else list(record.tasks)
    for key in ("accept", "near", "wrong"):
        lists = getattr(record, key)
        if any(lists):
            line[key] = [list(words) for words in lists]
    if record.objects is not None:
        frames = [[_box_to_json(box) for box in frame] for frame in record.objects.frames]
        line["objects"] = {"background": record.objects.background, "frames": frames}
    return line


def _box_to_json(box: Box) -> list[str | float]:
    return [box.label, *(round(n, 3) for n in (box.x, box.y, box.width, box.height))]


def resolve_media(folder: str | Path, name: str) -> Path:
    """The path of a media file of a record, refused where it leads out of the record's folder."""
    root = Path(folder).resolve()
    if Path(name).is_absolute() or "://" in name:
        raise ValueError(f"the media path {name!r} must be relative to the JSONL file")
    resolved = (root / name).resolve()
    if not resolved.is_relative_to(root):
        raise ValueError(f"the media path {name!r} leads out of the folder {root}")
    return resolved


def record_from_json(line: str, folder: str | Path, where: str) -> Record:
    """Checks one JSONL line; `where` opens the message of the RecordError."""
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise RecordError(f"{where}: is not JSON ({what} at column {error.colno}).") from error
    try:
        _require(isinstance(value, dict), "a record is a JSON object")
        messages = tuple(_read_message(item, Path(folder)) for item in _list(value, "messages"))
        num_answers = _check_roles(messages)
        return Record(
            id=str(value.get("id", "")) or where,
            messages=messages,
            tasks=_read_tasks(value.get("task"), num_answers),
            accept=_read_answers(value, "accept", num_answers),
            near=_read_answers(value, "near", num_answers),
            wrong=_read_answers(value, "wrong", num_answers),
            objects=_read_objects(value.get("objects")),
        )
    except ValueError as error:
        raise RecordError(f"{where}: {error}.") from error


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


def _list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    _require(isinstance(found, list) and bool(found), f'"{key}" must be a list that is not empty')
    assert isinstance(found, list)
    return found


def _read_message(value: Any, folder: Path) -> RecordMessage:
    _require(isinstance(value, dict), "a message is a JSON object")
    role = value.get("role")
    _require(role in ROLES, f'"role" is {role!r}, known are {", ".join(ROLES)}')
    content = value.get("content")
    if isinstance(content, str):  # the short form of a message that is only text
        content = [{"type": "text", "text": content}]
    _require(
        isinstance(content, list) and bool(content), '"content" must be a text or a list of parts'
    )
    assert isinstance(content, list)
    return RecordMessage(role, tuple(_read_part(part, folder) for part in content))


def _read_part(value: Any, folder: Path) -> RecordText | MediaFile | Concept:
    _require(isinstance(value, dict), "a part of a message is a JSON object")
    kind = value.get("type")
    if kind == "concept":
        try:
            return Concept(int(value["class"]), int(value["seed"]), float(value["confidence"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"a concept needs class, seed and confidence ({error})") from error
    _require(kind in ("text", *MEDIA), f'"type" is {kind!r}, known are text, image, video')
    content = value.get(kind)
    _require(
        isinstance(content, str) and bool(content), f'a part of type {kind} needs "{kind}": "..."'
    )
    return (
        RecordText(content) if kind == "text" else MediaFile(kind, resolve_media(folder, content))
    )


def _check_roles(messages: tuple[RecordMessage, ...]) -> int:
    """User and assistant take turns, a system message may open; returns the number of answers."""
    roles = [message.role for message in messages]
    spoken = roles[1:] if roles[0] == "system" else roles
    expected = [("user", "assistant")[i % 2] for i in range(len(spoken))]
    _require(
        spoken == expected and len(spoken) >= 2 and len(spoken) % 2 == 0,
        f"roles must be user, assistant, user, assistant ..., got {', '.join(roles)}",
    )
    for message in messages:
        _require(
            message.role == "user" or not message.media,
            f"a {message.role} message cannot hold media",
        )
    return len(spoken) // 2


def _read_tasks(value: Any, num_answers: int) -> tuple[str, ...]:
    if value is None:
        return ()
    tasks = [value] * num_answers if isinstance(value, str) else value
    with suppress(TypeError):
        if len(tasks) == num_answers and all(isinstance(task, str) for task in tasks):
            return tuple(tasks)
    raise ValueError(f'"task" must be a text or a list of {num_answers} texts, one per answer')


def _read_objects(value: Any) -> Objects | None:
    if value is None:
        return None
    try:
        frames = tuple(
            tuple(Box(str(label), *map(float, numbers)) for label, *numbers in frame)
            for frame in value["frames"]
        )
        _require(bool(frames), '"objects" needs at least one frame')
        return Objects(frames, str(value.get("background", "")))
    except (KeyError, TypeError, ValueError) as error:
        form = '{"frames": [[["label", x, y, width, height], ...], ...]}'
        raise ValueError(f'"objects" must be {form} ({error})') from error


def _read_answers(value: dict[str, Any], key: str, num_answers: int) -> tuple[tuple[str, ...], ...]:
    if key not in value:
        return ()
    lists = value[key]
    good = isinstance(lists, list) and len(lists) == num_answers
    good = good and all(
        isinstance(words, list) and all(isinstance(word, str) for word in words) for words in lists
    )
    _require(good, f'"{key}" must hold {num_answers} lists of texts, one per answer')
    return tuple(tuple(words) for words in lists)
