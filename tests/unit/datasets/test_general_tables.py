"""Tables of general chat: results are right, programs run, nothing for scoring is trained on."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from data.embedded.findings.draw import kept_out
from data.prepare import chat
from data.prepare.general import code, facts, languages, wording
from data.prepare.general.answers import questions
from data.records import read_records

SIGNS = {
    "+": "+",
    "-": "-",
    "*": "*",
    "x": "*",
    "\u00d7": "*",
    "/": "//",
    ":": "//",
    "\u00f7": "//",
}
WORDS = {"plus": "+", "minus": "-", "times": "*", "divided by": "//"}


def test_the_seed_determines_the_questions() -> None:
    assert questions(0) == questions(0)
    assert questions(0) != questions(1)


def test_results_of_sums_are_right() -> None:
    checked = 0
    for question, answer in questions(0) + questions(0, held=True):
        match = re.search(
            r"(\d+) ?(plus|minus|times|divided by|[-+*x/:\u00d7\u00f7]) ?(\d+)", question
        )
        if match and re.fullmatch(r"[\d\s=.*x/:+\u00d7\u00f7-]+", answer):
            sign = WORDS.get(match[2]) or SIGNS[match[2]]
            result = eval(f"{match[1]} {sign} {match[3]}")
            assert re.findall(r"\d+", answer)[-1] == str(result), (question, answer)
            checked += 1
    assert checked > 400


@pytest.mark.parametrize("task", code.TASKS)
def test_python_programs_run_and_javascript_is_balanced(task: str) -> None:
    python, javascript = code.TASKS[task]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(python, task, "exec"), {})
    for left, right in ("()", "[]", "{}"):
        assert javascript.count(left) == javascript.count(right)


def test_some_programs_do_what_is_asked() -> None:
    for task, given, result in (
        ("reverses a string", "abc", "cba"),
        ("checks whether a number is prime", 21, False),
        ("checks whether a number is prime", 23, True),
        ("computes the factorial of a number", 5, 120),
        ("converts Celsius to Fahrenheit", 100, 212),
        ("counts the vowels of a word", "banana", 3),
        ("removes duplicates from a list", [1, 2, 1], [1, 2]),
    ):
        names: dict[str, object] = {}
        exec(code.TASKS[task][0], names)
        function = next(v for k, v in names.items() if callable(v))
        assert function(given) == result, task  # type: ignore[operator]


def test_words_of_scoring_are_not_trained_on() -> None:
    assert not {q for q, _ in questions(0)} & {q for q, _ in questions(0, held=True)}
    assert not [q for q, _ in chat.table_conversations() if kept_out(q)]


def test_tables_are_well_formed() -> None:
    assert all(len(row) == 4 for row in facts.COUNTRIES)
    assert len({row[0] for row in facts.COUNTRIES}) == len(facts.COUNTRIES)
    for line in languages.WORDS.strip().splitlines():
        assert len(line.split(": ")[1].split(", ")) == len(languages.LANGUAGES), line
    for text in (wording.OPPOSITES, wording.PLURALS, wording.PAST, wording.SPELLING):
        assert all(first and second for first, second in facts.pairs(text))


def test_the_table_part_is_written_without_a_model(tmp_path: Path) -> None:
    path = tmp_path / "tables.jsonl"
    count = chat.write_tables(path)
    records = list(read_records(path))
    assert len(records) == count > 2000
    assert all(len(record.turns) == 1 for record in records)
