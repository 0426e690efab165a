"""Thumbnails of wrongly answered samples, for the report's gallery; of all where it shows all."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from evaluation.runs.log import LogRow
from vlm.conversation import Video

if TYPE_CHECKING:  # it needs torch, which reports do without
    from evaluation.asking.media_ahead import DecodedMedia, Ready

PER_PROCESS = 24  # saved at most
PER_PROCESS_OF_ALL = 1000  # where the report shows all answers
FRAMES = 6  # per video
HEIGHT = 120  # pixels
FOLDER = "failures"


class Thumbnails:
    """Saves the first few wrong answers of a process as JPEG files, counted across sessions."""

    def __init__(self, folder: Path, rank: int, of_all: bool = False) -> None:
        """`of_all`: of right answers as well."""
        self.folder = folder / FOLDER
        self.of_all = of_all
        most = PER_PROCESS_OF_ALL if of_all else PER_PROCESS
        self.quota = most - len(list(self.folder.glob(f"{rank}-*.jpg")))
        self.rank = rank

    def add(self, row: LogRow, ready: "Ready") -> None:
        """Saves a strip of the sample's media if the answer is wrong and the quota allows it."""
        first = next(iter(row["score"]), "")
        wanted = is_failure(row, first) or (self.of_all and not row["error"])
        if self.quota <= 0 or not ready.seen or not wanted:
            return
        pictures = [picture for seen in ready.seen for picture in _pictures(seen)]
        strip = Image.new("RGB", (sum(p.width + 2 for p in pictures), HEIGHT), "white")
        at = 0
        for picture in pictures:
            strip.paste(picture, (at, 0))
            at += picture.width + 2
        self.folder.mkdir(parents=True, exist_ok=True)
        strip.save(self.folder / f"{self.rank}-{_stem(row['id'])}.jpg", quality=70)
        self.quota -= 1


def is_failure(row: LogRow, mode: str) -> bool:
    """True if a sample with public targets was answered and scored below one half."""
    score = row["score"].get(mode)
    return not row["error"] and bool(row["targets"]) and (score is None or score < 0.5)


def thumbnail(folder: Path, row: LogRow) -> bytes | None:
    """Returns the JPEG of a sample, or None if missing."""
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
