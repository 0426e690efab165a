"""Small pictures of what the model saw where it was wrong, for the page's gallery of failures."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from evaluation.runs.log import LogRow
from vlm.conversation import Video

if TYPE_CHECKING:  # it needs torch, and old pictures are shown without
    from evaluation.asking.media_ahead import DecodedMedia, Ready

KEPT = 24  # by each process
FRAMES = 6  # of a video
HEIGHT = 120  # pixels
FOLDER = "failures"


class Thumbnails:
    """Keeps the first few failures of a process as JPEG files, also over several sessions."""

    def __init__(self, folder: Path, rank: int) -> None:
        self.folder = folder / FOLDER
        self.room = KEPT - len(list(self.folder.glob(f"{rank}-*.jpg")))
        self.rank = rank

    def add(self, row: LogRow, ready: "Ready") -> None:
        """A picture of the sample, if it was answered wrongly and there is room."""
        first = next(iter(row["score"]), "")
        if self.room <= 0 or not ready.seen or not is_failure(row, first):
            return
        pictures = [picture for seen in ready.seen for picture in _pictures(seen)]
        strip = Image.new("RGB", (sum(p.width + 2 for p in pictures), HEIGHT), "white")
        at = 0
        for picture in pictures:
            strip.paste(picture, (at, 0))
            at += picture.width + 2
        self.folder.mkdir(parents=True, exist_ok=True)
        strip.save(self.folder / f"{self.rank}-{_stem(row['id'])}.jpg", quality=70)
        self.room -= 1


def is_failure(row: LogRow, mode: str) -> bool:
    """Answered, with a public answer, and less than half right."""
    score = row["score"].get(mode)
    return not row["error"] and bool(row["targets"]) and (score is None or score < 0.5)


def thumbnail(folder: Path, row: LogRow) -> bytes | None:
    """The JPEG of a sample, if there is one."""
    for path in (folder / FOLDER).glob(f"*-{_stem(row['id'])}.jpg"):
        return path.read_bytes()
    return None


def _stem(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _pictures(seen: "DecodedMedia") -> list[Image.Image]:
    part, (width, height) = seen.part, seen.facts["size"]
    frames = part.frames if isinstance(part, Video) else part.pixels[None]  # [T, H, W, 3]
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), FRAMES)).round().astype(int)
    wide = max(1, min(round(HEIGHT * width / max(height, 1)), 4 * HEIGHT))
    return [Image.fromarray(frames[i]).resize((wide, HEIGHT)) for i in chosen]
