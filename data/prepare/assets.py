"""Fetches and lays out what made pictures are composed of: `python -m data.prepare.assets [--out DIR]`.

Objects with names (two emoji sets, photo cut-outs), backgrounds, and fonts, all in the cache folder; ATTRIBUTION.md lists
sources and licences. About 12 % of the names, two font families and a quarter of the backgrounds are held out for scoring.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from data.prepare.emoji import emoji_pictures
from data.prepare.fetch import FetchError, Package, cache_folder, fetch

FLUENT = Package(
    "npm",
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
GOOGLE = Package(
    "npm",
    "emoji-datasource-google",
    "16.0.0",
    "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
)

LONGEST_SIDE = 192  # pixels; made pictures are 256 wide, so no object needs more
HELD_PERCENT = 12


def is_held_out(name: str) -> bool:
    """Whether objects of this name are kept for scoring: the same answer on every machine and in every set."""
    return int(hashlib.sha256(name.lower().encode()).hexdigest(), 16) % 100 < HELD_PERCENT


def write_objects(
    pictures: Iterable[tuple[str, str, str, Path]], out: Path
) -> list[dict[str, str]]:
    """Crops, shrinks and saves (name, category, set, file) pictures as PNG; returns their rows for objects.json."""
    rows, used = [], set()
    for name, category, label, source in pictures:
        slug = f"{label}/{name.lower().replace(' ', '-').replace('.', '')}"
        slug = next(s for s in (slug, *(f"{slug}-{i}" for i in range(2, 99))) if s not in used)
        used.add(slug)
        with Image.open(source) as opened:
            picture = opened.convert("RGBA")
        box = picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
        if box is None:
            continue
        picture = picture.crop(box)
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        target = out / "objects" / f"{slug}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        picture.save(target)
        split = "held" if is_held_out(name) else "train"
        file = target.relative_to(out).as_posix()
        rows.append(
            {"name": name, "file": file, "set": label, "category": category, "split": split}
        )
    return rows


def prepare(out: Path) -> None:
    """Everything, into `out`; packages are kept beside it so that a second run fetches nothing."""
    downloads = cache_folder() / "downloads"
    rows = write_objects(emoji_pictures(fetch(FLUENT, downloads), fetch(GOOGLE, downloads)), out)
    (out / "objects.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    names = {row["name"] for row in rows}
    held = {row["name"] for row in rows if row["split"] == "held"}
    print(
        f"{len(rows)} objects with {len(names)} names ({len(held)} held out) in {out}/objects.json"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=cache_folder() / "assets")
    try:
        prepare(parser.parse_args().out)
    except FetchError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
