"""Video-MME-v2: groups of four, the published marks, words as subtitles."""

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_rows import toy_prompt, toy_questions, toy_row

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import MediaPart, Options, Question
from evaluation.benchmarks.video.videomme_v2 import logic_value, official, relevance_value
from evaluation.benchmarks.word_subtitles import read_words, sentences
from evaluation.reports.scoring import score_row, units
from evaluation.reports.statistics import estimate
from evaluation.toy import make_toy
from vlm.conversation import Text, Video
from vlm.media.subtitles import Caption

V2 = BENCHMARKS["videomme_v2"]
VIDEO = Video(np.zeros((3, 8, 8, 3), np.uint8), np.array([0.0, 1.75, 3.0]))
# Right answers of a group -> points, by the published tables: of 16, 16, 12 and 10.
CHAIN = {"0": 0, "10": 1, "110": 4, "1110": 9, "1111": 16}
MIDDLE = {"0": 0, "100": 1, "101": 4, "110": 4, "1110": 7, "1111": 12}
FRONT = {"00": 0, "01": 1, "10": 1, "110": 2, "1110": 5, "1111": 10}
STRUCTURES: dict[str, tuple[dict[str, int], int]] = {
    "[1, 2, 3, 4]": (CHAIN, 16),
    "[1,[2,3],4]": (MIDDLE, 12),
    "[[1,2],3,4]": (FRONT, 10),
}


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys")
    make_toy("videomme_v2", root / "videomme_v2")
    return root


@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_pattern_of_a_chain_has_the_published_points(structure: str) -> None:
    points, whole = STRUCTURES[structure]
    for marks in itertools.product((0, 1), repeat=4):
        written = "".join(map(str, marks))
        (expected,) = {points[start] for start in points if written.startswith(start)}
        assert logic_value(marks, structure) == pytest.approx(expected / whole), written


def test_a_relevance_group_counts_by_the_square_of_its_right_answers() -> None:
    for marks in itertools.product((0, 1), repeat=4):
        assert relevance_value(marks) == pytest.approx(sum(marks) ** 2 / 16)


def test_an_unknown_structure_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[1, 2, \[3, 4\]\].* is none of \[1, 2, 3, 4\]"):
        logic_value((1, 1, 1, 1), "[1, 2, [3, 4]]")


def authors_letter(said: str) -> str:
    """The authors' reading, spelled out: drop phrases one after the other, then scan."""
    said = said.strip()
    for phrase in (
        *("Final Answer:", "The best answer is", "The correct answer is", "The answer is"),
        *("The answer", "The best option is", "The correct option is", "Best answer:"),
        *("Best option:", "Answer:", "Option:"),
    ):
        said = "".join(said.split(phrase))
    for character in said:
        if "A" <= character <= "H":
            return character
    return ""


def test_letters_equal_the_authors_on_random_answers() -> None:
    pieces = [
        *("Final Answer:", "The answer is", "The answer", "Best option:", "Answer:", "Option:"),
        *(
            "A",
            "(H)",
            "c",
            "I think",
            "As an AI",
            "none",
            "\n",
            " ",
            "H.",
            "Ä",
            "答案",
            "The best ",
        ),
    ]
    generator = random.Random(0)
    for _ in range(3000):
        said = "".join(generator.choices(pieces, k=generator.randrange(9)))
        assert (official({}, said) or "") == authors_letter(said), said


def rows_of(toys: Path, answer: Callable[[Question], str]) -> list[dict[str, Any]]:
    return [
        {**score_row(V2, {**toy_row(question, answer(question)), "error": ""})}
        for question in toy_questions(toys, "videomme_v2")
    ]


def test_the_group_score_equals_the_authors_sum_on_random_answers(toys: Path) -> None:
    """Their marks are -1 without a letter; -1 is added up in one sort and true in the other."""
    generator = random.Random(1)
    for _ in range(200):
        rows = rows_of(toys, lambda q: generator.choice([q.targets[0], "H", "?"]))
        for mode, absent in (("official", -1), ("lmms-eval", 0)):
            values = dict(V2.units(rows, mode))
            for group in ("001", "002", "003"):
                of_group = [row for row in rows if row["group"] == group]
                marks = [
                    absent if row["extracted"][mode] is None else int(row["score"][mode])
                    for row in of_group
                ]
                if group == "001":
                    total = sum(marks)
                    expected = total * total / 16 if total > 0 else 0.0
                else:
                    points, whole = STRUCTURES["[1,[2,3],4]" if group == "002" else "[[1,2],3,4]"]
                    written = "".join("1" if mark else "0" for mark in marks)
                    (found,) = {points[start] for start in points if written.startswith(start)}
                    expected = found / whole
                assert values[group] == pytest.approx(expected)


