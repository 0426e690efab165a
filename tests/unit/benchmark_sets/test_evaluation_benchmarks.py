"""The benchmarks on toy sets: prompts, scores and errors for malformed files."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from toy_rows import toy_prompt, toy_questions, toy_row, toy_scores

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import MediaPart, Options
from evaluation.reports.scoring import score_row
from evaluation.toy import TOYS, make_toy
from vlm.media.decode import read_image, read_video

# Those whose questions are no list of rows have tests of their own.
NESTED = ("motionbench", "lvbench", "timelens", "ovobench")
PUBLISHED = [name for name in TOYS if name not in ("visitors", *NESTED)]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys")
    for name in TOYS:
        make_toy(name, root / name)
    return root


@pytest.mark.parametrize("name", list(TOYS))
@pytest.mark.parametrize("original", [False, True])
def test_questions_and_media_of_every_toy_set_can_be_read(
    tmp_path: Path, name: str, original: bool
) -> None:
    make_toy(name, tmp_path / name, original)
    benchmark = BENCHMARKS[name]
    questions = benchmark.questions(tmp_path / name, Options())
    assert benchmark.data_files(tmp_path / name, Options())
    for question in questions:
        assert question.targets
        assert toy_prompt(name, question)
    part = next(p for p in questions[-1].parts if isinstance(p, MediaPart))
    if part.kind == "frames":
        assert read_image(part.paths[0], isolated=False).pixels.shape[2] == 3
        return
    source = part.source()
    path = source if isinstance(source, Path) else tmp_path / "picture"
    if isinstance(source, bytes):
        path.write_bytes(source)
    if part.kind == "video" or path.suffix == ".mp4":
        assert read_video(path, num_frames=4, isolated=False).obtained == 4
    else:
        assert read_image(path, isolated=False).pixels.shape[2] == 3


@pytest.mark.parametrize("name", list(TOYS))
def test_a_right_answer_scores_and_a_refusal_does_not_in_every_mode(toys: Path, name: str) -> None:
    question = toy_questions(toys, name)[0]
    right = question.targets[0]
    assert all(score == 1 for score in toy_scores(name, question, right).values())
    refusal = toy_scores(name, question, "i'm sorry, i would not help you with this.")
    assert all(not score for score in refusal.values())


@pytest.mark.parametrize("name", list(TOYS))
def test_an_empty_answer_is_never_an_error(toys: Path, name: str) -> None:
    question = toy_questions(toys, name)[0]
    for mode, score in toy_scores(name, question, "").items():
        assert score in (0.0, None) or (name, mode, score) in (
            ("mvbench", "official", 1.0),  # the published check finds "" in "(b)"
            ("mvbench", "vlmevalkit", 1.0),
        )


def test_every_benchmark_is_registered_under_its_own_name() -> None:
    assert [benchmark.name for benchmark in BENCHMARKS.values()] == list(BENCHMARKS)


@pytest.mark.parametrize("name", ["docvqa", "infovqa", "longvideobench", "mlvu"])
def test_a_test_split_has_no_targets_and_no_scores(toys: Path, name: str) -> None:
    question = toy_questions(toys, name, split="test")[0]
    assert question.targets == ()
    assert set(toy_scores(name, question, "B").values()) == {None}


def test_mmbench_requires_all_rotations_to_be_right(toys: Path) -> None:
    benchmark, questions = BENCHMARKS["mmbench"], toy_questions(toys, "mmbench")
    rows = [
        {**toy_row(q, q.targets[0]), "score": {"clean": float(q.id != "1000241")}}
        for q in questions
    ]
    assert benchmark.units(rows, "clean") == [("241", 0.0), ("252", 1.0)]
    assert benchmark.aggregate(rows, "clean") == {"plain accuracy": 1.0}


def test_mmbench_generates_the_rotations_missing_in_a_file(toys: Path, tmp_path: Path) -> None:
    make_toy("mmbench", tmp_path / "m", original=True)
    whole = BENCHMARKS["mmbench"].questions(tmp_path / "m", Options())
    table = tmp_path / "m" / "MMBench_DEV_EN.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([lines[0], lines[1], lines[4]]) + "\n", encoding="utf-8")
    made = BENCHMARKS["mmbench"].questions(tmp_path / "m", Options())
    assert [(q.id, q.options, q.targets) for q in made] == [
        (q.id, q.options, q.targets) for q in whole
    ]


def test_docvqa_separates_the_instruction_by_a_line_break_or_as_pvc_by_a_space(toys: Path) -> None:
    asked_as = {
        mode: toy_questions(toys, "docvqa", prompt_mode=mode)[0].parts[1] for mode in ("", "pvc")
    }
    short = "Answer the question using a single word or phrase."
    assert asked_as[""] == f"What is the number of the invoice?\n{short}"
    assert asked_as["pvc"] == f"What is the number of the invoice? {short}"


def test_docvqa_scores_equal_those_of_the_server_s_code(toys: Path) -> None:
    question = replace(toy_questions(toys, "docvqa")[0], targets=("ac",))
    scores = toy_scores("docvqa", question, "ab")
    assert scores == {"official": 0.5, "lmms-eval": 0.5, "vlmevalkit": 0.5, "paper": 0.0}


def test_docvqa_modes_differ_on_spaces_and_missing_values(toys: Path) -> None:
    question = toy_questions(toys, "docvqa")[0]
    scores = toy_scores("docvqa", replace(question, targets=("abc",)), "  abd  ")
    assert scores["official"] == pytest.approx(0.857, abs=0.001)
    assert scores["lmms-eval"] == pytest.approx(0.667, abs=0.001)
    scores = toy_scores("docvqa", replace(question, targets=("NA",)), "NA")
    assert scores["official"] == 1.0
    assert scores["vlmevalkit"] == pytest.approx(0.667, abs=0.001)  # converted to "nan"


def test_textvqa_reproduces_the_lower_case_of_lmms_eval(toys: Path) -> None:
    text = toy_questions(toys, "textvqa", prompt_mode="lmms-eval-ocr")[1].parts[1]
    assert isinstance(text, str)
    assert text.startswith("How many miles to nasa?\nReference OCR token: NASA, 2, mi\n")


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name not in ("mvbench", "mlvu")])
def test_a_parquet_with_other_columns_is_refused_in_one_sentence(
    toys: Path, tmp_path: Path, name: str
) -> None:
    make_toy(name, tmp_path / name)
    files = BENCHMARKS[name].data_files(tmp_path / name, Options())
    pyarrow.parquet.write_table(pyarrow.table({"Frage": ["was?"]}), files[0])
    with pytest.raises(ValueError, match=r"has no column .* it has Frage\."):
        BENCHMARKS[name].questions(tmp_path / name, Options())
    files[0].write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="is not a complete parquet file"):
        BENCHMARKS[name].questions(tmp_path / name, Options())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_question_without_a_public_answer_is_asked_but_not_scored(
    toys: Path, tmp_path: Path, name: str
) -> None:
    make_toy(name, tmp_path / name)
    path = BENCHMARKS[name].data_files(tmp_path / name, Options())[0]
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        key = next(
            key for key in ("answer", "answers", "correct_choice") if key in table.schema.names
        )
        answers = [None, *table[key].to_pylist()[1:]]
        place = table.schema.names.index(key)
        kind = table.schema.field(key)
        pyarrow.parquet.write_table(
            table.set_column(place, kind, pyarrow.array(answers, kind.type)), path
        )
    else:
        rows = json.loads(path.read_text())
        rows[0]["answer"] = None
        path.write_text(json.dumps(rows))
    questions = toy_questions(tmp_path, name)
    assert questions[0].targets == ()
    assert set(toy_scores(name, questions[0], "A").values()) <= {None, 0.0, 1.0}
    line = score_row(BENCHMARKS[name], {**toy_row(questions[0], "A"), "error": ""})
    assert set(line["score"].values()) == {None}
    assert all(question.targets for question in questions[1:])


@pytest.mark.parametrize("name", list(TOYS))
def test_an_empty_or_missing_folder_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: there is no folder"):
        BENCHMARKS[name].questions(tmp_path / "none", Options())
    with pytest.raises(ValueError, match=f"^{name}: (.* holds n|there is no .*json)"):
        BENCHMARKS[name].questions(tmp_path, Options())


def test_unknown_options_are_refused_with_the_known_ones(toys: Path) -> None:
    with pytest.raises(ValueError, match="known are official, lmms-eval, vlmevalkit"):
        toy_questions(toys, "videomme", prompt_mode="llava")
    with pytest.raises(ValueError, match="known are validation, test"):
        toy_questions(toys, "docvqa", split="train")
    with pytest.raises(ValueError, match="has no subtitles"):
        toy_questions(toys, "docvqa", subtitles=True)
