"""What a benchmark is: how its files are read, how it asks, how an answer is read and scored.

    questions(folder, options)   ->  Question ...    what to ask, from the published files
    compose(question, seen)      ->  Composed        the user turn, once the media are decoded
    read(row, raw, mode)         ->  answer or None  what the model meant; None: it did not answer
    score(row, answer, mode)     ->  0 to 1 or None  None: left out of the mean

Harnesses disagree on how an answer is read. Each way is a mode with a name; a log keeps them all.
A row is one line of the log: it has `id`, `group`, `prompt`, `raw`, `options`, `targets`,
`category` and `extra`, so that scoring again needs neither the model nor the data.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from evaluation.benchmarks.stored import Cell, Member
from evaluation.benchmarks.subtitles import RULES
from evaluation.runs.log import LogRow
from vlm.conversation import Image, Part, Text, Video


@dataclass(frozen=True)
class MediaPart:
    """A picture, a film or a folder of frames, said by where it lies; no pixels yet."""

    kind: Literal["image", "video", "frames"]
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)  # an encoded file
    packed: Cell | Member | None = None  # in a parquet table or a zip file
    start: float | None = None  # seconds; a part of a film, or of frames at `fps`
    end: float | None = None
    paths: tuple[Path, ...] = ()  # of kind "frames": still pictures in order
    fps: float | None = None  # of kind "frames"

    def __post_init__(self) -> None:
        given = (self.path, self.data, self.packed, self.paths or None)
        if sum(source is not None for source in given) != 1:
            raise ValueError("a medium is a path, its bytes, packed, or frame paths: one of them.")
        if (self.kind == "frames") != bool(self.paths and self.fps):
            raise ValueError('frame paths and their rate belong to media of kind "frames".')

    @classmethod
    def video_file(
        cls, found: Path | Member, start: float | None = None, end: float | None = None
    ) -> "MediaPart":
        """A film where `VideoFiles.find` found it."""
        if isinstance(found, Member):
            return cls("video", packed=found, start=start, end=end)
        return cls("video", found, start=start, end=end)

    def source(self) -> Path | bytes:
        """The file or its bytes, unpacked; ValueError or OSError with a sentence if it cannot."""
        if isinstance(self.packed, Cell):
            return self.packed.bytes()
        found = self.packed.unpack() if isinstance(self.packed, Member) else self.path
        if self.data is not None:
            return self.data
        assert found is not None, "frames have no single source"
        if not found.is_file():
            raise ValueError(f"{found}: there is no such file.")
        return found

    @property
    def name(self) -> str:
        """How a person knows it."""
        if self.path is not None:
            return self.path.name
        if isinstance(self.packed, Member):
            return self.packed.target.name
        if self.paths:
            return self.paths[0].parent.name
        return f"{self.kind} inside the data file"


@dataclass(frozen=True)
class Question:
    """One sample, ready to be asked."""

    id: str  # unique and stable in the benchmark
    group: str  # the video or document it is about: the cluster of the error bars
    parts: tuple[MediaPart | str, ...]  # what the user turn holds, in order
    targets: tuple[str, ...]  # accepted answers, a letter for choices; empty: kept secret
    options: tuple[str, ...] = ()  # texts of the choices without their letters, A first
    category: dict[str, str] = field(default_factory=dict)  # what tables are broken down by
    extra: dict[str, Any] = field(default_factory=dict)  # JSON: what scoring and exports need


@dataclass(frozen=True)
class Options:
    """What a user may choose about a benchmark. An empty text is the benchmark's default."""

    split: str = ""
    prompt_mode: str = ""
    subtitles: bool = False
    subtitle_rule: str = "clean"  # evaluation.benchmarks.subtitles.RULES
    limit: int | None = None  # the first so many questions


@dataclass(frozen=True)
class Hub:
    """Where a set lies on the Hugging Face hub. `{split}` in a pattern is the split's name."""

    repo: str
    files: tuple[str, ...]  # patterns of the files with the questions
    media: tuple[str, ...] = ()  # of those with their films, where they are not in the former


@dataclass(frozen=True, eq=False)
class Composed:
    """What is sent: the system text, the user turn, and the words the answer starts with."""

    parts: tuple[Part, ...]
    system: str = ""
    reply: str = ""  # put into the model's mouth; the raw answer does not repeat it
    captions: tuple[str, ...] = ()  # subtitles that are in the prompt, for the log


