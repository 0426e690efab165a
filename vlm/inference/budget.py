"""The token budget of a question, settled before anything is decoded.

The context of the language model is shared by the conversation so far, the new files and the
answer. A quarter of the context is reserved for the answer, if it may be that long: a longer limit
never reduces what is seen, it is shortened instead. If the files do not fit into the rest, they are
reduced in this order, with a note for the user:

1. fewer tiles of pictures: they are many tokens, and the thumbnail still shows the whole;
2. fewer frames of videos, never below 4: PVC's figure 3 loses 2 points of 47 from 96 frames to 16;
3. fewer looks at pictures: last, because one look in place of four costs PVC 15 points on InfoVQA.

One look at a picture is one repeat of PVC's static video (`image_repeat_time`). Media are atomic: a
picture or a frame is in the prompt whole or not at all.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from vlm.config import MAX_LOOKS, PromptConfig
from vlm.inference.errors import PromptTooLong
from vlm.inference.settings import Settings
from vlm.inference.visual.media_source import MediaSource
from vlm.media.decode import MediaInfo
from vlm.media.tilings import TILINGS, Tiling
from vlm.plural import plural

MIN_FRAMES = 4
MIN_ANSWER = 32  # tokens: a shorter answer is useless
# Reserved for a long answer before files are reduced: this share of the context, or these tokens.
ANSWER_SHARE, ANSWER_TOKENS = 1 / 4, 256


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
    grid: tuple[int, int] = (1, 1)  # columns, rows
    duration: float = 0.0  # seconds
    section: tuple[float, float] | None = None  # seconds of the video; None: all of it
    again: int = 0  # of the looks, those that were asked for after the others

    @property
    def looks_before(self) -> int:
        """Returns the looks that are spread over the clip; the others follow them."""
        return max(self.looks - self.again, 1)


@dataclass(frozen=True)
class Reduction:
    """What may be reduced of one kind of files, and its least value."""

    kind: Literal["image", "video"]
    field: Literal["max_tiles", "frames", "looks"]
    least: int


REDUCTIONS = (
    Reduction("image", "max_tiles", 1),
    Reduction("video", "frames", MIN_FRAMES),
    Reduction("image", "looks", 1),
)


@dataclass(frozen=True)
class Plan:
    """The files to read and what they take, in tokens."""

    files: tuple[FilePlan, ...]
    total: int  # of the whole prompt, including the conversation so far
    context_left: int  # free before the answer begins
    notes: tuple[str, ...] = ()  # what was reduced, and why, for the user
    answer_tokens: int = 0  # the longest answer


def requested(
    info: MediaInfo, prompt: PromptConfig, settings: Settings, source: MediaSource | None = None
) -> tuple[FilePlan, list[str]]:
    """Returns the plan of a file as if there were room, and notes on settings out of range.

    The wishes of `source` go before the settings.
    """
    name = Path(info.path).name
    source = source or MediaSource(Path(info.path))
    settings = source.settings(settings)
    notes = []

    def at_most(value: int, most: int, noun: str, why: str) -> int:
        if value > most:
            notes.append(f"{name}: {plural(most, noun)} instead of {value}, {why}.")
        return min(value, most)

    size = (info.width, info.height)
    if info.kind == "video":
        section = source.section(info)
        duration, num_frames = info.duration, info.num_frames
        if section is not None:
            share = (section[1] - section[0]) / duration
            duration, num_frames = duration * share, math.ceil(num_frames * share)
        frames = settings.num_frames
        if source.fps is not None:
            frames = max(1, round(duration * source.fps))
        if frames is None:
            frames = round(duration * prompt.frames_per_second) or prompt.default_frames
            frames = min(max(frames, MIN_FRAMES), prompt.default_frames)
            frames = min(frames, num_frames or frames)
        frames = at_most(frames, prompt.max_frames, "frame", "the most this model takes")
        if num_frames:
            frames = at_most(frames, num_frames, "frame", "all that the video has")
        plan = FilePlan(name, "video", frames, size=size, duration=duration, section=section)
        return plan, notes
    looks = (prompt.looks if settings.looks is None else settings.looks) + source.again
    looks = at_most(looks, max(MAX_LOOKS, prompt.looks), "look", "the most at a picture")
    tiles = prompt.default_tiles if settings.max_tiles is None else settings.max_tiles
    tiles = at_most(tiles, prompt.max_tiles, "tile", "the most this model takes")
    again = source.again
    return FilePlan(name, "image", 1, looks, max_tiles=tiles, size=size, again=again), notes


def fit_to_context(
    requests: Sequence[FilePlan],
    cost: Callable[[FilePlan], int],
    *,
    tile_size: int,
    tiling: Tiling = TILINGS["internvl"],
    text_tokens: int,
    answer_tokens: int,
    context: int,
) -> Plan:
    """Reduces the requests until they fit. `cost` returns the tokens of a file.

    Raises PromptTooLong with the numbers if even the smallest plan does not fit.
    """

    def with_cost(file: FilePlan) -> FilePlan:
        if file.kind == "image":
            asked = (*file.size, file.max_tiles, tile_size)
            file = replace(file, tiles=tiling.count(*asked), grid=tiling.grid(*asked))
        return replace(file, tokens=cost(file))

    files = [with_cost(file) for file in requests]
    wanted = list(files)
    reserved = min(answer_tokens, max(round(context * ANSWER_SHARE), ANSWER_TOKENS))
    room = context - text_tokens - reserved
    for reduction in REDUCTIONS:
        files = _reduced(files, reduction, with_cost, room)

    spare = context - text_tokens - sum(file.tokens for file in files)
    if spare < min(answer_tokens, MIN_ANSWER):
        raise PromptTooLong(_too_much(files, text_tokens, min(answer_tokens, MIN_ANSWER), context))
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


def _reduced(
    files: Sequence[FilePlan],
    reduction: Reduction,
    with_cost: Callable[[FilePlan], FilePlan],
    room: int,
) -> list[FilePlan]:
    """Reduces one field of the files until all fit into `room`, always the largest file first.

    That cuts all files to one level of tokens, which is found by bisection: any number of looks is
    reduced at once. The first files go one step below it, until all fit.
    """

    @cache
    def sized(i: int, size: int) -> FilePlan:
        change: dict[str, Any] = {reduction.field: size}
        return with_cost(replace(files[i], **change))

    def cut(i: int, level: int) -> FilePlan:
        """Returns the i-th file with the largest field that takes at most `level` tokens."""
        now, least = files[i], reduction.least
        most = getattr(now, reduction.field)
        if now.kind != reduction.kind or most <= least or now.tokens <= level:
            return now
        level = max(level, sized(i, least).tokens)
        sizes = range(least, most + 1)
        size = sizes[bisect_right(sizes, level, key=lambda size: sized(i, size).tokens) - 1]
        return now if size == most else sized(i, size)

    def cut_all(level: int) -> list[FilePlan]:
        return [cut(i, level) for i in range(len(files))]

    def too_much(level: int) -> bool:
        return sum(file.tokens for file in cut_all(level)) > room

    largest = max((file.tokens for file in files), default=0)
    level = bisect_right(range(largest + 1), False, key=too_much) - 1  # the highest that fits
    reduced = cut_all(level + 1)
    for i in range(len(files)):
        if sum(file.tokens for file in reduced) <= room:
            break
        reduced[i] = cut(i, level)
    return reduced


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
