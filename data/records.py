"""Records: one conversation about pictures or clips per line of a JSONL file.

A line holds an id and a list of messages; a message's content is a list of parts of type text,
image or video. Media paths are relative to the JSONL file and must stay inside its folder. For
scoring, a line can add a task and, for each assistant turn, a list of accepted, nearly right and
wrong answers. docs/data.md describes the full format.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from vlm.media.source import ArchiveMember

ROLES = ("system", "user", "assistant")
MEDIA = ("image", "video")


class RecordError(ValueError):
    """An unusable record; the message names the file, the line and the fault."""


@dataclass(frozen=True)
class RecordText:
    """Text of a message."""

    text: str


@dataclass(frozen=True)
class MediaFile:
    """A picture or clip of a message; `path` can be opened as it is."""

    kind: str  # "image" or "video"
    path: Path

    @property
    def archive_member(self) -> ArchiveMember | None:
        """Its position inside a tar file (data/sources/shards.py); None for a plain file."""
        return None


@dataclass(frozen=True)
class SimulatedClassification:
    """A picture without a file: a simulated classifier output (data/embedded/classifier.py)."""

    kind: ClassVar[str] = "image"
    index: int  # of the class
    seed: int
    confidence: float  # the probability of the class


@dataclass(frozen=True)
class Box:
    """An object and its position: center and size as fractions of width and height."""

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Objects:
    """The exactly known objects in a record's single picture or clip."""

    frames: tuple[tuple[Box, ...], ...]  # one for a still picture, evenly spaced over a clip
    background: str = ""  # a color name, empty unless plain


@dataclass(frozen=True)
class RecordMessage:
    """One message of the system, the user or the assistant."""

    role: str
    parts: tuple[RecordText | MediaFile | SimulatedClassification, ...]

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if isinstance(part, RecordText))

    @property
    def media(self) -> tuple[MediaFile, ...]:
        return tuple(part for part in self.parts if isinstance(part, MediaFile))


@dataclass(frozen=True)
class Record:
    """A conversation; `tasks`, `accept`, `near`, `wrong` are empty or have one entry per answer."""

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
        """Pairs of user text and answer, in order."""
        pairs, question = [], ""
        for message in self.messages:
            if message.role == "user":
                question = message.text
            elif message.role == "assistant":
                pairs.append((question, message.text))
        return tuple(pairs)


def read_records(path: str | Path) -> Iterator[Record]:
    """Yields the records of a JSONL file; skips empty lines.

    Raises RecordError with the file and line. Whether media exist is only checked when they are
    opened, so that reading a large file stays fast.
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
    """Writes JSON-ready records (see `record_to_json`), one per line, and returns their number.

    The file appears under its final name only when it is complete.
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
    """Converts a record to the dict of its JSONL line; `folder` is the folder of the JSONL file."""
    root = Path(folder).resolve()

    def part_to_json(part: RecordText | MediaFile | SimulatedClassification) -> dict[str, Any]:
        if isinstance(part, RecordText):
            return {"type": "text", "text": part.text}
        if isinstance(part, SimulatedClassification):
            concept = {"class": part.index, "seed": part.seed, "confidence": part.confidence}
            return {"type": "concept", **concept}
        resolved = part.path.resolve()
        if not resolved.is_relative_to(root):
            raise RecordError(f"record {record.id}: {part.path} is outside {root}.")
        return {"type": part.kind, part.kind: resolved.relative_to(root).as_posix()}

    messages = [
        {"role": message.role, "content": [part_to_json(part) for part in message.parts]}
        for message in record.messages
    ]
    line: dict[str, Any] = {"id": record.id, "messages": messages}
    if record.tasks:
        # A single word if all turns share it, otherwise one per answer.
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
    """Resolves a media path of a record; raises ValueError if it leads out of the folder."""
    root = Path(folder).resolve()
    if Path(name).is_absolute() or "://" in name:
        raise ValueError(f"the media path {name!r} must be relative to the JSONL file")
    resolved = (root / name).resolve()
    if not resolved.is_relative_to(root):
        raise ValueError(f"the media path {name!r} leads out of the folder {root}")
    return resolved


def record_from_json(line: str, folder: str | Path, where: str) -> Record:
    """Parses and checks one JSONL line; `where` starts the message of a RecordError."""
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise RecordError(f"{where}: is not JSON ({what} at column {error.colno}).") from error
    try:
        _require(isinstance(value, dict), "a record must be a JSON object")
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
    _require(isinstance(found, list) and bool(found), f'"{key}" must be a non-empty list')
    assert isinstance(found, list)
    return found


def _read_message(value: Any, folder: Path) -> RecordMessage:
    _require(isinstance(value, dict), "a message must be a JSON object")
    role = value.get("role")
    _require(role in ROLES, f'"role" is {role!r}; it must be one of {", ".join(ROLES)}')
    content = value.get("content")
    if isinstance(content, str):  # the short form of a text-only message
        content = [{"type": "text", "text": content}]
    _require(
        isinstance(content, list) and bool(content), '"content" must be a string or a list of parts'
    )
    assert isinstance(content, list)
    return RecordMessage(role, tuple(_read_part(part, folder) for part in content))


def _read_part(value: Any, folder: Path) -> RecordText | MediaFile | SimulatedClassification:
    _require(isinstance(value, dict), "a part of a message must be a JSON object")
    kind = value.get("type")
    if kind == "concept":
        try:
            return SimulatedClassification(
                int(value["class"]), int(value["seed"]), float(value["confidence"])
            )
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"a part of type concept needs class, seed and confidence ({error})"
            ) from error
    _require(kind in ("text", *MEDIA), f'"type" is {kind!r}; it must be text, image or video')
    content = value.get(kind)
    _require(
        isinstance(content, str) and bool(content), f'a part of type {kind} needs "{kind}": "..."'
    )
    return (
        RecordText(content) if kind == "text" else MediaFile(kind, resolve_media(folder, content))
    )


def _check_roles(messages: tuple[RecordMessage, ...]) -> int:
    """Checks that user and assistant alternate after an optional system message; counts answers."""
    roles = [message.role for message in messages]
    spoken = roles[1:] if roles[0] == "system" else roles
    expected = [("user", "assistant")[i % 2] for i in range(len(spoken))]
    _require(
        spoken == expected and len(spoken) >= 2 and len(spoken) % 2 == 0,
        f"roles must be user, assistant, user, assistant ..., but are {', '.join(roles)}",
    )
    for message in messages:
        _require(
            message.role == "user" or not message.media,
            f"a {message.role} message cannot contain media",
        )
    return len(spoken) // 2


def _read_tasks(value: Any, num_answers: int) -> tuple[str, ...]:
    if value is None:
        return ()
    tasks = [value] * num_answers if isinstance(value, str) else value
    with suppress(TypeError):
        if len(tasks) == num_answers and all(isinstance(task, str) for task in tasks):
            return tuple(tasks)
    raise ValueError(f'"task" must be a string or a list of {num_answers} strings, one per answer')


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
    _require(good, f'"{key}" must be {num_answers} lists of strings, one per answer')
    return tuple(tuple(words) for words in lists)
