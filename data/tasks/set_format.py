"""What a data set's layout is: which files it needs, and how a split of it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.tasks.annotations import Annotation, Localized, Recognition, Segmented, TaskSet


@dataclass(frozen=True)
class SetFormat:
    """One public data set; `train` and `test` name the splits that papers use."""

    title: str
    task: type[Annotation]
    needs: str  # the files of its folder, in one line
    train: str
    test: str
    splits: tuple[str, ...]  # all that can be read
    files: Callable[[Path, str], list[Path]]  # (folder, split) -> annotation files
    load: Callable[[Path, str], TaskSet[Any]]

    def read(self, folder: Path, split: str) -> TaskSet[Any]:
        """Reads a split. Raises ValueError, one sentence that names the file."""
        if split not in self.splits:
            raise ValueError(
                f"{self.title} has no split {split!r}; it has {', '.join(self.splits)}"
            )
        for path in self.files(folder, split):
            if not path.is_file():
                raise ValueError(f"there is no {path}; {self.title} needs {self.needs}")
        found = self.load(folder, split)
        if not found.annotations:
            raise ValueError(f"{folder} has nothing in the split {split} of {self.title}")
        _check(found, folder)
        return found


def _check(found: TaskSet[Any], folder: Path) -> None:
    """Raises ValueError if two annotations have one id, or one has a class that the set lacks."""
    ids: set[str] = set()
    known = set(found.classes)
    for one in found.annotations:
        if one.id in ids:
            raise ValueError(f"{folder}: two annotations have the id {one.id!r}")
        ids.add(one.id)
        for label in _labels(one):
            if label not in known:
                raise ValueError(f"{folder}: {one.id} has the class {label!r}, which is not listed")


def _labels(one: Annotation) -> list[str]:
    if isinstance(one, Recognition):
        return [one.label]
    if isinstance(one, Localized):
        return [segment.label for segment in one.segments]
    if isinstance(one, Segmented) and not one.text:
        return [track.category for track in one.objects]
    return []
