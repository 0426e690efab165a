"""Pictures and clips that stand in for those that findings were made up for.

Nobody has drawn the scenes of data/embedded/findings, and drawn ones would not look like
photographs. So a record gets a medium of about its kind: parts of photographs with cut-out objects,
pages of words, and clips that move over either. Its visual tokens are real, its answer follows from
the words beside them: the language model learns to trust words where tokens tell it nothing.
"""

import random
from pathlib import Path

import numpy as np
from PIL import Image

from data.embedded.findings.exchange import Turn
from data.records import MediaFile, RecordText
from data.synthetic.build import save_clip
from data.synthetic.drawing.assets import Assets, load_assets
from data.synthetic.drawing.canvas import write_text
from data.synthetic.world import Clip
from vlm.experts.words import PAGE_OF_TEXT

NUM_PICTURES, NUM_PAGES, NUM_CLIPS = 400, 200, 120
SIZES = ((512, 384), (384, 512), (512, 512), (640, 360))
CLIP_FRAMES, CLIP_SIZE = 16, (288, 216)
FILM = "Frame 1:"  # how the words of a film begin
Part = RecordText | MediaFile


class StandIns:
    """The media of a folder, which is filled once."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.pictures = [folder / f"picture-{i:03d}.jpg" for i in range(NUM_PICTURES)]
        self.pages = [folder / f"page-{i:03d}.png" for i in range(NUM_PAGES)]
        self.clips = [folder / f"clip-{i:03d}.mp4" for i in range(NUM_CLIPS)]
        assets = load_assets()
        for path in (*self.pictures, *self.pages, *self.clips):
            if not path.exists():
                rng = random.Random(f"{seed} {path.name}")
                if path in self.clips:
                    save_clip(Clip(_moving(rng, assets), 8), path)
                else:
                    draw = _picture if path in self.pictures else _page
                    draw(rng, assets).save(path)

    def parts(self, turn: Turn, rng: random.Random) -> tuple[Part, ...]:
        """The parts of a user's message: a medium with its words for each file, the question."""
        return (*(self._medium(x, rng) for x in turn.files), RecordText(turn.exchange.question))

    def _medium(self, words: str, rng: random.Random) -> MediaFile:
        lines = tuple(words.split("\n"))
        if words.startswith(FILM):
            return MediaFile("video", rng.choice(self.clips), lines)
        pool = self.pages if words.startswith(PAGE_OF_TEXT) else self.pictures
        return MediaFile("image", rng.choice(pool), lines)


def _picture(rng: random.Random, assets: Assets) -> Image.Image:
    """A part of a photograph, often with cut-out objects on it."""
    size = rng.choice(SIZES)
    with Image.open(rng.choice(assets.backgrounds)) as opened:
        ground = opened.convert("RGB")
    side = rng.uniform(0.3, 1.0) * min(ground.width / size[0], ground.height / size[1])
    width, height = size[0] * side, size[1] * side
    left = rng.uniform(0, ground.width - width)
    top = rng.uniform(0, ground.height - height)
    picture = ground.resize(size, box=(left, top, left + width, top + height))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        thing = rng.choice(rng.choice(assets.objects))
        pixels = round(rng.uniform(0.15, 0.7) * min(size))
        stamp = thing.picture(pixels, (0, 0, 0))
        at = (
            rng.randint(0, max(size[0] - stamp.width, 0)),
            rng.randint(0, max(size[1] - stamp.height, 0)),
        )
        picture.paste(stamp, at, stamp)
    return picture


def _page(rng: random.Random, assets: Assets) -> Image.Image:
    """Lines of words on paper."""
    size = rng.choice(SIZES)
    paper = tuple(rng.randint(215, 255) for _ in range(3))
    page = Image.new("RGB", size, paper)
    font = rng.choice(assets.fonts)
    words = [thing.name for group in assets.objects for thing in group]
    count = rng.randint(6, 20)
    for line in range(count):
        text = " ".join(rng.choice(words) for _ in range(rng.randint(2, 6)))
        top = 0.05 + 0.9 * line / count
        ink = (rng.randint(0, 90),) * 3
        write_text(page, text, font, (0.06, top, 0.94, top + 0.6 / count), ink, "left")
    return page


def _moving(rng: random.Random, assets: Assets) -> list[Image.Image]:
    """Frames of a window that moves over a picture."""
    whole = _picture(rng, assets)
    share = rng.uniform(0.5, 0.95)
    width = whole.width * share
    height = width * CLIP_SIZE[1] / CLIP_SIZE[0]
    if height > whole.height:
        width, height = width * whole.height / height, float(whole.height)
    from_x, to_x = (rng.uniform(0, whole.width - width) for _ in range(2))
    from_y, to_y = (rng.uniform(0, whole.height - height) for _ in range(2))
    frames = []
    for t in np.linspace(0, 1, CLIP_FRAMES):
        left, top = from_x + t * (to_x - from_x), from_y + t * (to_y - from_y)
        box = (left, top, left + width, top + height)
        frames.append(whole.resize(CLIP_SIZE, box=box))
    return frames
