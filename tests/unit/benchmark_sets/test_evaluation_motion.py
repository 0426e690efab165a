"""MotionBench, LVBench, TempCompass, TimeLens: their layouts, and rules equal to the authors'."""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_rows import toy_prompt, toy_questions, toy_row, toy_scores

from evaluation.answers.yes_no import clean_yes_no
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import MediaPart, Options
from evaluation.benchmarks.video import lvbench, motionbench, tempcompass
from evaluation.metrics.spans import clean_span, overlap, written_spans
from evaluation.toy import make_toy
from vlm.conversation import Video

PIECES = [
    *("A", "b", "(C)", "D.", "E)", "f:", " ", "\n", "(", ")", "The answer is ", "ANSWER:", "yes"),
    *("No", "Option 2", "Caption A", ": ", "red", "Sentence B: it turns", "1", ".", "best answer:"),
]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys")
    for name in ("motionbench", "lvbench", "tempcompass", "timelens"):
        make_toy(name, root / name)
    return root


def nasty(count: int, more: Sequence[str] = ()) -> list[str]:
    generator = random.Random(0)
    choices = [*PIECES, *more]
    return ["".join(generator.choices(choices, k=generator.randrange(7))) for _ in range(count)]


def authors_character(answer: str) -> str:
    """MotionBench's and LVBench's script: before ")", behind "(", the first word's first sign."""
    answer = answer.strip()
    closed = answer.find(")")
    if closed >= 0:
        answer = answer[:closed]
    answer = answer.strip()
    if "(" in answer:
        answer = answer.split("(")[1].strip()
    while answer and " " in answer:
        answer = answer[: answer.index(" ")]
    return answer[:1]


def test_the_first_character_equals_the_authors_on_random_answers() -> None:
    for said in nasty(3000):
        assert (motionbench.official({}, said) or "") == authors_character(said), said
        assert (lvbench.official({}, said) or "") == authors_character(said), said


def test_lmms_eval_reads_motionbench_in_any_case() -> None:
    for said, letter in {
        "b": "B",
        "The best answer is c.": "C",
        "It is (d), I think": "D",
        "x A: red": "A",
        "fast": "F",  # any letter, even inside a word
        "<think>A</think> b": "B",
        "": None,
        "no": None,
    }.items():
        assert motionbench.lmms({}, said) == letter, said


def test_motionbench_asks_the_dev_set_and_leaves_the_test_set_unscored(toys: Path) -> None:
    assert [q.id for q in toy_questions(toys, "motionbench")] == ["uid-0", "uid-1"]
    (secret,) = toy_questions(toys, "motionbench", split="test")
    assert secret.targets == ()
    assert set(toy_scores("motionbench", secret, "B").values()) == {None}
    film = secret.parts[0]
    assert isinstance(film, MediaPart)
    assert film.path is not None
    assert film.path.is_file()  # found in a folder below


def test_options_are_parted_from_the_question() -> None:
    body, options = motionbench.split_options("What\n moves?\nA. one \nB) two\n lines\nC: three.")
    assert (body, options) == ("What moves?", ("one", "two lines", "three."))
    assert motionbench.split_options("no options") == ("no options", ())


def test_lvbench_counts_a_question_in_each_of_its_abilities(toys: Path) -> None:
    questions = toy_questions(toys, "lvbench")
    rows = [{**toy_row(q), "score": {"clean": float(i == 1)}} for i, q in enumerate(questions[:2])]
    assert BENCHMARKS["lvbench"].aggregate(rows, "clean") == {
        "entity recognition": 0.5,
        "reasoning": 1.0,
    }
    assert questions[0].options == ("red", "blue", "green", "yellow")


