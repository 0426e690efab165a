"""Makes a data set of worlds: media files and records.jsonl.

A record depends on the seed and its number alone, not on how many workers there are.
"""

import multiprocessing
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from tqdm import tqdm

from data.records import (
    Box,
    MediaFile,
    Objects,
    Record,
    RecordMessage,
    RecordText,
    record_to_json,
    write_records,
)
from data.synthetic.drawing.assets import Assets, load_assets
from data.synthetic.drawing.canvas import Placed
from data.synthetic.rng import WorldRng
from data.synthetic.world import Clip, QAPair, World
from data.synthetic.worlds import ASKED_AS, HELD_TASKS, WORLDS

STAGES = ("pretrain", "instruct", "held")
HELD_PER_TASK = (
    60  # 60 yes/no answers tell 80 % from chance well, and all tasks are done in minutes
)
MAX_TURNS = 8  # a picture's words cost more than a question about it
DESCRIBED_SHARE = (
    0.15  # of the question stage also ask for a description, so that it is not forgotten
)
PNG_SHARE = 0.3  # the others are JPEG, as most pictures that people have


@dataclass(frozen=True)
class BuildJob:
    """What to make: stage, seed, where to, from which assets."""

    out: Path
    stage: str
    seed: int
    assets: Path | None = None


def build(order: BuildJob, num: int, workers: int = 1) -> int:
    """Makes `num` records in `order.out` and returns how many were written."""
    if order.stage not in STAGES:
        raise ValueError(f"stage {order.stage!r} is not known; known are {', '.join(STAGES)}.")
    target = order.out / "records.jsonl"
    if target.exists():
        raise ValueError(f"{target} is there already; choose another folder or delete it.")
    (order.out / "media").mkdir(parents=True, exist_ok=True)
    return write_records(
        target, tqdm(_lines(order, num, workers), total=num, unit="records", desc=order.stage)
    )


def _lines(order: BuildJob, num: int, workers: int) -> Iterator[dict[str, Any]]:
    if workers <= 1:
        shop = Workshop(order)
        yield from (shop.make(index) for index in range(num))
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_open_workshop, initargs=(order,)) as pool:
        yield from pool.imap(_make_in_worker, range(num), chunksize=8)


class Workshop:
    """Makes records one at a time; each worker process has its own."""

    def __init__(self, order: BuildJob) -> None:
        self.order = order
        self.train_assets: Assets = load_assets(order.assets)
        self.assets = (
            load_assets(order.assets, held=True) if order.stage == "held" else self.train_assets
        )

    def make(self, index: int) -> dict[str, Any]:
        """Draws record `index`, writes its media file, and returns its JSONL line."""
        stage = self.order.stage
        seed = f"{self.order.seed}/{stage}/{index}"
        if stage == "held":
            task, name = HELD_TASKS[index % len(HELD_TASKS)]
            world, turns = self._scored(task, name, seed, index // len(HELD_TASKS))
        else:
            rng = WorldRng(seed, None, False, self.train_assets, self.train_assets)
            weights = [getattr(row, stage) for row in WORLDS.values()]
            name = rng.random.choices(list(WORLDS), weights)[0]
            world = WORLDS[name].make(rng)
            caption = _caption_turn(rng, name, world)
            turns = [caption] if stage == "pretrain" else _choose(rng, world, caption)
        media = self._save(world, index, png=random.Random(seed).random() < PNG_SHARE)
        record = _record(f"{name.replace(' ', '-')}-{index:06d}", media, turns)
        return record_to_json(replace(record, objects=_objects(world)), self.order.out)

    def _scored(self, task: str, name: str, seed: str, slot: int) -> tuple[World, list[QAPair]]:
        """One question of the task, drawn again where the world has none (no plain background)."""
        for attempt in range(100):
            world = WORLDS[name].make(
                WorldRng(f"{seed}/{attempt}", slot, True, self.assets, self.train_assets)
            )
            for turn in world.turns:
                if turn.task == ASKED_AS.get(task, task):
                    return world, [replace(turn, task=task)]
        raise RuntimeError(
            f"the world {name!r} gave no question for the task {task!r} in 100 draws."
        )

    def _save(self, world: World, index: int, png: bool) -> MediaFile:
        if isinstance(world.media, Clip):
            path = self.order.out / "media" / f"{index:06d}.mp4"
            save_clip(world.media, path)
            return MediaFile("video", path)
        path = self.order.out / "media" / f"{index:06d}{'.png' if png else '.jpg'}"
        save_picture(world.media, path)
        return MediaFile("image", path)


def _objects(world: World) -> Objects | None:
    """Where the things of a world are, if they have a place."""
    if isinstance(world.media, Clip):
        frames, size = world.media.shown, world.media.frames[0].size
    else:
        frames, size = (world.shown,) if world.shown else (), world.media.size
    boxes = [tuple(_box(item, *size) for item in frame) for frame in frames]
    return Objects(tuple(boxes), world.ground) if any(boxes) else None


def _box(item: Placed, width: int, height: int) -> Box:
    side = item.size * min(width, height)
    return Box(item.thing.label, item.x, item.y, side / width, side / height)


def _caption_turn(rng: WorldRng, name: str, world: World) -> QAPair:
    question = rng.ask("describe clip" if isinstance(world.media, Clip) else "describe picture")
    return QAPair(f"caption {name}", question, world.caption, ())


def _choose(rng: WorldRng, world: World, caption: QAPair) -> list[QAPair]:
    """The world's main question and up to seven more, in any order; of presence at most one."""
    main, *others = world.turns
    others = rng.shuffled(others)
    presence = [turn for turn in others if turn.task == "presence"]
    spare = presence if main.task == "presence" else presence[1:]
    rest = [turn for turn in others if turn not in spare][: rng.pick((3, 5, 7))]
    first = [caption] if rng.chance(DESCRIBED_SHARE) else []
    return [*first, *rng.shuffled([main, *rest])][:MAX_TURNS]


def _record(name: str, media: MediaFile, turns: list[QAPair]) -> Record:
    messages: list[RecordMessage] = []
    for turn in turns:
        parts = (RecordText(turn.question),) if messages else (media, RecordText(turn.question))
        messages += [
            RecordMessage("user", parts),
            RecordMessage("assistant", (RecordText(turn.answer),)),
        ]
    return Record(
        id=name,
        messages=tuple(messages),
        tasks=tuple(turn.task for turn in turns),
        accept=tuple(turn.accept for turn in turns),
        near=tuple(turn.near for turn in turns),
        wrong=tuple(turn.wrong for turn in turns),
    )


def save_picture(picture: Image.Image, path: Path) -> None:
    """PNG or JPEG by the ending of the path; quick rather than small."""
    if path.suffix == ".png":
        picture.save(path, compress_level=1)
    else:
        picture.save(path, quality=92)


def save_clip(clip: Clip, path: Path) -> None:
    """H.264 in MP4. One thread, so that the bytes depend on the frames alone."""
    width, height = clip.frames[0].size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=clip.fps, options={"preset": "ultrafast", "crf": "20"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in clip.frames:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


_workshop: list[Workshop] = []  # filled once in each worker process, never in the parent


def _open_workshop(order: BuildJob) -> None:
    _workshop.append(Workshop(order))


def _make_in_worker(index: int) -> dict[str, Any]:
    return _workshop[0].make(index)
