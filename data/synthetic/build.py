"""Makes a data set of worlds: media files and records.jsonl.

A record depends only on the seed and its number, not on the number of workers.
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

from data.objects import Box, Objects
from data.records import (
    MediaFile,
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
from data.synthetic.worlds import HELD_TASKS, TASK_OF_TURN, WORLDS

STAGES = ("pretrain", "instruct", "held")
# 60 yes/no answers separate 80 % from chance well, and all tasks take only minutes.
HELD_PER_TASK = 60
MAX_TURNS = 8  # a picture costs more tokens than a question about it, so it gets many
# Share of the instruct stage that also asks for a description, so that it is not forgotten.
DESCRIBED_SHARE = 0.15
PNG_SHARE = 0.3  # the rest is JPEG, like most pictures people have


@dataclass(frozen=True)
class BuildJob:
    """What to make: output folder, stage, seed, assets."""

    out: Path
    stage: str
    seed: int
    assets: Path | None = None


def build(job: BuildJob, num: int, workers: int = 1) -> int:
    """Makes `num` records in `job.out` and returns the number written."""
    if job.stage not in STAGES:
        raise ValueError(f"unknown stage {job.stage!r}; it must be one of {', '.join(STAGES)}.")
    target = job.out / "records.jsonl"
    if target.exists():
        raise ValueError(f"{target} already exists; choose another folder or delete it.")
    (job.out / "media").mkdir(parents=True, exist_ok=True)
    return write_records(
        target, tqdm(_lines(job, num, workers), total=num, unit="records", desc=job.stage)
    )


def _lines(job: BuildJob, num: int, workers: int) -> Iterator[dict[str, Any]]:
    if workers <= 1:
        maker = RecordMaker(job)
        yield from (maker.make(index) for index in range(num))
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(job,)) as pool:
        yield from pool.imap(_make_in_worker, range(num), chunksize=8)


class RecordMaker:
    """Makes records one by one; each worker process has its own instance."""

    def __init__(self, job: BuildJob) -> None:
        self.job = job
        self.train_assets: Assets = load_assets(job.assets)
        self.assets = (
            load_assets(job.assets, held=True) if job.stage == "held" else self.train_assets
        )

    def make(self, index: int) -> dict[str, Any]:
        """Makes record `index`, writes its media file, and returns the dict of its JSONL line."""
        stage = self.job.stage
        seed = f"{self.job.seed}/{stage}/{index}"
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
        return record_to_json(replace(record, objects=_objects(world)), self.job.out)

    def _scored(self, task: str, name: str, seed: str, slot: int) -> tuple[World, list[QAPair]]:
        """Makes one question of a task; retries worlds without one (no plain background)."""
        for attempt in range(100):
            world = WORLDS[name].make(
                WorldRng(f"{seed}/{attempt}", slot, True, self.assets, self.train_assets)
            )
            for turn in world.turns:
                if turn.task == TASK_OF_TURN.get(task, task):
                    return world, [replace(turn, task=task)]
        raise RuntimeError(
            f"the world {name!r} had no question for the task {task!r} in 100 draws."
        )

    def _save(self, world: World, index: int, png: bool) -> MediaFile:
        if isinstance(world.media, Clip):
            path = self.job.out / "media" / f"{index:06d}.mp4"
            save_clip(world.media, path)
            return MediaFile("video", path)
        path = self.job.out / "media" / f"{index:06d}{'.png' if png else '.jpg'}"
        save_picture(world.media, path)
        return MediaFile("image", path)


def _objects(world: World) -> Objects | None:
    """Returns the positions of the things in a world, None if they have none."""
    if isinstance(world.media, Clip):
        frames, size = world.media.placed, world.media.frames[0].size
    else:
        frames, size = (world.placed,) if world.placed else (), world.media.size
    boxes = [tuple(_box(item, *size) for item in frame) for frame in frames]
    return Objects(tuple(boxes), world.ground) if any(boxes) else None


def _box(item: Placed, width: int, height: int) -> Box:
    side = item.size * min(width, height)
    return Box(item.thing.label, item.x, item.y, side / width, side / height)


def _caption_turn(rng: WorldRng, name: str, world: World) -> QAPair:
    question = rng.ask("describe clip" if isinstance(world.media, Clip) else "describe picture")
    return QAPair(f"caption {name}", question, world.caption, ())


def _choose(rng: WorldRng, world: World, caption: QAPair) -> list[QAPair]:
    """Picks the world's main question and up to seven more, shuffled; one presence question."""
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
    """Writes PNG or JPEG, depending on the suffix; fast rather than small."""
    if path.suffix == ".png":
        picture.save(path, compress_level=1)
    else:
        picture.save(path, quality=92)


def save_clip(clip: Clip, path: Path) -> None:
    """Writes H.264 in MP4, with one thread so that the bytes depend only on the frames."""
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


_maker: list[RecordMaker] = []  # filled once in each worker process, never in the parent


def _start_worker(job: BuildJob) -> None:
    _maker.append(RecordMaker(job))


def _make_in_worker(index: int) -> dict[str, Any]:
    return _maker[0].make(index)
