"""Prepares the assets of synthetic pictures: `python -m data.prepare.assets [--out DIR]`.

Named objects (two emoji sets, photo cut-outs), backgrounds and fonts, all in the cache folder.
About 12 % of the names, two font families and some backgrounds are held out for scoring.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

from PIL import Image

from data.complete_file import completed
from data.prepare import packages
from data.prepare.emoji import emoji_pictures
from data.prepare.fetch import FetchError, Package, cache_folder, fetch
from data.prepare.tuxpaint import stamp_pictures
from vlm.ending import end

LONGEST_SIDE = 192  # pixels; synthetic pictures are 256 wide, so no object needs more
BACKGROUND_SIZE = (960, 720)
HELD_PERCENT = 12

Row = dict[str, str]


def prepare(out: Path) -> None:
    """Writes all assets to `out`. Reports and skips packages that cannot be fetched."""
    downloads = cache_folder() / "downloads"
    out.mkdir(parents=True, exist_ok=True)

    def get(package: Package) -> Path:
        return fetch(package, downloads)

    emoji = _try(lambda: emoji_pictures(get(packages.FLUENT), get(packages.GOOGLE)))
    stamps = _try(lambda: stamp_pictures(get(packages.TUXPAINT_STAMPS)))
    objects = write_objects([*emoji, *stamps], out)
    if not objects:
        raise FetchError(
            "No objects could be fetched, so no pictures can be drawn; see the reasons above."
        )
    names = {row["name"] for row in objects}
    held = {row["name"] for row in objects if row["split"] == "held"}
    _write(out, "objects", objects)
    print(f"{len(objects)} objects with {len(names)} names, {len(held)} of the names held out")
    for what, rows in (
        ("backgrounds", _try(lambda: write_backgrounds(get, out))),
        ("fonts", _try(lambda: write_fonts(get, out))),
    ):
        _write(out, what, rows)
        print(f"{len(rows)} {what}, {sum(row['split'] == 'held' for row in rows)} held out")


def is_held_out(name: str) -> bool:
    """Returns whether objects of this name are held out for scoring, in every set alike."""
    return int(hashlib.sha256(name.lower().encode()).hexdigest(), 16) % 100 < HELD_PERCENT


def write_objects(pictures: Iterable[tuple[str, str, str, Path]], out: Path) -> list[Row]:
    """Crops, shrinks and saves (name, category, set, file) pictures; returns objects.json rows."""
    rows: list[Row] = []
    used: set[str] = set()
    shutil.rmtree(out / "objects", ignore_errors=True)
    for name, category, label, source in pictures:
        with Image.open(source) as opened:
            picture = opened.convert("RGBA")
        box = picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
        if box is None:
            continue
        picture = picture.crop(box)
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        stem = f"objects/{label}/{re.sub(r'[^a-z0-9]+', '-', name.lower())}"
        file = next(f for f in (f"{stem}{end}.png" for end in _endings()) if f not in used)
        used.add(file)
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        picture.save(out / file)
        split = "held" if is_held_out(name) else "train"
        row = {"name": name, "file": file, "set": label, "category": category, "split": split}
        rows.append(row)
    return rows


def _endings() -> Iterator[str]:
    yield ""
    yield from (f"-{number}" for number in count(2))


def write_backgrounds(get: Callable[[Package], Path], out: Path) -> list[Row]:
    """Saves photographs without a main object, cropped to 4:3."""
    rows = []
    (out / "backgrounds").mkdir(exist_ok=True)
    for package, names in packages.BACKGROUNDS:
        folder = get(package)
        for name, split in _marked(names):
            found = sorted(folder.rglob(f"{name}.jpg"))
            found += sorted(folder.rglob(f"{name}/contents/images/2560x1600.jpg"))
            if not found:
                raise FetchError(f"{package.name} contains no background {name}.")
            with Image.open(found[0]) as opened:
                opened.draft("RGB", (1920, 1440))  # JPEG decodes faster at a half or a quarter
                picture = opened.convert("RGB")
            height = min(picture.height, picture.width * 3 // 4)
            width = height * 4 // 3
            left, top = (picture.width - width) // 2, (picture.height - height) // 2
            picture = picture.crop((left, top, left + width, top + height))
            file = f"backgrounds/{name.lower()}.jpg"
            picture.resize(BACKGROUND_SIZE, Image.Resampling.LANCZOS).save(out / file, quality=90)
            rows.append({"file": file, "split": split})
    return rows


def write_fonts(get: Callable[[Package], Path], out: Path) -> list[Row]:
    """Copies regular, bold and italic of each family."""
    rows = []
    (out / "fonts").mkdir(exist_ok=True)
    for package, families in packages.FONTS:
        folder = get(package)
        for family, split in _marked(families):
            for style in ("Regular", "Bold", "Italic"):
                # DejaVu's regular files have no style in their names.
                stems = {f"{family}-{style}", family if style == "Regular" else ""}
                found = [file for file in folder.rglob("*.[to]tf") if file.stem in stems]
                if not found:
                    continue
                file = f"fonts/{family}-{style}{found[0].suffix}"
                shutil.copyfile(found[0], out / file)
                rows.append({"file": file, "family": family, "style": style, "split": split})
    return rows


def _marked(names: str) -> Iterator[tuple[str, str]]:
    """ "Lato+ Hack" -> ("Lato", "held"), ("Hack", "train")"""
    for name in names.split():
        yield name.rstrip("+"), "held" if name.endswith("+") else "train"


def _try(make: Callable[[], Iterable]) -> list:
    try:
        return list(make())
    except FetchError as error:
        print(f"skipped: {error}")
        return []


def _write(out: Path, name: str, rows: list[Row]) -> None:
    with completed(out / f"{name}.json") as unfinished:
        unfinished.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=cache_folder() / "assets")
    try:
        prepare(parser.parse_args().out)
    except FetchError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    end(main)
