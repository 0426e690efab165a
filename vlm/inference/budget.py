"""The token budget of a question, settled before anything is decoded.

The context of the language model is shared by the conversation so far, the new files and the
answer. If the files do not fit, they are reduced in this order, with a note for the user:

1. fewer tiles of pictures: they are many tokens, and the thumbnail still shows the whole;
2. fewer frames of videos, never below 4: PVC's figure 3 loses 2 points of 47 from 96 frames to 16;
3. fewer looks at pictures: last, because one look in place of four costs PVC 15 points on InfoVQA.

One look at a picture is one repeat of PVC's static video (`image_repeat_time`). Media are atomic: a
picture or a frame is in the prompt whole or not at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vlm.config import PromptConfig
from vlm.inference.settings import Settings
from vlm.media.decode import MediaInfo
from vlm.media.squares import choose_grid
from vlm.plural import plural

MIN_FRAMES = 4
MIN_ANSWER = 32  # tokens: a shorter answer is useless


@dataclass(frozen=True)
class FilePlan:
    """The frames, looks and tiles of one file."""

    name: str
    kind: Literal["image", "video"]
    frames: int = 1
    looks: int = 1  # at a still picture, or at each of its tiles
    tiles: int = 1  # thumbnail included
    tokens: int = 0
    max_tiles: int = 1
    size: tuple[int, int] = (0, 0)  # width, height in pixels


@dataclass(frozen=True)
class Plan:
    """The files to read and what they take, in tokens."""

    files: tuple[FilePlan, ...]
    total: int  # of the whole prompt, including the conversation so far
    context_left: int  # free before the answer begins
    notes: tuple[str, ...] = ()  # what was reduced, and why, for the user
    answer_tokens: int = 0  # the longest answer


def requested(
    info: MediaInfo, prompt: PromptConfig, settings: Settings
) -> tuple[FilePlan, list[str]]:
    """Returns the plan of a file as if there were room, and notes on settings out of range."""
    name = Path(info.path).name
    notes = []

    def at_most(value: int, most: int, noun: str, why: str) -> int:
        if value > most:
            notes.append(f"{name}: {plural(most, noun)} instead of {value}, {why}.")
        return min(value, most)

    size = (info.width, info.height)
    if info.kind == "video":
        frames = settings.num_frames
        if frames is None:
            frames = round(info.duration * prompt.frames_per_second) or prompt.default_frames
            frames = min(max(frames, MIN_FRAMES), prompt.default_frames)
            frames = min(frames, info.num_frames or frames)
        frames = at_most(frames, prompt.max_frames, "frame", "the most this model takes")
        if info.num_frames:
            frames = at_most(frames, info.num_frames, "frame", "all that the video has")
        return FilePlan(name, "video", frames, size=size), notes
    looks = prompt.looks if settings.looks is None else settings.looks
    tiles = prompt.default_tiles if settings.max_tiles is None else settings.max_tiles
    tiles = at_most(tiles, prompt.max_tiles, "tile", "the most this model takes")
    return FilePlan(name, "image", 1, looks, max_tiles=tiles, size=size), notes


def count_tiles(width: int, height: int, max_tiles: int, tile_size: int) -> int:
    """Returns the number of tiles from `vlm.media.squares.tile_image`, thumbnail included."""
    columns, rows = choose_grid(width, height, max_tiles, tile_size)
    return columns * rows + (1 if columns * rows > 1 else 0)


def fit_to_context(
    requests: Sequence[FilePlan],
    cost: Callable[[FilePlan], int],
    *,
    tile_size: int,
    text_tokens: int,
    answer_tokens: int,
    context: int,
) -> Plan:
    """Reduces the requests until they fit. `cost` returns the tokens of a file.

    Raises ValueError with the numbers if even the smallest plan does not fit.
    """

    def with_cost(file: FilePlan) -> FilePlan:
        if file.kind == "image":
            tiles = count_tiles(*file.size, file.max_tiles, tile_size)
            file = replace(file, tiles=tiles)
        return replace(file, tokens=cost(file))

    files = [with_cost(file) for file in requests]
    wanted = list(files)
    for smaller in (_fewer_tiles, _fewer_frames, _fewer_looks):
        while sum(file.tokens for file in files) > context - text_tokens - answer_tokens:
            reducible = [i for i, file in enumerate(files) if smaller(file) is not None]
            if not reducible:
                break
            largest = max(reducible, key=lambda i: files[i].tokens)
            less = smaller(files[largest])
            assert less is not None
            files[largest] = with_cost(less)

    spare = context - text_tokens - sum(file.tokens for file in files)
    if spare < min(answer_tokens, MIN_ANSWER):
        raise ValueError(_too_much(files, text_tokens, min(answer_tokens, MIN_ANSWER), context))
    notes = [_note(was, now, context) for was, now in zip(wanted, files, strict=True)]
    if spare < answer_tokens:
        notes.append(f"The answer may take {spare:,} tokens instead of {answer_tokens:,}.")
    return Plan(
        tuple(files),
        context - spare,
        spare,
        tuple(note for note in notes if note),
        min(answer_tokens, spare),
    )


def _fewer_tiles(file: FilePlan) -> FilePlan | None:
    if file.kind != "image" or file.tiles == 1:
        return None
    return replace(file, max_tiles=file.max_tiles - 1)


def _fewer_frames(file: FilePlan) -> FilePlan | None:
    if file.kind != "video" or file.frames <= MIN_FRAMES:
        return None
    return replace(file, frames=file.frames - 1)


def _fewer_looks(file: FilePlan) -> FilePlan | None:
    if file.kind != "image" or file.looks == 1:
        return None
    return replace(file, looks=file.looks - 1)


def _note(was: FilePlan, now: FilePlan, context: int) -> str:
    changes = []
    if now.tiles != was.tiles:
        changes.append(f"{plural(now.tiles, 'tile')} instead of {was.tiles}")
    if now.frames != was.frames:
        changes.append(f"{plural(now.frames, 'frame')} instead of {was.frames}")
    if now.looks != was.looks:
        changes.append(f"{plural(now.looks, 'look')} instead of {was.looks}")
    if not changes:
        return ""
    return f"{now.name}: {' and '.join(changes)}, to fit {context:,} tokens."


def _too_much(files: Sequence[FilePlan], text: int, answer: int, context: int) -> str:
    media = sum(file.tokens for file in files)
    needs = f"{text:,} for the conversation and the question"
    if media:
        needs += f", {media:,} for the files"
    advice = "attach less or begin a new conversation" if media else "begin a new conversation"
    return (
        f"This needs at least {text + media + answer:,} tokens ({needs}, {answer} for the answer),"
        f" but the model holds {context:,}: shorten the question, {advice}."
    )
