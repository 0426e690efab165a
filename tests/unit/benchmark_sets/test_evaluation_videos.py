"""The video benchmarks: packed files, subtitles, letters and the published checks."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_rows import toy_prompt, toy_questions, toy_scores

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import MediaPart, Options
from evaluation.benchmarks.packed_media import Member, VideoFiles
from evaluation.benchmarks.video.longvideobench import interleave
from evaluation.toy import make_toy
from vlm.conversation import Video
from vlm.media.subtitles import Caption

VIDEO = Video(np.zeros((3, 8, 8, 3), np.uint8), np.array([0.0, 1.75, 3.0]))


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys")
    for name in ("videomme", "mvbench", "mlvu", "longvideobench"):
        make_toy(name, root / name)
    return root


def test_video_mme_extracts_videos_from_zip_files_only_when_needed(
    toys: Path, tmp_path: Path
) -> None:
    make_toy("videomme", tmp_path / "v")
    questions = BENCHMARKS["videomme"].questions(tmp_path / "v", Options())
    assert not (tmp_path / "v" / "data").exists()
    films = [part for q in questions for part in q.parts if isinstance(part, MediaPart)]
    assert {film.source() for film in films} == set((tmp_path / "v" / "data").iterdir())
    assert [film.name for film in films[3:5]] == ["toy-second2.MP4"] * 2


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (
            "official",
            "Select the best answer to the following multiple-choice question based on the video."
            " Respond with only the letter (A, B, C, or D) of the correct option.\n"
            "Which colour has the square at first?\n"
            "A. Red.\nB. Blue.\nC. Green.\nD. Yellow.\nThe best answer is:",
        ),
        (
            "lmms-eval",
            "Select the best answer to the following multiple-choice question based on the video"
            " and the subtitles. Respond with only the letter (A, B, C, or D) of the correct"
            " option.\nWhich colour has the square at first?\n"
            "A. Red.\nB. Blue.\nC. Green.\nD. Yellow.\n"
            "\nAnswer with the option's letter from the given choices directly.",
        ),
        (
            "vlmevalkit",
            "\nThese are the frames of a video. Select the best answer to the following"
            " multiple-choice question based on the video. Respond with only the letter"
            " (A, B, C, or D) of the correct option.\nQuestion: Which colour has the square at"
            " first?\nA. Red.\nB. Blue.\nC. Green.\nD. Yellow.\nAnswer: ",
        ),
    ],
)
def test_video_mme_uses_the_prompt_of_each_harness(toys: Path, mode: str, text: str) -> None:
    question = toy_questions(toys, "videomme", prompt_mode=mode)[0]
    assert toy_prompt("videomme", question, prompt_mode=mode) == text


def test_video_mme_shows_the_subtitles_of_the_sampled_frames(toys: Path) -> None:
    question, *_, last = toy_questions(toys, "videomme", subtitles=True)
    text = toy_prompt("videomme", question, (VIDEO,), subtitles=True)
    said = "Here is a red square.\nIt moves along.\nNow it is blue, so it is.\n"
    assert text.startswith(f"This video's subtitles are listed below:\n{said}Select the best")
    turn = BENCHMARKS["videomme"].compose(question, (VIDEO,), Options(subtitles=True))
    assert len(turn.captions) == 3
    # The last video has no subtitles; a blind run shows none.
    assert toy_prompt("videomme", last, (VIDEO,), subtitles=True).startswith("Select the best")
    assert toy_prompt("videomme", question, subtitles=True).startswith("Select the best")
    mode = {"subtitles": True, "prompt_mode": "lmms-eval"}
    (*_, last) = toy_questions(toys, "videomme", **mode)
    assert "listed below: \nNo subtitles available\n" in toy_prompt(
        "videomme", last, (VIDEO,), **mode
    )


def test_video_mme_has_a_split_per_duration(toys: Path) -> None:
    assert {q.category["duration"] for q in toy_questions(toys, "videomme", split="long")} == {
        "long"
    }
    assert len(toy_questions(toys, "videomme")) == 9


def test_the_same_answers_score_differently_in_the_three_modes_of_video_mme(toys: Path) -> None:
    """The modes accept different answers as right and exclude different ones from the mean."""
    question = replace(toy_questions(toys, "videomme")[0], targets=("B",))
    # Right in all modes; in lmms-eval only; without a letter; wrong in all.
    said = ["B"] * 33 + ["Choice B"] * 4 + ["no idea"] * 2 + ["C"] * 15
    values = {}
    for mode in ("official", "lmms-eval", "vlmevalkit"):
        found = [toy_scores("videomme", question, raw)[mode] for raw in said]
        counted = [score for score in found if score is not None]
        values[mode] = round(100 * sum(counted) / len(counted), 1)
    assert values == {"official": 63.5, "lmms-eval": 68.5, "vlmevalkit": 61.1}


def test_mvbench_asks_about_segments_and_prefills_the_reply(toys: Path) -> None:
    questions = {question.id: question for question in toy_questions(toys, "mvbench")}
    parts = [part for part in questions["action_sequence-000"].parts if isinstance(part, MediaPart)]
    assert (parts[0].start, parts[0].end) == (2.0, 3.9)
    frames = questions["episodic_reasoning-000"].parts[0]
    assert isinstance(frames, MediaPart)
    assert (frames.kind, len(frames.paths), frames.fps) == ("frames", 12, 3.0)
    turn = BENCHMARKS["mvbench"].compose(questions["action_sequence-000"], (), Options())
    assert turn.reply == "Best option:("
    assert turn.system.startswith("Carefully watch the video")
    # Text after the bracket is considered as well.
    assert set(toy_scores("mvbench", questions["action_sequence-001"], "B) blue").values()) == {1.0}


def test_mvbench_reproduces_the_leniency_of_the_published_checks(toys: Path) -> None:
    question = next(q for q in toy_questions(toys, "mvbench") if q.id == "action_antonym-000")
    question = replace(question, targets=("A",))
    assert toy_scores("mvbench", question, "a man walks in") == {
        "clean": 0.0,
        "official": 1.0,
        "lmms-eval": 1.0,
        "vlmevalkit": 1.0,
    }
    assert toy_scores("mvbench", question, "")["lmms-eval"] is None


def test_mlvu_considers_six_options_and_lmms_eval_four(toys: Path) -> None:
    question = replace(toy_questions(toys, "mlvu", split="test")[0], targets=("F",))
    scores = toy_scores("mlvu", question, "F) white")
    assert (scores["official"], scores["lmms-eval"]) == (1.0, 0.0)
    assert BENCHMARKS["mlvu"].weight_by == "task"


def test_longvideobench_interleaves_frames_and_captions(toys: Path) -> None:
    question = toy_questions(toys, "longvideobench", subtitles=True)[0]
    turn = BENCHMARKS["longvideobench"].compose(question, (VIDEO,), Options(subtitles=True))
    shape = [len(p.frames) if isinstance(p, Video) else p.text[:6] for p in turn.parts]
    assert shape == ["A squa", 2, "Blue, ", 1, "Which "]
    assert turn.captions == ("A square comes in.", "Blue, we call it.")


def test_the_official_rule_places_a_caption_after_the_frames_up_to_its_midpoint() -> None:
    captions = [Caption(0.0, 2.0, "first"), Caption(2.0, 2.2, "short"), Caption(5.0, 9.0, "late")]
    times = [0.5, 1.5, 2.5]
    assert list(interleave(times, captions, True)) == [
        *(range(1), "first"),
        *(range(1, 2), "short"),
        range(2, 3),
    ]
    assert list(interleave(times, captions, False)) == ["first", range(3)]


def test_a_missing_video_fails_the_sample_and_not_the_run(tmp_path: Path) -> None:
    make_toy("videomme", tmp_path / "v", original=True)
    (tmp_path / "v" / "data" / "toy-first01.mp4").unlink()
    first = BENCHMARKS["videomme"].questions(tmp_path / "v", Options())[0].parts[0]
    assert isinstance(first, MediaPart)
    with pytest.raises(ValueError, match=r"toy-first01\.mp4: there is no such file"):
        first.source()


def test_a_damaged_zip_file_is_named(tmp_path: Path) -> None:
    make_toy("videomme", tmp_path / "v")
    chunk = tmp_path / "v" / "videos_chunked_01.zip"
    chunk.write_bytes(chunk.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"videos_chunked_01\.zip is not a complete zip file"):
        BENCHMARKS["videomme"].questions(tmp_path / "v", Options())


def test_a_video_cannot_be_extracted_outside_its_folder(tmp_path: Path) -> None:
    make_toy("mlvu", tmp_path / "m")
    path = tmp_path / "m" / "MLVU" / "json" / "1_plotQA.json"
    rows = json.loads(path.read_text())
    rows[0]["video"] = "../../../secret.mp4"
    path.write_text(json.dumps(rows))
    with pytest.raises(ValueError, match="points outside"):
        BENCHMARKS["mlvu"].questions(tmp_path / "m", Options())


def test_an_answer_outside_the_options_is_refused_with_its_position(tmp_path: Path) -> None:
    make_toy("mvbench", tmp_path / "m")
    path = tmp_path / "m" / "json" / "action_antonym.json"
    rows = json.loads(path.read_text())
    rows[1]["answer"] = "purple"
    path.write_text(json.dumps(rows))
    with pytest.raises(ValueError, match=r"entry 2: the answer 'purple' is none of the options"):
        BENCHMARKS["mvbench"].questions(tmp_path / "m", Options())


def test_an_extracted_video_is_complete_and_leaves_no_temporary_files(tmp_path: Path) -> None:
    make_toy("videomme", tmp_path / "v")
    part = BENCHMARKS["videomme"].questions(tmp_path / "v", Options())[0].parts[0]
    assert isinstance(part, MediaPart)
    first = part.source()
    assert isinstance(first, Path)
    with zipfile.ZipFile(tmp_path / "v" / "videos_chunked_01.zip") as archive:
        assert first.read_bytes() == archive.read("data/toy-first01.mp4")
    assert part.source() == first
    assert [path.name for path in first.parent.iterdir()] == ["toy-first01.mp4"]


def test_equal_file_names_in_two_zip_files_are_distinguished_by_folder(tmp_path: Path) -> None:
    for place in ("clevrer", "perception"):
        with zipfile.ZipFile(tmp_path / f"{place}.zip", "w") as archive:
            archive.writestr(f"{place}/videos/video_1.mp4", place)
    films = VideoFiles(tmp_path, sorted(tmp_path.glob("*.zip")))
    found = films.find(["perception/videos/video_1.mp4"])
    assert isinstance(found, Member)
    assert found.unpack().read_text() == "perception"
    # Without the folder the name is ambiguous.
    assert films.find(["other/video_1.mp4"]) == tmp_path / "other/video_1.mp4"
