"""What stands around the placeholders of pictures and videos, by the name of a family.

A layout yields pieces: plain text, a token of markup, or the placeholders of so many looks. The
prompt writer turns them into ids, and counts them before anything is decoded.

    internvl   Image-1: <img>...</img>\\n      Frame1: <img>...</img>\\n for each frame
    smolvlm    <row_1_col_1>... \\n <global-img>...      Frame from 00:01:... for each frame
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from vlm.config import PromptConfig
from vlm.prompt.number_words import number_words


@dataclass(frozen=True)
class Mark:
    """One special token."""

    token: str


@dataclass(frozen=True)
class Looks:
    """The placeholders of this many looks."""

    count: int


Piece = str | Mark | Looks


class Layout(Protocol):
    """The markup of one family."""

    merges_text: bool  # its text is tokenized together with the text after it

    def __init__(self, prompt: PromptConfig) -> None: ...

    def image(self, looks: int, grid: tuple[int, int], number: int) -> Iterator[Piece]:
        """A picture with `looks` in all its tiles, cut into (columns, rows); number 0: no label."""
        ...

    def video(self, times: Sequence[float], duration: float | None) -> Iterator[Piece]:
        """Returns a video whose frames have these times, in seconds."""
        ...


class InternVL:
    """InternVL's: one pair of marks with all tiles inside, a label before each frame."""

    merges_text = False

    def __init__(self, prompt: PromptConfig) -> None:
        self.frame_label, self.image_label = prompt.frame_label, prompt.image_label
        start, _, end = prompt.image_tokens
        self.start, self.end = Mark(start), Mark(end)

    def image(self, looks: int, grid: tuple[int, int], number: int) -> Iterator[Piece]:
        if number:
            yield self.image_label.format(index=number)
        yield from (self.start, Looks(looks), self.end, "\n")

    def video(self, times: Sequence[float], duration: float | None) -> Iterator[Piece]:
        for index in range(len(times)):
            yield self.frame_label.format(index=index + 1)
            yield from (self.start, Looks(1), self.end)
            if self.frame_label:
                yield "\n"
        if not self.frame_label:
            yield "\n"


class SmolVLM:
    """SmolVLM's and Idefics3's: each tile with its row and column, then the whole picture.

    A video opens with the number of its frames in words and its length; each frame has its time.
    """

    merges_text = True

    def __init__(self, prompt: PromptConfig) -> None:
        self.fence, self.whole = Mark(prompt.image_tokens[0]), Mark("<global-img>")

    def image(self, looks: int, grid: tuple[int, int], number: int) -> Iterator[Piece]:
        columns, rows = grid
        tiles = columns * rows + (columns * rows > 1)
        per_tile = Looks(looks // tiles)
        if tiles > 1:
            for row in range(1, rows + 1):
                for column in range(1, columns + 1):
                    yield from (self.fence, Mark(f"<row_{row}_col_{column}>"), per_tile)
                yield "\n"
            yield "\n"
        yield from (self.fence, self.whole, per_tile, self.fence)

    def video(self, times: Sequence[float], duration: float | None) -> Iterator[Piece]:
        length = timedelta(seconds=int(times[-1] if duration is None else duration))
        yield (
            f"You are provided the following series of {number_words(len(times))} frames from a"
            f" {length} [H:MM:SS] video.\n"
        )
        for time in times:
            yield f"\nFrame from {int(time // 60):02d}:{int(time % 60):02d}:"
            yield from (self.fence, self.whole, Looks(1), self.fence)
        yield "\n\n"


LAYOUTS: dict[str, type[Layout]] = {"internvl": InternVL, "smolvlm": SmolVLM}
