"""Synthetic worlds: captions match pixels, nothing leaks, a seed determines every byte."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from data.records import Record, read_records
from data.scoring import judge
from data.synthetic.build import BuildJob, build
from data.synthetic.drawing.assets import SHAPE_THINGS, Assets, load_assets
from data.synthetic.drawing.canvas import paint, place
from data.synthetic.drawing.shapes import COLORS, SHAPES
from data.synthetic.language.wording import QUESTIONS
from data.synthetic.language.words import WORDS, an, is_countable, is_simple, plural
from data.synthetic.makers import charts, clips, events, scenes
from data.synthetic.rng import WorldRng
from data.synthetic.world import Clip, World
from data.synthetic.worlds import HELD_TASKS, WORLDS


@pytest.fixture(scope="module")
def shapes_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty assets folder."""
    return tmp_path_factory.mktemp("assets")


@pytest.fixture(scope="module")
def assets(shapes_only: Path) -> Assets:
    return load_assets(shapes_only)


@pytest.fixture(scope="module")
def held_assets(shapes_only: Path) -> Assets:
    return load_assets(shapes_only, held=True)


@pytest.fixture(scope="module")
def scoring_set(shapes_only: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Ten rounds of all tasks."""
    out = tmp_path_factory.mktemp("held")
    build(BuildJob(out, "held", 1, shapes_only), 10 * len(HELD_TASKS))
    return list(read_records(out / "records.jsonl"))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def pixels(world: World) -> np.ndarray:
    """The frames of a clip, or a picture as one frame: [T, H, W, 3], signed."""
    frames = world.media.frames if isinstance(world.media, Clip) else [world.media]
    return np.stack([np.asarray(frame) for frame in frames]).astype(np.int16)


def test_the_number_of_workers_does_not_change_a_byte(tmp_path: Path, shapes_only: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        build(BuildJob(tmp_path / name, "instruct", 3, shapes_only), 24, workers)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_other_records(tmp_path: Path, shapes_only: Path) -> None:
    for seed in (1, 2):
        build(BuildJob(tmp_path / str(seed), "pretrain", seed, shapes_only), 8)
    texts = [(tmp_path / str(seed) / "records.jsonl").read_text() for seed in (1, 2)]
    assert texts[0] != texts[1]


def test_a_finished_set_is_not_overwritten(tmp_path: Path, shapes_only: Path) -> None:
    build(BuildJob(tmp_path, "pretrain", 1, shapes_only), 1)
    with pytest.raises(ValueError, match="already exists"):
        build(BuildJob(tmp_path, "pretrain", 1, shapes_only), 1)


def test_media_are_real_files_of_the_stated_kind(scoring_set: list[Record]) -> None:
    endings = set()
    for record in scoring_set[: len(HELD_TASKS)]:
        (media,) = record.media
        endings.add(media.path.suffix)
        if media.kind == "image":
            with Image.open(media.path) as picture:
                assert 224 <= min(picture.size) <= max(picture.size) <= 384
            continue
        with av.open(str(media.path)) as container:
            stream = container.streams.video[0]
            frames = sum(1 for _ in container.decode(stream))
            assert stream.codec_context.name == "h264"
            assert 1.9 <= frames / float(stream.average_rate) <= 5.2
    assert {".jpg", ".png", ".mp4"} <= endings


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("held", [False, True])
def test_every_stated_answer_is_judged_right(
    name: str, held: bool, assets: Assets, held_assets: Assets
) -> None:
    for slot in range(6):
        rng = WorldRng(f"{name}/{slot}", slot, held, held_assets if held else assets, assets)
        world = WORLDS[name].make(rng)
        assert world.caption.endswith(".")
        assert "{" not in world.caption
        for turn in world.turns:
            record = Record("x", (), (turn.task,), (turn.accept,), (turn.near,), (turn.wrong,))
            assert judge(record, turn.answer) == "right", turn
            assert "{" not in turn.question
            assert turn.question[-1] in "?."


@pytest.mark.parametrize("task", sorted({task for task, _ in HELD_TASKS}))
def test_the_scoring_set_asks_one_question_of_every_task(
    task: str, scoring_set: list[Record]
) -> None:
    records = [record for record in scoring_set if record.task == task]
    assert len(records) == 10
    assert all(len(record.turns) == 1 and record.accept[0] for record in records)


@pytest.mark.parametrize(
    ("task", "num"), [("motion", 5), ("movers", 5), ("presence", 2), ("moves", 2)]
)
def test_answers_of_the_scoring_set_are_balanced(
    task: str, num: int, scoring_set: list[Record]
) -> None:
    answers = Counter(record.turns[0][1] for record in scoring_set if record.task == task)
    assert set(answers.values()) == {10 // num}


def test_no_constant_answer_scores_well(
    scoring_set: list[Record],
) -> None:
    for task in ("place", "side", "count", "bars", "tally", "tallest", "pie"):
        answers = Counter(record.accept[0][0] for record in scoring_set if record.task == task)
        assert max(answers.values()) <= 5, (task, answers)


def test_the_first_frame_does_not_reveal_the_direction(assets: Assets) -> None:
    ways = [list(clips.DIRECTIONS).index(way) for way in ("left", "right", "up", "down")]
    for seed in range(5):
        worlds = [clips.motion(WorldRng(f"{seed}", slot, False, assets, assets)) for slot in ways]
        assert len({pixels(world)[0].tobytes() for world in worlds}) == 1
        assert len({pixels(world)[-1].tobytes() for world in worlds}) == 4


WORDS_FOR = {"left": "left", "right": "right", "up": "up", "down": "down", "still": "not"}


@pytest.mark.parametrize("slot", range(5))
def test_a_thing_moves_in_the_stated_direction(slot: int, assets: Assets) -> None:
    way = list(clips.DIRECTIONS)[slot]
    for seed in range(4):
        world = clips.motion(WorldRng(f"way {seed}", slot, False, assets, assets))
        assert WORDS_FOR[way] in world.turns[0].answer
        if way == "still":
            assert (pixels(world) == pixels(world)[0]).all()
            continue
        frames = pixels(world)[::4, ::2, ::2]  # a sample is enough
        ground = np.median(frames, axis=0)  # the background
        times, rows, columns = (np.abs(frames - ground).sum(-1) > 60).nonzero()
        early, late = times < len(frames) / 3, times > len(frames) * 2 / 3
        right = columns[late].mean() - columns[early].mean()
        down = rows[late].mean() - rows[early].mean()
        step_x, step_y, _, _ = clips.DIRECTIONS[way]
        assert right * step_x + down * step_y > 10
        assert abs(right * step_y) + abs(down * step_x) < 6


@pytest.mark.parametrize("where", scenes.WHERE)
def test_a_shape_has_the_stated_place_and_color(where: str, assets: Assets) -> None:
    for thing in SHAPE_THINGS:
        if thing.name not in ("circle", "square", "cross", "heart"):
            continue  # other shapes may not cover their own center
        item = place(WorldRng(where, 0, False, assets, assets), thing, where, 0.3)
        picture = paint(Image.new("RGB", (300, 200), (128, 128, 128)), [item])
        pixel = picture.getpixel((round(item.x * 300), round(item.y * 200)))
        assert np.abs(np.subtract(pixel, COLORS[thing.color])).max() <= 12
        assert ("left" in where) == (item.x < 0.36)
        assert ("right" in where) == (item.x > 0.64)
        assert ("top" in where) == (item.y < 0.36)
        assert ("bottom" in where) == (item.y > 0.64)


def test_counts_match_the_drawn_things(assets: Assets) -> None:
    for slot in range(5):
        world = scenes.crowd(WorldRng(f"crowd {slot}", slot, False, assets, assets))
        assert world.turns[0].accept == (str(slot),)
    for slot in range(28):
        world = charts.bars(WorldRng("bars", slot, False, assets, assets))
        (picture,) = pixels(world)
        height, width, _ = picture.shape
        on_bar = picture[round(0.94 * height) - 6, round(0.08 * width) :].sum(-1) < 700
        assert int((np.diff(on_bar.astype(int)) == 1).sum()) == 2 + slot % 4


def test_the_first_thing_appears_before_the_last(assets: Assets) -> None:
    for seed in range(8):
        world = events.order(WorldRng(f"order {seed}", 0, False, assets, assets))
        names = [part.split(" ", 1)[1] for part in world.caption[6:-1].split(", then ")]
        assert world.turns[0].accept == (names[0],)
        assert np.abs(pixels(world)[-1] - pixels(world)[0]).sum(-1).max() > 60


def test_held_out_combinations_never_appear_in_training(
    assets: Assets, held_assets: Assets
) -> None:
    kept = {thing.label for thing in held_assets.shapes}
    assert len(kept) == len(SHAPES)
    assert kept.isdisjoint(thing.label for thing in assets.shapes)
    assert set(WORDS[True]).isdisjoint(WORDS[False])
    for name, row in WORLDS.items():
        for slot in range(12):
            world = row.make(WorldRng(f"{name} {slot}", slot, False, assets, assets))
            texts = [world.caption, *(t.question + " " + t.answer for t in world.turns)]
            for label in kept:
                assert label not in " ".join(texts), (name, label)


def test_scoring_phrases_its_questions_differently() -> None:
    assert QUESTIONS[False].keys() == QUESTIONS[True].keys()
    for key, phrases in QUESTIONS[False].items():
        assert set(phrases).isdisjoint(QUESTIONS[True][key]), key


def test_objects_stay_in_their_split(tmp_path: Path) -> None:
    rows = []
    for name, split in (("teapot", "train"), ("okapi", "held")):
        Image.new("RGBA", (40, 30), (90, 200, 90, 255)).save(tmp_path / f"{name}.png")
        rows.append({"name": name, "file": f"{name}.png", "category": name, "split": split})
    (tmp_path / "objects.json").write_text(json.dumps(rows))
    for stage in ("pretrain", "instruct", "held"):
        build(BuildJob(tmp_path / stage, stage, 1, tmp_path), 60)
    assert "teapot" in (tmp_path / "pretrain/records.jsonl").read_text()
    assert "okapi" in (tmp_path / "held/records.jsonl").read_text()
    for stage in ("pretrain", "instruct"):
        assert "okapi" not in (tmp_path / stage / "records.jsonl").read_text()


def test_articles_and_plurals_of_names() -> None:
    assert [an(w) for w in ("orange star", "unicorn", "hourglass", "bus", "X-ray")] == [
        "an orange star", "a unicorn", "an hourglass", "a bus", "an X-ray",
    ]  # fmt: skip
    assert all(is_countable(name) for name in ("mug of beer", "octopus", "bus"))
    assert not any(is_countable(name) for name in ("grapes", "bread", "mugs of beer"))
    assert is_simple("police officer")
    assert not any(is_simple(name) for name in ("city at night", "X-ray", "grapes"))
    assert [plural(w) for w in ("bus", "police officer", "cherry", "mouse", "toy", "red box")] == [
        "buses", "police officers", "cherries", "mice", "toys", "red boxes",
    ]  # fmt: skip
