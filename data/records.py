"""Records: one conversation about pictures or clips per line of a JSONL file.

A line holds an id and a list of messages; a message's content is a list of parts of type text,
image or video. Media paths are relative to the JSONL file and must stay inside its folder. For
scoring, a line can add a task and, for each assistant turn, a list of accepted, nearly right and
wrong answers. docs/data.md describes the full format.
"""

import json
import math
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data.complete_file import completed
from data.json_text import decode, is_blank_line, parse_line, printable, refuse_wide, unwritable
from data.loss_flag import LOSS_KEYS, has_loss
from data.objects import Objects, objects_from_json, objects_to_json
from vlm.media.source import ArchiveMember

ROLES = ("system", "user", "assistant")
MEDIA = ("image", "video")
INVISIBLE = ("Zs", "Zl", "Zp", "Cc", "Cf")  # Unicode categories: spaces, control, format


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
    words: tuple[str, ...] = ()  # of the experts (`python -m data words`)

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
class RecordMessage:
    """One message of the system, the user or the assistant."""

    role: str
    parts: tuple[RecordText | MediaFile | SimulatedClassification, ...]
    has_loss: bool = True  # False: an answer that is read as context, never learned

    @property
    def is_blank(self) -> bool:
        """Whether it is text alone, without a visible character."""
        text = "".join(part.text for part in self.parts if isinstance(part, RecordText))
        only_text = all(isinstance(part, RecordText) for part in self.parts)
        return only_text and all(unicodedata.category(one) in INVISIBLE for one in text)

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
        with path.open("rb") as lines:
            refuse_wide(lines.read(4))
            lines.seek(0)
            for number, line in enumerate(lines, start=1):
                if not is_blank_line(line):
                    yield record_from_json(line, path.parent, f"{path}, line {number}")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from error
    except RecordError:
        raise
    except ValueError as error:
        raise RecordError(f"{path}: {error}.") from None


def write_records(path: str | Path, records: Iterable[dict[str, Any]]) -> int:
    """Writes JSON-ready records (see `record_to_json`), one per line, and returns their number.

    The file appears under its final name only when it is complete; otherwise nothing is left.
    """
    path = Path(path)
    count = 0
    with completed(path) as unfinished, unfinished.open("wb") as file:
        for record in records:
            try:
                file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            except UnicodeEncodeError as error:
                name = record.get("id")
                raise RecordError(f"{path}, record {name!r}: {unwritable(error)}.") from None
            count += 1
    return count


def record_to_json(record: Record, folder: str | Path) -> dict[str, Any]:
    """Converts a record to the dict of its JSONL line; `folder` is the folder of the JSONL file."""
    try:
        contents = [[part_to_json(part, folder) for part in m.parts] for m in record.messages]
    except RecordError as error:
        raise RecordError(f"record {record.id}: {error}") from None
    messages: list[dict[str, Any]] = [
        {"role": message.role, "content": content}
        | ({} if message.has_loss else {LOSS_KEYS[0]: False})
        for message, content in zip(record.messages, contents, strict=True)
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
        line["objects"] = objects_to_json(record.objects)
    return line


def part_to_json(
    part: RecordText | MediaFile | SimulatedClassification, folder: str | Path
) -> dict[str, Any]:
    """Converts a part of a message; raises RecordError for a medium outside `folder`."""
    if isinstance(part, RecordText):
        return {"type": "text", "text": part.text}
    if isinstance(part, SimulatedClassification):
        concept = {"class": part.index, "seed": part.seed, "confidence": part.confidence}
        return {"type": "concept", **concept}
    root, resolved = Path(folder).resolve(), part.path.resolve()
    if not resolved.is_relative_to(root):
        raise RecordError(f"{part.path} is outside {root}.")
    words = {"words": list(part.words)} if part.words else {}
    return {"type": part.kind, part.kind: resolved.relative_to(root).as_posix(), **words}


def resolve_media(folder: str | Path, name: str) -> Path:
    """Resolves a media path of a record; raises ValueError if it leads out of the folder.

    A backslash separates folders, as on Windows, unless a file has it in its name.
    """
    try:
        root = Path(folder).resolve()
        if "\\" in name and not (root / name).exists():
            name = name.replace("\\", "/")
        resolved = (root / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, a circle of links
        raise ValueError(f"the media path {name!r:.80} is not a path ({error})") from None
    if Path(name).is_absolute() or "://" in name:
        raise ValueError(f"the media path {name!r} must be relative to the JSONL file")
    if not resolved.is_relative_to(root):
        raise ValueError(f"the media path {name!r} leads out of the folder {root}")
    return resolved


def record_from_json(line: str | bytes, folder: str | Path, where: str) -> Record:
    """Parses and checks one JSONL line; `where` starts the message of a RecordError."""
    try:
        value = parse_line(decode(line) if isinstance(line, bytes) else line)
        _require(isinstance(value, dict), "a record must be a JSON object")
        messages = tuple(_read_message(item, Path(folder)) for item in _list(value, "messages"))
        num_answers = _check_roles(messages)
        return Record(
            id=_id(value) or printable(where),
            messages=messages,
            tasks=_read_tasks(value.get("task"), num_answers),
            accept=_read_answers(value, "accept", num_answers),
            near=_read_answers(value, "near", num_answers),
            wrong=_read_answers(value, "wrong", num_answers),
            objects=objects_from_json(value.get("objects")),
        )
    except ValueError as error:
        raise RecordError(f"{where}: {error}.") from error


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


def _id(value: dict[str, Any]) -> str:
    found = value.get("id")
    return "" if found is None else str(found)


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
    # An empty answer is a record that training leaves out, not a malformed one.
    is_answer = role == "assistant"
    parts = tuple(_read_part(part, folder, is_answer) for part in content)
    return RecordMessage(role, parts, has_loss(value) if is_answer else True)


def _read_part(
    value: Any, folder: Path, may_be_empty: bool
) -> RecordText | MediaFile | SimulatedClassification:
    _require(isinstance(value, dict), "a part of a message must be a JSON object")
    kind = value.get("type")
    if kind == "concept":
        return _read_simulated(value)
    _require(kind in ("text", *MEDIA), f'"type" is {kind!r}; it must be text, image or video')
    content = value.get(kind)
    _require(
        isinstance(content, str) and (bool(content) or (may_be_empty and kind == "text")),
        f'a part of type {kind} needs "{kind}": "..."',
    )
    if kind == "text":
        return RecordText(content)
    words = value.get("words", [])
    _require(
        isinstance(words, list) and all(isinstance(line, str) for line in words),
        '"words" of a medium must be a list of lines of text',
    )
    return MediaFile(kind, resolve_media(folder, content), tuple(words))


def _read_simulated(value: dict[str, Any]) -> SimulatedClassification:
    try:
        confidence = float(value["confidence"])
        _require(math.isfinite(confidence), f"the confidence is {confidence}")
        return SimulatedClassification(int(value["class"]), int(value["seed"]), confidence)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"a part of type concept needs class, seed and confidence ({error})"
        ) from error


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
