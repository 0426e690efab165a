"""Reads the text in frames with PP-OCR, whose two ONNX files come from the package rapidocr.

Only its weights are used (PP-OCRv6 small, Apache-2.0), by onnxruntime. So the work is bounded
before it is done (pixels, lines, width of a line), and neither OpenCV nor a polygon library is
needed.

What was read is data from a stranger: control and format characters are removed here, and the
prompt encodes the rest as plain text, in which no special token can stand.
"""

import importlib
import importlib.util
import unicodedata
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlm.experts.findings import Line
from vlm.experts.reading.film_text import read_film
from vlm.experts.reading.text_regions import TALL, Region, find_regions
from vlm.experts.reading.text_rows import join_rows

MULTIPLE = 32  # pixels; of the detector's input
LINE_HEIGHT, LINE_WIDTH = 48, 2400  # pixels of a line for the recognizer; the width is the most
MIN_WIDTH, BATCH = 160, 6  # of a batch of lines
MIN_CONFIDENCE = 0.7
MIN_OTHER = 3  # letters beside the Latin ones that make a text of another script
MISSING = (
    "Text in pictures is not read: that needs onnxruntime and the weights in rapidocr; install"
    " them with `pip install onnxruntime && pip install --no-deps rapidocr`."
)


@dataclass(frozen=True)
class ReaderLimits:
    """Bounds of the work for one frame."""

    min_pixels: int = 500_000  # smaller frames are enlarged to this, at most twofold
    max_pixels: int = 1_500_000  # larger ones are reduced
    max_lines: int = 120  # the largest regions are read
    max_width: int = 50_000  # pixels of all lines together at LINE_HEIGHT: some 45 full lines
    max_characters: int = 6_000


FILM = ReaderLimits(
    min_pixels=250_000, max_pixels=300_000, max_lines=12, max_width=5_000, max_characters=400
)
GLANCE = ReaderLimits(min_pixels=90_000, max_pixels=100_000)  # where text stands, not what it is


class ReaderMissingError(ImportError):
    """onnxruntime or the weights are not installed."""


class Reader:
    """Frames uint8 [T, H, W, 3] -> the lines of text in each of them, in the order of reading."""

    def __init__(self, folder: Path | None = None, num_threads: int = 0) -> None:
        self.folder = folder or _weights_folder()
        self.num_threads = num_threads  # 0: as many as the machine has cores

    def __call__(self, frames: Tensor, limits: ReaderLimits | None = None) -> list[list[Line]]:
        """Several frames are those of a film: not all of them are read (`read_film`)."""
        if len(frames) > 1:
            read = partial(self.read, limits=limits or FILM)
            return read_film(frames, read, partial(self.regions, limits=GLANCE))
        return [self.read(frame, limits or ReaderLimits()) for frame in frames]

    def read(self, frame: Tensor, limits: ReaderLimits) -> list[Line]:
        """Returns the lines of a frame uint8 [H, W, 3]."""
        H, W = frame.shape[:2]
        regions = _within_width(self.regions(frame, limits)[: limits.max_lines], limits.max_width)
        lines = []
        for region, (text, confidence) in zip(
            regions, self._recognize([_crop(frame, r) for r in regions]), strict=True
        ):
            text = clean(text)
            if text and confidence >= MIN_CONFIDENCE:
                height = min(region.height, region.width) / H
                lines.append(Line(text, confidence, region.box(H, W), height))
        rows = join_rows(without_noise(lines), W / H)
        return _first_characters([r for r in rows if _is_text(r.text)], limits.max_characters)

    def regions(self, frame: Tensor, limits: ReaderLimits) -> list[Region]:
        """Returns where text seems to stand in a frame, in its pixels, largest first."""
        H, W = frame.shape[:2]
        pixels = min(max(H * W, min(limits.min_pixels, 4 * H * W)), limits.max_pixels)
        ratio = (pixels / (H * W)) ** 0.5
        size = tuple(max(round(side * ratio / MULTIPLE), 1) * MULTIPLE for side in (H, W))
        picture = frame.permute(2, 0, 1)[None]
        resized = F.interpolate(picture, size, mode="bilinear", antialias=True)
        (maps,) = self.detector.run(None, {"x": _normalize(resized).numpy()})
        scale = H / size[0], W / size[1]
        return [_scaled(region, scale) for region in find_regions(maps[0, 0])]

    @cached_property
    def detector(self) -> Any:
        return _session(self.folder, "_det_", self.num_threads)

    @cached_property
    def recognizer(self) -> Any:
        return _session(self.folder, "_rec_", self.num_threads)

    @cached_property
    def characters(self) -> list[str]:
        """The alphabet: the blank of CTC, the characters, the space."""
        metadata = self.recognizer.get_modelmeta().custom_metadata_map
        return ["", *metadata["character"].removesuffix("\n").split("\n"), " "]

    def _recognize(self, crops: list[Tensor]) -> list[tuple[str, float]]:
        """Crops uint8 [3, 48, w] -> text and confidence of each; similar widths share a batch."""
        results = [("", 0.0)] * len(crops)
        order = sorted(range(len(crops)), key=lambda i: crops[i].shape[-1])
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            width = max(crops[batch[-1]].shape[-1], MIN_WIDTH)
            pixels = torch.zeros(len(batch), 3, LINE_HEIGHT, width)
            for row, i in enumerate(batch):
                pixels[row, :, :, : crops[i].shape[-1]] = _normalize(crops[i][None])[0]
            (scores,) = self.recognizer.run(None, {"x": pixels.numpy()})  # [B, L, characters]
            for i, best, value in zip(batch, scores.argmax(-1), scores.max(-1), strict=True):
                results[i] = self._decode(best, value)
        return results

    def _decode(self, best: NDArray[np.intp], value: NDArray[np.float32]) -> tuple[str, float]:
        """Greedy CTC: repetitions count once, blanks are dropped."""
        kept = (best != 0) & (best != np.pad(best, (1, 0))[:-1])
        if not kept.any():
            return "", 0.0
        return "".join(self.characters[i] for i in best[kept]), float(value[kept].mean())


