"""The interface of a benchmark: reading its files, asking, extracting and scoring answers.

    questions(folder, options)   ->  Question ...    samples from the published files
    compose(question, seen)      ->  Composed        the user turn, once media are decoded
    read(row, raw, mode)         ->  answer or None  the extracted answer; None: unanswered
    score(row, answer, mode)     ->  0 to 1 or None  None: excluded from the mean

Harnesses disagree on how to extract an answer. Each rule is a named mode; a log keeps all of them.
A row is one line of the log: it has `id`, `group`, `prompt`, `raw`, `options`, `targets`,
`category` and `extra`, so that scoring again needs neither the model nor the data.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from evaluation.benchmarks.packed_media import Cell, Member
from evaluation.benchmarks.subtitles import RULES
from evaluation.runs.log import LogRow
from vlm.conversation import Image, Part, Text, Video

if TYPE_CHECKING:  # only a few benchmarks have such a metric
    from evaluation.reports.pooled import Pooled

SUBTITLES = "subtitles of "  # begins the names of subtitles in `Benchmark.files`


@dataclass(frozen=True)
class MediaPart:
    """The location of an image, a video or a folder of frames; holds no pixels."""

    # "file": an image or a video, by its content; shown as in the chat.
    kind: Literal["image", "video", "frames", "file"]
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)  # an encoded file
    packed: Cell | Member | None = None  # in a parquet table or a zip file
    start: float | None = None  # seconds; a segment of a video, or of frames at `fps`
    end: float | None = None
    paths: tuple[Path, ...] = ()  # of kind "frames": images in order
    fps: float | None = None  # of kind "frames"
    until: float | None = None  # seconds; what is displayed later is not decoded (online)

    def __post_init__(self) -> None:
        given = (self.path, self.data, self.packed, self.paths or None)
        if sum(source is not None for source in given) != 1:
            raise ValueError(
                "a medium needs exactly one of: a path, bytes, a packed location, frame paths."
            )
        if (self.kind == "frames") != bool(self.paths and self.fps):
            raise ValueError(
                'frame paths and fps belong to media of kind "frames", which need both.'
            )
        if self.until is not None and (self.kind != "video" or self.start or self.end):
            raise ValueError("only a whole video can be shown up to a moment.")

    @classmethod
    def video_file(
        cls, found: Path | Member, start: float | None = None, end: float | None = None
    ) -> "MediaPart":
        """Returns a video, or a segment of it, at a location from `VideoFiles.find`."""
        if isinstance(found, Member):
            return cls("video", packed=found, start=start, end=end)
        return cls("video", found, start=start, end=end)

    def source(self) -> Path | bytes:
        """Returns the file or its bytes, unpacked. Raises ValueError or OSError if missing."""
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
        """A name for the log and for error messages."""
        if self.path is not None:
            return self.path.name
        if isinstance(self.packed, Member):
            return self.packed.target.name
        if self.paths:
            return self.paths[0].parent.name
        return f"{self.kind} inside the data file"


@dataclass(frozen=True)
class Question:
    """One sample."""

    id: str  # unique within the benchmark, equal in every run
    group: str  # its video or document: the cluster of the error bars
    parts: tuple[MediaPart | str, ...]  # of the user turn, in order
    targets: tuple[str, ...]  # accepted answers, a letter for choices; empty: not public
    options: tuple[str, ...] = ()  # texts of the choices without letters, A first
    category: dict[str, str] = field(default_factory=dict)  # breakdowns of the tables
    extra: dict[str, Any] = field(default_factory=dict)  # JSON; used by scoring and exports
    follows: "Question | None" = None  # goes on from its conversation; of the same group, earlier

    @property
    def turns(self) -> "tuple[Question, ...]":
        """The questions of the conversation up to this one."""
        return (*(self.follows.turns if self.follows else ()), self)

    @property
    def media(self) -> tuple[MediaPart, ...]:
        """The media of the conversation up to this question, in order."""
        return tuple(part for turn in self.turns for part in turn.parts if _is_media(part))


def _is_media(part: MediaPart | str) -> TypeGuard[MediaPart]:
    return isinstance(part, MediaPart)


@dataclass(frozen=True)
class Options:
    """User options of a benchmark. An empty string selects the benchmark's default."""

    split: str = ""
    prompt_mode: str = ""
    subtitles: bool = False
    subtitle_rule: str = "clean"  # evaluation.benchmarks.subtitles.RULES
    limit: int | None = None  # number of questions


@dataclass(frozen=True)
class Hub:
    """The location of a set on the Hugging Face hub. `{split}` in patterns stands for the split."""

    repo: str
    files: tuple[str, ...]  # patterns of the annotation files
    media: tuple[str, ...] = ()  # of the media files, if separate
    unpacked: str = ""  # folder into which tar files among them are unpacked


@dataclass(frozen=True, eq=False)
class Composed:
    """A prompt: the system text, the user turn and the beginning of the reply."""

    parts: tuple[Part, ...]
    system: str = ""
    reply: str = ""  # prefilled beginning of the reply; not part of the raw answer
    captions: tuple[str, ...] = ()  # subtitles in the prompt, for the log


