"""Toy data sets: the layout of every benchmark of published or own media, with synthetic items.

    python -m evaluation toy toys        toys/videomme, toys/docvqa, ...

Videos are encoded and images drawn and packed like the real ones; no original item is included.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from evaluation.toy.films import toy_lvbench, toy_videomme_v2
from evaluation.toy.motion import (
    toy_motionbench,
    toy_ovobench,
    toy_tempcompass,
    toy_timelens,
)
from evaluation.toy.pages import toy_chartqa, toy_docvqa, toy_infovqa, toy_textvqa
from evaluation.toy.pictures import toy_ai2d, toy_mmbench, toy_ocrbench
from evaluation.toy.videos import toy_longvideobench, toy_mlvu, toy_mvbench, toy_videomme
from evaluation.toy.visitors import toy_visitors
from vlm.unknown_name import did_you_mean

# Each takes the folder and whether to write the authors' layout if it differs from the hub's.
TOYS: dict[str, Callable[[Path, bool], None]] = {
    "videomme": toy_videomme,
    "videomme_v2": toy_videomme_v2,
    "mvbench": toy_mvbench,
    "motionbench": toy_motionbench,
    "tempcompass": toy_tempcompass,
    "mlvu": toy_mlvu,
    "longvideobench": toy_longvideobench,
    "lvbench": toy_lvbench,
    "timelens": toy_timelens,
    "ovobench": toy_ovobench,
    "docvqa": toy_docvqa,
    "infovqa": toy_infovqa,
    "chartqa": toy_chartqa,
    "textvqa": toy_textvqa,
    "ai2d": toy_ai2d,
    "mmbench": toy_mmbench,
    "ocrbench": toy_ocrbench,
    "visitors": toy_visitors,
}


def make_toy(name: str, folder: Path, original: bool = False) -> None:
    """Makes the toy set of one benchmark in `folder`; `original`: unpacked, or as JSON or TSV.

    Raises ValueError if there is no such set or the folder is not empty.
    """
    if name not in TOYS:
        raise ValueError(
            f"there is no toy set {name!r}; known are {', '.join(TOYS)}{did_you_mean(name, TOYS)}"
        )
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; a toy set needs a folder of its own.")
    folder.mkdir(parents=True, exist_ok=True)
    TOYS[name](folder, original)


def make_toys(folder: Path) -> Iterator[str]:
    """Makes all sets in folders of their names; yields a line per set."""
    for name in TOYS:
        if (folder / name).exists() and any((folder / name).iterdir()):
            yield f"{folder / name}: exists already, left unchanged"
            continue
        make_toy(name, folder / name)
        yield f"{folder / name}"