def clean(text: str) -> str:
    """Removes control, format and unassigned characters; runs of spaces become one space."""
    visible = (" " if c.isspace() else c for c in text)
    return " ".join("".join(c for c in visible if unicodedata.category(c)[0] != "C").split())


def without_noise(lines: list[Line]) -> list[Line]:
    """Removes single ideographs and signs from Latin text: the reader takes marks for them."""
    latin = sum(c.isascii() and c.isalnum() for line in lines for c in line.text)
    other = sum(not c.isascii() and c.isalnum() for line in lines for c in line.text)
    if other > max(latin, MIN_OTHER):
        return lines
    return [
        x
        for x in lines
        if len(x.text) > 2
        or any(
            unicodedata.category(c)[1] != "o" and c.isalnum() and ord(c) < 0x2000 for c in x.text
        )
    ]


def _is_text(text: str) -> bool:
    """Whether a row holds a number or at least two letters."""
    return any(c.isdigit() for c in text) or sum(c.isalnum() for c in text) > 1


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("rapidocr")
    runtime = importlib.util.find_spec("onnxruntime")
    if runtime is None or spec is None or not spec.submodule_search_locations:
        raise ReaderMissingError(MISSING)
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def _session(folder: Path, part: str, num_threads: int) -> Any:
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ReaderMissingError(MISSING) from error
    files = sorted(folder.glob(f"*{part}*.onnx"))
    if not files:
        raise ReaderMissingError(f"{folder} has no *{part}*.onnx. {MISSING}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    # Threads that wait would take the cores from the detector, which works at the same time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(files[0], options, providers=["CPUExecutionProvider"])


def _normalize(pixels: Tensor) -> Tensor:
    """uint8 RGB [..., 3, H, W] -> float32 BGR from -1 to 1."""
    return pixels.flip(-3).float() / 127.5 - 1


def _scaled(region: Region, scale: tuple[float, float]) -> Region:
    """From pixels of the map to pixels of the frame; both scales are nearly equal."""
    down, across = scale
    mean = (down * across) ** 0.5
    width, height = (across, down) if not region.angle else (mean, mean)
    return Region(
        region.x * across,
        region.y * down,
        region.width * width,
        region.height * height,
        region.angle,
        region.score,
    )


def _within_width(regions: list[Region], max_width: int) -> list[Region]:
    """The first regions whose lines are `max_width` long together."""
    kept, total = [], 0.0
    for region in regions:
        long, short = max(region.width, region.height), min(region.width, region.height)
        total += max(min(LINE_HEIGHT * long / max(short, 1), LINE_WIDTH), MIN_WIDTH)
        if total > max_width:
            break
        kept.append(region)
    return kept


def _crop(frame: Tensor, region: Region) -> Tensor:
    """Cuts a region out of uint8 [H, W, 3], upright, as [3, LINE_HEIGHT, w]."""
    H, W = frame.shape[:2]
    if region.angle:
        crop = _rotated(frame, region)
    else:
        left, top, right, bottom = region.bounds
        rows = slice(max(int(top), 0), min(round(bottom), H))
        crop = frame[rows, max(int(left), 0) : min(round(right), W)].permute(2, 0, 1)
    if crop.shape[-2] > TALL * crop.shape[-1]:
        crop = crop.rot90(1, (-2, -1))
    height, width = (max(side, 1) for side in crop.shape[-2:])
    size = LINE_HEIGHT, min(max(round(LINE_HEIGHT * width / height), 8), LINE_WIDTH)
    return F.interpolate(crop[None], size, mode="bilinear", antialias=True)[0]


def _rotated(frame: Tensor, region: Region) -> Tensor:
    """Turns a region upright at its own size: uint8 [3, h, w]."""
    H, W = frame.shape[:2]
    h, w = max(round(region.height), 1), max(round(region.width), 1)
    v, u = torch.meshgrid(
        torch.arange(h) + 0.5 - h / 2, torch.arange(w) + 0.5 - w / 2, indexing="ij"
    )
    c, s = float(np.cos(region.angle)), float(np.sin(region.angle))
    x, y = region.x + u * c - v * s, region.y + u * s + v * c
    left, top, right, bottom = region.bounds
    x0, y0 = max(int(left), 0), max(int(top), 0)
    part = frame[y0 : min(round(bottom) + 1, H), x0 : min(round(right) + 1, W)]
    grid = torch.stack([(x - x0) / part.shape[1], (y - y0) / part.shape[0]], dim=-1) * 2 - 1
    pixels = part.permute(2, 0, 1)[None].float()
    turned = F.grid_sample(pixels, grid[None], padding_mode="border", align_corners=False)
    return turned[0].round().to(torch.uint8)


def _first_characters(lines: list[Line], max_characters: int) -> list[Line]:
    """Keeps whole lines up to a number of characters."""
    total, kept = 0, []
    for line in lines:
        total += len(line.text)
        if total > max_characters:
            break
        kept.append(line)
    return kept