class Benchmark(ABC):
    """One benchmark; a subclass defines its attributes and steps."""

    name: str
    title: str
    needs: str  # one line: the files its folder must hold, and their source
    protocol: int = 1  # raised when its prompts or its choice of media change in code
    hub: Hub | None = None  # None: must be downloaded by hand or generated
    metric: str  # "accuracy", "anls", ...
    follows: str = ""  # the rule of all modes, if they are metrics instead of extraction rules
    modes: tuple[str, ...]  # answer-extraction rules, the default first
    prompt_modes: tuple[str, ...] = ("default",)
    # Prompt mode -> system text and prefilled beginning of the reply.
    system_and_reply: Mapping[str, tuple[str, str]] = {}
    splits: tuple[str, ...] = ("test",)  # the default first
    max_new_tokens: int = 16
    num_frames: int | None = None  # per video; None: the model's default
    max_tiles: int | None = None  # per image
    frame_rule: str = "segments"  # midpoints of equal segments
    has_subtitles: bool = False
    # Whether a visitor of the chat would get the same answers: its frames and repetition penalty.
    as_in_chat: bool = False
    online: bool = False  # frames come in one by one, and none after the moment of the question
    shows_all: bool = False  # the report has every answer beside its media, with its `grade`
    weight_by: str | None = None  # category; the headline is the mean of its values' means

    def questions(self, folder: Path, options: Options) -> list[Question]:
        """Returns all questions in file order. Raises ValueError for an unexpected layout."""
        self.check_files(folder, options)
        found = list(itertools.islice(self.load(folder, options), options.limit))
        if not found:
            raise ValueError(f"{self.name}: {folder} holds no questions.")
        seen: set[str] = set()
        for question in found:
            if question.id in seen:
                raise ValueError(f"{self.name}: two questions have the id {question.id!r}.")
            seen.add(question.id)
        return found

    def data_folder(self, sets: Path) -> Path:
        """Returns the folder of this benchmark's files below the one that holds all sets."""
        return sets / self.name

    def check(self, options: Options) -> None:
        """Raises ValueError if this benchmark does not support the options."""
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
            raise ValueError(f"{self.name} has no subtitles.")
        if options.limit is not None and options.limit < 1:
            raise ValueError(f"the limit is {options.limit}; it must be 1 or more.")

    def check_files(self, folder: Path, options: Options) -> None:
        """Raises ValueError if options are not supported or annotation files are missing."""
        self.check(options)
        if not folder.is_dir():
            raise ValueError(f"{self.name}: there is no folder {folder}; required: {self.needs}")
        for path in self.data_files(folder, options):
            if not path.is_file():
                raise ValueError(f"{self.name}: there is no {path}; required: {self.needs}")

    def split(self, options: Options) -> str:
        return options.split or self.splits[0]

    def prompt_mode(self, options: Options) -> str:
        return options.prompt_mode or self.prompt_modes[0]

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        """Returns patterns of the files to download from the hub."""
        assert self.hub is not None
        patterns = self.hub.files + self.hub.media * media
        return tuple(pattern.format(split=self.split(options)) for pattern in patterns)

    @abstractmethod
    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        """Yields the questions from files in the published layout."""

    @abstractmethod
    def data_files(self, folder: Path, options: Options) -> list[Path]:
        """Returns the annotation files that `load` reads; the manifest records their hashes."""

    def require(self, files: Sequence[Path], folder: Path, expected: str) -> list[Path]:
        """Returns the files found. Raises ValueError with the expected ones if there are none."""
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

    def wording(self, question: Question, options: Options) -> Composed:
        """Returns the prompt without media and captions, to find out whether it has changed."""
        return self.compose(question, (), options)

    def files(
        self, question: Question, options: Options
    ) -> dict[str, Path | Member | Sequence[Path] | None]:
        """Returns name -> location of the files a question shows; None for a missing one.

        Files named in `data_files` are left out, as are images inside them.
        """
        parts = [part for part in question.parts if isinstance(part, MediaPart)]
        return {
            f"{part.name} of {question.group}": part.path
            or part.paths
            or (part.packed if isinstance(part.packed, Member) else None)
            for part in parts
            if part.data is None and not isinstance(part.packed, Cell)
        }

    @abstractmethod
    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        """Returns the answer that the mode extracts from the raw text, or None if unanswered."""

    @abstractmethod
    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        """Returns 0 to 1, or None to exclude the row, as for every question without targets."""

    def units(self, rows: Sequence[LogRow], mode: str) -> list[tuple[str, float | None]]:
        """Returns (group, value) of every unit of the mean, its error and its interval."""
        return [(row["group"], row["score"].get(mode)) for row in rows]

    def weighted_units(
        self, rows: Sequence[LogRow], mode: str
    ) -> list[tuple[str, float | None, str]]:
        """Returns (group, value, stratum) of every unit; all strata weigh the same."""
        if self.weight_by is None:
            return [(group, value, "") for group, value in self.units(rows, mode)]
        key = self.weight_by
        return [
            (row["group"], row["score"].get(mode), row["category"].get(key, "")) for row in rows
        ]

    def together(self, rows: Sequence[LogRow]) -> list[LogRow]:
        """Scores rows that depend on each other, as ranks in a gallery do."""
        return list(rows)

    def pooled(self, rows: Sequence[LogRow], mode: str) -> "Pooled | None":
        """Returns the metric of all rows as one, if it is not a mean of units (mAP)."""
        return None

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns further values that the protocol reports, 0 to 1."""
        return {}

    def shown(self, raw: str) -> str:
        """Returns an answer as the report shows it."""
        return raw

    def grade(self, row: LogRow) -> str:
        """Returns "right", "honest", "wrong" or "harmful" for the report, which then shows all
        answers beside their media; "" if the benchmark has no grades.
        """
        return ""

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """Returns lines of Markdown to print below the main table."""
        return []