def authors_rating(task: str, said: str, question: str, answer: str) -> int:
    """TempCompass's rules without a judge: 1 if the answer matches, else 0."""
    if task == "yes_no":
        return int(
            re.match("yes|no", said.lower() or " ", re.I) is not None
            and said.lower().startswith(answer)
        )
    if task == "multi-choice":
        if said == answer:
            return 1
        marked = said[:1] in "ABCD" and said[:1] != "" and (len(said) == 1 or said[1] in ".)")
        return int(marked and said[0] == answer[0])
    said = said.strip()
    options = question.split("\n")[1:]
    sentences = [option.split(": ")[1] for option in options]
    labels = [option.split(": ")[0] for option in options]
    bare = [label.split(" ")[1] for label in labels]
    chosen = None
    for option in options:
        chosen = option if option == said else chosen
    for sentence in sentences:
        if sentence == said or (") " in said and said.split(") ")[1] == sentence):
            chosen = sentence
    for label in labels + bare:
        if label in (said, said.replace(".", "")):
            chosen = label
    right = (answer, answer.split(":")[0], answer.split(": ")[1], answer.split(": ")[0].split()[1])
    return int(chosen is not None and chosen in right)


def test_tempcompass_rates_random_answers_as_the_authors_do(toys: Path) -> None:
    more = (
        "Option 1: The square turns red.",
        "Option 2",
        "The square turns blue.",
        "1",
        "2.",
        "A) The square turns red.",
        "A. red",
        "no, ",
        "B. blue",
        "Option 1.",
    )
    for question in toy_questions(toys, "tempcompass"):
        task = question.category["task"]
        asked = str(question.parts[1]).rsplit("\nPlease", 1)[0]
        row = toy_row(question)
        for said in [*nasty(600, more), *more]:
            answer = tempcompass.official(row, said)
            found = BENCHMARKS["tempcompass"].score(row, answer, "official")
            assert found == authors_rating(task, said, asked, question.targets[0]), (task, said)


def test_tempcompass_reads_sentences_in_its_clean_mode(toys: Path) -> None:
    questions = {q.id: q for q in toy_questions(toys, "tempcompass")}
    for name, said in (
        ("multi-choice-1001-0", "The last colour is blue."),
        ("yes_no-1001-0", "The answer is **yes**."),
        ("caption_matching-1001-0", "Option 2 fits better."),
        ("caption_matching-1001-0", "2."),
    ):
        assert toy_scores("tempcompass", questions[name], said)["clean"] == 1.0, said
    (one, other) = toy_questions(toys, "tempcompass", split="yes_no")
    assert (one.targets, other.targets) == (("yes",), ("no",))


def test_both_layouts_of_tempcompass_hold_the_same_questions(toys: Path, tmp_path: Path) -> None:
    make_toy("tempcompass", tmp_path / "t", original=True)
    there = BENCHMARKS["tempcompass"].questions(tmp_path / "t", Options())
    here = toy_questions(toys, "tempcompass")
    assert [(q.id, q.targets, q.parts[1]) for q in there] == [
        (q.id, q.targets, q.parts[1]) for q in here
    ]
    (tmp_path / "t/questions/yes_no.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"yes_no\.json holds no questions by video"):
        BENCHMARKS["tempcompass"].questions(tmp_path / "t", Options())


@pytest.mark.parametrize(
    ("said", "word"),
    [("Yes, it does", "yes"), ("**No**", "no"), ("I say no.", "no"), ("yes and no", "yes"),
     ("not sure: yes or no", None), ("nothing", None), ("", None)],
)  # fmt: skip
def test_yes_and_no_are_read_as_a_reader_would(said: str, word: str | None) -> None:
    assert clean_yes_no(said) == word


def authors_times(said: str) -> list[tuple[float, float]]:
    """TimeLens's rule, spelled out: clock times, then a hyphen or "to", then any two numbers."""
    said = said.lower()
    clocks = re.findall(r"\b(?:\d{1,2}:\d{2}:\d{2}(?:\.\d+)?|\d{1,2}:\d{2}(?:\.\d+)?)\b", said)
    seconds = []
    for clock in clocks:
        parts = [float(part) for part in clock.split(":")]
        seconds.append(sum(part * 60**power for power, part in enumerate(reversed(parts))))
    pairs = [(seconds[i], seconds[i + 1]) for i in range(0, len(seconds) // 2 * 2, 2)]
    for between in (r"\s*-\s*", r"\s+to\s+"):
        if not pairs:
            found = re.findall(rf"(\d+\.?\d*){between}(\d+\.?\d*)", said)
            pairs = [(float(a), float(b)) for a, b in found]
    if not pairs:
        numbers = [float(one) for one in re.findall(r"\b\d+\.?\d*\b", said)]
        pairs = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers) // 2 * 2, 2)]
    return pairs


def test_spans_equal_the_authors_on_random_answers() -> None:
    generator = random.Random(3)
    pieces = ["3", "12.5", "1:05", "0:01:02.5", " - ", "-", " to ", " and ", "s", " seconds", ".",
              "The event happens in ", "from ", "x7", "2.", ",", "\n", "٣"]  # fmt: skip
    for _ in range(4000):
        said = "".join(generator.choices(pieces, k=generator.randrange(8)))
        assert written_spans(said) == authors_times(said), said
        if spans := written_spans(said):
            assert 0 <= overlap(spans[0], (3.0, 12.5)) <= 1


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("from 3 s to 5.5 s", (3.0, 5.5)),
        ("It starts at 3s. It ends at 7s.", (3.0, 7.0)),
        ("between 0:05 and 1:10", (5.0, 70.0)),
        ("The event happens in 7 - 3 seconds", (3.0, 7.0)),
        ("at 5 seconds", None),
        ("In frame 3 I see it.", None),
        ("", None),
    ],
)
def test_spans_are_read_as_a_reader_would(said: str, span: tuple[float, float] | None) -> None:
    assert clean_span(said) == span


