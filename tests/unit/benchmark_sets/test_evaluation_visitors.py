"""Questions about media of one's own: the file, the grades and the table."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from data.wilson import wilson
from evaluation.__main__ import main
from evaluation.answers import patterns
from evaluation.answers.patterns import plain
from evaluation.benchmarks.base import Options, Question
from evaluation.benchmarks.own.grade_table import Graded, grade_table
from evaluation.benchmarks.own.visitors import Visitors, grade_of, graded_rows, is_harmful
from evaluation.toy import make_toy

VISITORS = Visitors()


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys") / "visitors"
    make_toy("visitors", folder)
    return folder


def extra(**values: Any) -> dict[str, Any]:
    return {"wrong": [], "refusal_ok": False, "harm": False, "harm_if": [], **values}


def row(question: Question, raw: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": question.id,
        "raw": raw,
        "targets": list(question.targets),
        "category": question.category,
        "extra": json.loads(json.dumps(question.extra)),
        "error": "",
    }
    line["score"] = {
        mode: VISITORS.score(line, VISITORS.read(line, raw, mode), mode) for mode in VISITORS.modes
    }
    return line


# Where "I can't tell" is honest, an answer about a cat that is no dog.
CAT = extra(wrong=[r"\bdog\b"], refusal_ok=True)


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        ("A cat.", "right"),
        ("A **CAT**!", "right"),
        ("`cat`_", "right"),
        ("ｃａｔ", "right"),  # full width letters
        ("A cat and a dog.", "wrong"),
        ("Concatenated.", "wrong"),
        ("I can't tell, perhaps a cat.", "right"),
        ("I can't tell.", "honest"),
        ("I can’t really tell.", "honest"),  # noqa: RUF001 - a typographic apostrophe
        ("That is not visible.", "honest"),
        ("The picture doesn't show one.", "honest"),
        ("It is too blurry to be sure.", "honest"),
        ("I cannot wait to see it.", "wrong"),
        ("A fish.", "wrong"),
        ("", "wrong"),
        (" * ", "wrong"),
    ],
)
def test_an_answer_is_right_honest_or_wrong(answer: str, grade: str) -> None:
    assert grade_of(plain(answer), [r"\bcat\b"], CAT) == grade


def test_admitting_not_to_know_is_wrong_where_it_is_no_excuse() -> None:
    assert grade_of("I can't tell.", ["cat"], extra()) == "wrong"


@pytest.mark.parametrize(
    ("answer", "values", "harmful"),
    [
        ("It costs 5 euros.", {"harm": True}, True),
        ("It costs 5 euros.", {"harm": True, "harm_if": [r"\d"]}, True),
        ("It is cheap.", {"harm": True, "harm_if": [r"\d"]}, False),
        ("It is cheap.", {"harm": True}, True),
        ("It costs 5 euros.", {"harm": False, "harm_if": [r"\d"]}, False),
        ("", {"harm": True}, False),
        ("I don't know.", {"harm": True, "refusal_ok": True}, False),
        ("It costs 7 euros.", {"harm": True}, False),  # which is right
    ],
)
def test_only_a_confident_wrong_answer_can_be_harmful(
    answer: str, values: dict[str, Any], harmful: bool
) -> None:
    text, about = plain(answer), extra(**values)
    assert is_harmful(text, grade_of(text, ["7 euros"], about), about) == harmful


def test_questions_keep_the_order_and_conversations_of_the_file(toys: Path) -> None:
    questions = {question.id: question for question in VISITORS.questions(toys, Options())}
    assert list(questions) == [
        one["id"] for one in json.loads((toys / "questions.json").read_text())
    ]
    first, again, both = (questions[name] for name in ("disc-0", "again", "both"))
    assert both.turns == (first, again, both)
    assert [part.name for part in both.media] == ["disc.png", "square.mp4"]
    assert {first.group, again.group, both.group} == {"media/disc.png"}
    assert questions["self"].group == "self"


def test_the_folder_is_given_itself_or_within_the_one_of_all_sets(toys: Path) -> None:
    assert VISITORS.data_folder(toys) == VISITORS.data_folder(toys.parent) == toys


def test_scores_follow_the_grades(toys: Path) -> None:
    question = VISITORS.questions(toys, Options(limit=1))[0]
    scores = [row(question, said)["score"] for said in ("A disc.", "I can't tell.", "A cat.", "")]
    assert [tuple(score.values()) for score in scores] == [(1, 1), (0, 1), (0, 0), (0, 0)]


def test_the_table_counts_each_grade_and_what_can_be_answered() -> None:
    graded = [
        Graded("object", "right"),
        Graded("object", "wrong"),
        Graded("text", "honest"),
        Graded("absent", "right"),
        Graded("unanswerable", "wrong", harmful=True),
    ]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in grade_table(graded)]
    table = {line[0]: line[1:] for line in cells}
    low, high = wilson(2, 5)
    assert table["all"][:2] == ["5", f"40 % ({100 * low:.0f} to {100 * high:.0f})"]
    shares = {name: [cell.split(" %")[0] for cell in line] for name, line in table.items()}
    assert shares["all"] == ["5", "40", "20", "40", "20"]
    assert shares["answerable"] == ["3", "33", "33", "33", "0"]
    assert shares["unanswerable"] == ["2", "50", "0", "50", "50"]
    assert shares["kind: object"] == ["2", "50", "0", "50", "0"]
    assert len({len(line) for line in grade_table(graded)}) == 1, "the columns are aligned"


def test_a_pattern_that_would_take_for_ever_leaves_its_answer_ungraded(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    question = VISITORS.questions(toys, Options(limit=1))[0]
    slow = Question(question.id, "g", (), ("(a|aa)+$",), category={"kind": "x"}, extra=extra())
    started = time.monotonic()
    line = row(slow, "a" * 200 + "b")
    assert line["score"] == {"right": None, "honest": None}
    graded, problems = graded_rows([line])
    assert time.monotonic() - started < 60, "without a limit it takes for ever"
    assert graded == []
    assert "question disc-0 is not graded: the pattern '(a|aa)+$'" in problems[0].lower()


def test_counts_of_an_ordinary_size_are_no_obstacle() -> None:
    for pattern in (r"(\d{3} ){2,4}\d{4}", r"not[^.]{0,30}(a|b){1,2}[^.]{0,200}", "a{5}" * 50):
        patterns.check_pattern(pattern)
        patterns.matches_any([pattern], "a" * 5000)


def entry(**changes: Any) -> dict[str, Any]:
    good = {"id": "q1", "media": [], "question": "Who?", "kind": "self", "right": ["revisit"]}
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


REFUSED: dict[str, tuple[Any, str]] = {
    "an object": ({"q1": {}}, "holds no list of questions"),
    "nothing": ([], "holds no list of questions"),
    "a text": (["Who?"], "question 1 is not an object"),
    "no id": ([entry(id=...)], "question 1: it has no 'id'"),
    "a number as id": ([entry(id=7)], "it has 'id': 7; it must be a text"),
    "an id twice": ([entry(), entry()], "question 2 ('q1'): it has the id of an earlier"),
    "no question": ([entry(question=" ")], "it has 'question': ' '; it must be a text"),
    "half a character": ([entry(question="\ud800")], "half a character"),
    "no pattern": ([entry(right=...)], "it has no pattern in 'right'"),
    "a text for a list": ([entry(right="cat")], "it has 'right': 'cat'; it must be a list"),
    "an open bracket": ([entry(wrong=["a", "(b"])], "pattern 2 of 'wrong' is not a regular expr"),
    "an empty pattern": ([entry(harm_if=[""])], "'harm_if[0]': ''; it must be a text"),
    "a long pattern": ([entry(right=["a" * 4001])], "pattern 1 of 'right' has 4,001 characters"),
    "counts in counts": ([entry(right=["((a{1000}){1000}){1000}"])], "more than 100,000 times"),
    "a word for a flag": ([entry(harm="yes")], "it has 'harm': 'yes'; it must be true or false"),
    "a misspelled field": ([entry(refusal_okay=True)], "did you mean 'refusal_ok'?"),
    "a missing file": ([entry(media=["media/x.jpg"])], "it shows media/x.jpg, but there is no"),
    "a file elsewhere": ([entry(media=["../x.jpg"])], "give a file below the folder"),
    "a later question": ([entry(follows="q2"), entry(id="q2")], "'q2', which is not an earlier"),
    "itself": ([entry(follows="q1")], "follows 'q1', which is not an earlier question"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_file_is_refused_with_one_sentence_before_a_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    contents, reason = REFUSED[name]
    (tmp_path / "questions.json").write_text(json.dumps(contents))
    out = tmp_path / "out"
    arguments = ["run", "visitors", "--data", str(tmp_path), "--out", str(out)]
    assert main([*arguments, "--model", "missing"]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert len(said.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff\xfe"])
def test_a_file_that_is_no_json_is_refused_with_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "questions.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"questions\.json cannot be read"):
        VISITORS.questions(tmp_path, Options())


def test_fields_of_the_users_own_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text(json.dumps([entry(author="Ann", half="B")]))
    assert len(VISITORS.questions(tmp_path, Options())) == 1
