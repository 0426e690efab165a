"""The annotations of five tasks: one video with its truth, in the same form for every data set.

    Recognition    one class of a clip                        Kinetics, Something-Something, UCF101
    Captioned      sentences about a clip                     MSR-VTT, DiDeMo
    Localized      segments with classes in a whole video     THUMOS'14, ActivityNet, HACS
    Grounded       the windows that one sentence describes    Charades-STA, QVHighlights
    Segmented      a mask per frame of every object           YouTube-VIS, MeViS

Times are seconds; None is the beginning or the end of the file. A class is its name: the number of
a class is its place in `TaskSet.classes`. `group` is the source video: the cluster of error bars,
and clips of one group never stand on two sides of a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar


@dataclass(frozen=True)
class Recognition:
    """A clip of one class."""

    id: str  # unique within its set
    video: Path
    label: str
    start: float | None = None
    end: float | None = None
    group: str = ""  # "": the video


@dataclass(frozen=True)
class Captioned:
    """A clip and the sentences that describe it, at least one."""

    id: str
    video: Path
    texts: tuple[str, ...]
    start: float | None = None
    end: float | None = None
    group: str = ""


@dataclass(frozen=True)
class Segment:
    """A part of a video in which an action of a class happens."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Localized:
    """A whole video and all segments of the set's classes in it, perhaps none."""

    id: str
    video: Path
    duration: float | None  # of the video, in seconds; None: not in the annotations
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Grounded:
    """A sentence about a video and the windows that it describes, at least one."""

    id: str
    video: Path
    duration: float | None
    text: str
    windows: tuple[tuple[float, float], ...]  # start, end


@dataclass(frozen=True)
class Rle:
    """A mask in COCO's run-length form: `data.tasks.masks` packs and unpacks it."""

    height: int
    width: int
    counts: bytes  # compressed, as pycocotools takes it


@dataclass(frozen=True)
class MaskTrack:
    """The masks of one object, one per frame of the video; None where it is not visible."""

    id: str
    masks: tuple[Rle | None, ...]
    category: str = ""  # class name; "" in a set of sentences


@dataclass(frozen=True)
class Segmented:
    """The frames of a video with its objects (instances), or with those that a sentence means."""

    id: str
    frames: tuple[Path, ...]  # images in order
    objects: tuple[MaskTrack, ...]
    height: int  # of every frame and mask, in pixels
    width: int
    text: str = ""  # the sentence; "" for instances with categories
    group: str = ""


Annotation = Recognition | Captioned | Localized | Grounded | Segmented
A = TypeVar("A", bound=Annotation, covariant=True)


@dataclass(frozen=True)
class TaskSet(Generic[A]):
    """One split of a data set: its annotations in file order, and its class names in theirs."""

    annotations: Sequence[A]
    classes: tuple[str, ...] = ()  # empty for captions and sentences