def test_the_overlap_of_spans() -> None:
    assert overlap((0, 2), (1, 3)) == pytest.approx(1 / 3)
    assert overlap((0, 1), (2, 3)) == 0
    assert overlap((1, 1), (1, 1)) == 0
    assert overlap((3, 1), (1, 3)) == 0  # as published: it ends before it starts


def test_timelens_scores_the_overlap_and_counts_levels(toys: Path) -> None:
    first = toy_questions(toys, "timelens")[0]
    assert str(first.parts[1]).startswith("Please find the visual event described by the sentence"
                                          " 'The square is red', determining")  # fmt: skip
    scores = toy_scores("timelens", first, "The event happens in 0 - 1 seconds.")
    assert scores == {"official": 0.5, "clean": 0.5}
    rows = [{"score": {"clean": value}} for value in (0.5, 0.69, 1.0, 0.0)]
    assert BENCHMARKS["timelens"].aggregate(rows, "clean") == {
        "R1@0.3": 0.75,
        "R1@0.5": 0.75,
        "R1@0.7": 0.25,
    }
    assert len(toy_questions(toys, "timelens", split="charades")) == 2


def test_timelens_can_list_the_times_of_the_frames(toys: Path) -> None:
    first = toy_questions(toys, "timelens")[0]
    video = Video(np.zeros((2, 8, 8, 3), np.uint8), np.array([1.0, 3.0]))
    assert toy_prompt("timelens", first, (video,), prompt_mode="timed").startswith(
        "The frames are from the seconds 1.0, 3.0. Please find"
    )


def test_a_malformed_file_is_named(tmp_path: Path) -> None:
    make_toy("timelens", tmp_path / "t")
    path = tmp_path / "t/charades-timelens.json"
    path.write_text(json.dumps({"v": {"queries": ["one"], "spans": []}}))
    with pytest.raises(ValueError, match=r"charades-timelens\.json: the events of v are malformed"):
        BENCHMARKS["timelens"].questions(tmp_path / "t", Options())
    make_toy("motionbench", tmp_path / "m")
    lines = (tmp_path / "m/video_info.meta.jsonl").read_text().splitlines()
    (tmp_path / "m/video_info.meta.jsonl").write_text(f"{lines[0]}\n{{\n")
    with pytest.raises(ValueError, match="line 2 is not a JSON object"):
        BENCHMARKS["motionbench"].questions(tmp_path / "m", Options())
    (tmp_path / "m/video_info.meta.jsonl").write_text(
        lines[0].replace('"answer": "B"', '"answer": "F"')
    )
    with pytest.raises(ValueError, match="has 4 options and the answer 'F'"):
        BENCHMARKS["motionbench"].questions(tmp_path / "m", Options())


def test_a_question_without_an_answer_is_not_scored(toys: Path) -> None:
    for name in ("motionbench", "lvbench", "timelens"):
        question = replace(toy_questions(toys, name)[0], targets=())
        assert set(toy_scores(name, question, "A").values()) == {None}
