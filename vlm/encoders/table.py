"""Facts of presets as a table: size, cost, tokens, whether it streams, where its weights are."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import torch

from vlm.encoders import ENCODERS, PRESETS, build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.cost import multiply_adds
from vlm.encoders.find import find_preset

STREAMS, CAUSAL, WHOLE_CLIP = "streams", "causal", "whole clip"


@dataclass(frozen=True)
class Row:
    """What there is to know of a preset before it is built."""

    encoder: str
    preset: str
    num_presets: int  # of the encoder, without those for tests
    parameters: int
    trainable: int  # of these
    gmacs: float  # 10^9 multiply-adds of a clip of num_frames
    num_frames: int
    image_size: int
    in_channels: int
    token_grid: tuple[int, int, int]  # T', H, W
    dim: int  # C, of a token
    pooled_dim: int
    time: str  # STREAMS: frames may come one by one; CAUSAL: no frame sees a later one; WHOLE_CLIP
    paper: str  # arXiv number
    follows: str  # the paper, the code, or both
    weights: str  # where public ones are
    weights_license: str


def published(encoder: str) -> list[str]:
    """Returns the names of an encoder's presets, without those for tests."""
    return [name for name in ENCODERS[encoder].presets if not name.endswith("-test")]


def chosen(words: Sequence[str], every: bool) -> list[str]:
    """The presets that words of a user select: those of an encoder, one by name, or part of names.

    Without words one for each encoder, or `every` one. Raises ValueError for a word that selects
    none.
    """
    if not words:
        names = [published(encoder) for encoder in ENCODERS]
        return [name for some in names for name in (some if every else some[:1])]
    found: dict[str, None] = {}
    for word in words:
        if word in ENCODERS:
            found |= dict.fromkeys(published(word))
        elif word in PRESETS:
            found[word] = None
        else:
            parts = [name for names in map(published, ENCODERS) for name in names if word in name]
            found |= dict.fromkeys(parts or [find_preset(word)[0]])
    return list(found)


def row(name: str) -> Row:
    """Counts what a preset costs, without memory for its weights."""
    preset = PRESETS[name]
    with torch.device("meta"):
        tower = build_tower(preset.tower).eval()
    side, num_frames = preset.tower.image_size, preset.num_frames
    return Row(
        preset.tower.encoder,
        name,
        len(published(preset.tower.encoder)),
        preset.parameters,
        preset.num_trainable,
        round(multiply_adds(tower, num_frames, side, side) / 1e9, 6),
        num_frames,
        side,
        tower.in_channels,
        tower.token_grid(num_frames, side, side),
        tower.dim,
        tower.pooled_dim,
        in_time(tower),
        preset.paper,
        preset.follows,
        preset.weights,
        preset.weights_license,
    )


def in_time(tower: VideoEncoder) -> str:
    """Returns how an encoder takes the frames of a clip."""
    if tower.incremental:
        return STREAMS
    return CAUSAL if tower.causal else WHOLE_CLIP


Cell = Callable[[Row], str]
COLUMNS: dict[str, Cell] = {
    "parameters": lambda r: f"{r.parameters:,}",
    "trained": lambda r: "all" if r.trainable == r.parameters else f"{r.trainable:,}",
    "GMACs": lambda r: f"{r.gmacs:,.1f}",
    "clip": lambda r: f"{r.num_frames} x {r.image_size} px",
    "tokens": lambda r: " x ".join(map(str, r.token_grid)) + f" x {r.dim}",
    "in time": lambda r: r.time,
    "arXiv": lambda r: r.paper,
    "license of weights": lambda r: r.weights_license,
}
LEFT = ("encoder", "preset", "presets", "in time", "arXiv", "license of weights")


def _cells(rows: Iterable[Row], every: bool) -> list[list[str]]:
    """The table with its header: a row for each preset, or for each encoder with its first."""
    first: dict[str, Cell] = {"preset": lambda r: r.preset}
    if not every:
        first = {
            "encoder": lambda r: r.encoder,
            "presets": lambda r: (
                f"{r.preset} and {r.num_presets - 1} more" if r.num_presets > 1 else r.preset
            ),
        }
    columns = first | COLUMNS
    return [list(columns), *([cell(r) for cell in columns.values()] for r in rows)]


def as_text(rows: Iterable[Row], every: bool) -> str:
    """Aligned columns."""
    cells = _cells(rows, every)
    left = [name in LEFT for name in cells[0]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            text.ljust(width) if is_left else text.rjust(width)
            for text, width, is_left in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join(lines)


def as_markdown(rows: Iterable[Row], every: bool) -> str:
    """Returns a table for docs/encoders.md."""
    header, *body = _cells(rows, every)
    rule = ["---" if name in LEFT else "---:" for name in header]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *body))


def as_json(rows: Iterable[Row]) -> str:
    """Returns a list of objects with the fields of `Row`."""
    return json.dumps([asdict(r) for r in rows], indent=1)


def details(rows: Iterable[Row]) -> str:
    """Returns where the weights of each preset are, and what it follows; a line for each."""
    return "\n".join(
        f"{r.preset}: follows {'the ' if r.follows.startswith(('paper', 'code')) else ''}"
        f"{r.follows}; weights: {r.weights}"
        for r in rows
    )