class Benchmark(ABC):
    """One benchmark; a subclass fills in the table and the steps."""

    name: str
    title: str
    needs: str  # one line: what must lie in its folder, and where that comes from
    hub: Hub | None = None  # None: it has to be fetched by hand, or made
    metric: str  # "accuracy", "anls", ...
    modes: tuple[str, ...]  # ways to read an answer, the default first
    prompt_modes: tuple[str, ...] = ("default",)
    # Prompt mode -> system text, and the words the reply begins with.
    system_and_reply: Mapping[str, tuple[str, str]] = {}
    splits: tuple[str, ...] = ("test",)  # the default first
    max_new_tokens: int = 16
    num_frames: int | None = None  # of a video; None: what the model was made for
    max_tiles: int | None = None  # of a picture
    frame_rule: str = "segments"  # the middles of equal segments
    has_subtitles: bool = False
    weight_by: str | None = None  # a category: the headline is the mean of its means

    def questions(self, folder: Path, options: Options) -> list[Question]:
        """All questions in the order of the files; ValueError with a sentence: a wrong layout."""
        self.check(options)
        if not folder.is_dir():
            raise ValueError(f"{self.name}: there is no folder {folder}; needed is: {self.needs}")
        found = list(itertools.islice(self.load(folder, options), options.limit))
        if not found:
            raise ValueError(f"{self.name}: {folder} holds no questions.")
        seen: set[str] = set()
        for question in found:
            if question.id in seen:
                raise ValueError(f"{self.name}: two questions have the id {question.id!r}.")
            seen.add(question.id)
        return found

    def check(self, options: Options) -> None:
        """ValueError where the options do not fit this benchmark."""
        choices = (
            ("prompt mode", options.prompt_mode, self.prompt_modes),
            ("split", options.split, self.splits),
            ("subtitle rule", options.subtitle_rule, tuple(RULES)),
        )
        for what, chosen, known in choices:
            if chosen and chosen not in known:
                raise ValueError(
                    f"{self.name} has no {what} {chosen!r}; known are {', '.join(known)}."
                )
        if options.subtitles and not self.has_subtitles:
            raise ValueError(f"{self.name} has no subtitles to show.")
        if options.limit is not None and options.limit < 1:
            raise ValueError(f"the limit is {options.limit}; it must be 1 or more.")

    def split(self, options: Options) -> str:
        return options.split or self.splits[0]

    def prompt_mode(self, options: Options) -> str:
        return options.prompt_mode or self.prompt_modes[0]

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        """Patterns of the files that are needed from the hub."""
        assert self.hub is not None
        patterns = self.hub.files + self.hub.media * media
        return tuple(pattern.format(split=self.split(options)) for pattern in patterns)

    @abstractmethod
    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        """The questions one by one, from files in the published layout."""

    @abstractmethod
    def data_files(self, folder: Path, options: Options) -> list[Path]:
        """The annotation files that were read, to be hashed."""

    def require(self, files: Sequence[Path], folder: Path, expected: str) -> list[Path]:
        """Returns the files that were found. Raises ValueError with the expected ones if none."""
        if not files:
            raise ValueError(f"{self.name}: {folder} holds {expected}.")
        return list(files)

    def compose(
        self, question: Question, seen: Sequence[Image | Video], options: Options
    ) -> Composed:
        """Builds the user turn. `seen` holds the decoded media in order; empty if asked blind."""
        decoded = iter(seen)
        parts: list[Part] = []
        for part in question.parts:
            if isinstance(part, str):
                parts.append(Text(part))
            elif seen:
                parts.append(next(decoded))
        system, reply = self.system_and_reply.get(self.prompt_mode(options), ("", ""))
        return Composed(tuple(parts), system, reply)

    @abstractmethod
    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        """The answer as the mode reads it from the model's words; None: unanswered."""

    @abstractmethod
    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        """0 to 1; None: left out of the mean, as is every question without targets."""

    def units(self, rows: Sequence[LogRow], mode: str) -> list[tuple[str, float | None]]:
        """(group, value) of all that the mean, its error and its interval are taken over."""
        return [(row["group"], row["score"].get(mode)) for row in rows]

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Further numbers the protocol reports, 0 to 1."""
        return {}

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """Lines of Markdown to print below the main table."""
        return []