def test_groups_are_the_units_and_videos_the_clusters(toys: Path) -> None:
    rows = rows_of(toys, lambda question: question.targets[0])
    found = estimate([unit for unit in units(V2, rows, "lmms-eval") if unit is not None])
    assert (found.value, found.n, found.clusters) == (1.0, 3, 3)
    wrong_last = [
        {**row, "score": {"lmms-eval": float(row["extra"]["number"] < 4)}} for row in rows
    ]
    assert V2.aggregate(wrong_last, "lmms-eval") == {
        "plain accuracy": 0.75,
        "relevance groups": 9 / 16,
        "logic groups": pytest.approx((7 / 12 + 5 / 10) / 2),
    }
    # Without one of its questions a group has no value.
    assert dict(V2.units(rows[1:], "lmms-eval"))["001"] is None


def test_level_and_heads_of_a_group_are_those_of_its_last_question(toys: Path) -> None:
    found = {q.id: q.category for q in toy_questions(toys, "videomme_v2")}
    assert found["002-1"] == found["002-4"]
    assert found["002-1"]["level"] == "2"


def test_with_subtitles_all_words_are_listed_or_stand_between_the_frames(toys: Path) -> None:
    question, *_, last = toy_questions(toys, "videomme_v2", subtitles=True)
    said = "Here is a red square. Now it is blue."
    text = toy_prompt("videomme_v2", question, (VIDEO,), subtitles=True)
    assert text.startswith(
        f"These are the frames of a video. This video's subtitles are listed below:\n{said}\n\n"
        "Question: Which colour"
    )
    lmms = {"subtitles": True, "prompt_mode": "lmms-eval"}
    text = toy_prompt("videomme_v2", question, (VIDEO,), **lmms)
    assert text.startswith(f"This video's subtitles are listed below:\n{said}\n\nQuestion: ")
    assert toy_prompt("videomme_v2", last, (VIDEO,), subtitles=True).startswith("These are the")
    assert "subtitles" not in toy_prompt("videomme_v2", question, subtitles=True)

    options = Options(prompt_mode="interleaved", subtitles=True)
    turn = V2.compose(toy_questions(toys, "videomme_v2")[0], (VIDEO,), Options())
    assert len(turn.parts) == 2
    turn = V2.compose(question, (VIDEO,), options)
    shape = [
        len(part.frames) if isinstance(part, Video) else part.text[:17]
        for part in turn.parts
        if isinstance(part, Video | Text)
    ]
    assert shape == [
        1,
        "[Subtitle 0.00s -",
        1,
        "[Subtitle 2.00s -",
        1,
        "[Subtitle 2.00s -",
        "These are the fra",
    ]


def test_interleaved_frames_need_subtitles(toys: Path) -> None:
    with pytest.raises(ValueError, match="add --subtitles"):
        toy_questions(toys, "videomme_v2", prompt_mode="interleaved")


def test_a_sentence_ends_at_a_pause() -> None:
    words = [
        *(Caption(0.0, 0.2, "One."), Caption(0.25, 0.4, "Still"), Caption(0.9, 1.0, "one.")),
        *(Caption(1.15, 1.2, "Two"), Caption(1.9, 2.0, "three")),
    ]
    assert [one.text for one in sentences(words)] == ["One. Still one.", "Two", "three"]
    assert sentences([]) == []


def test_a_malformed_word_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "001.jsonl"
    good = json.dumps({"text": "so", "start_time": 0, "end_time": 0.5})
    path.write_text(f"{good}\n\n{{}}\n")
    with pytest.raises(ValueError, match=r"001\.jsonl, line 3 is not a word of subtitles"):
        read_words(path)
    path.write_text(good)
    assert read_words(path) == [Caption(0.0, 0.5, "so")]


def test_videos_are_named_by_three_digits_and_unpacked_on_first_use(tmp_path: Path) -> None:
    make_toy("videomme_v2", tmp_path / "v")
    question = V2.questions(tmp_path / "v", Options())[0]
    (part,) = [part for part in question.parts if isinstance(part, MediaPart)]
    assert not (tmp_path / "v/video").exists()
    assert part.source() == tmp_path / "v/video/001.mp4"
    assert replace(question, id="x").group == "001"
