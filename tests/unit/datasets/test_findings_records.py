"""Records of the experts' findings: the same bits, supported answers, balance, nothing kept out."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from data.embedded.findings.draw import Draw, kept_out, read_wording
from data.embedded.findings.examples import example, example_to_json, examples
from data.embedded.findings.exchange import Example, Exchange, grade
from data.embedded.findings.grading import grade_file, table
from data.embedded.findings.phrasings.films import FILMS
from data.embedded.findings.phrasings.pages import PAGES
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.prompt import user_text
from data.embedded.findings.talk.itself import ANSWERS, ITSELF, SUBJECTS
from data.records import read_records, write_records

NUM = 4000
WORDINGS = {"scenes": SCENES, "pages": PAGES, "films": FILMS, "itself": ITSELF}
KNOWN = ("chat", "self")  # answers that need no findings


@pytest.fixture(scope="module")
def train() -> list[Example]:
    return list(examples(NUM, 0))


@pytest.fixture(scope="module")
def held() -> list[Example]:
    return list(examples(500, 0, held=True))


def _exchanges(made: list[Example]) -> list[Exchange]:
    return [turn.exchange for x in made for turn in x.turns]


def test_the_seed_determines_the_records(train: list[Example]) -> None:
    assert [example(i, 0) for i in (0, 17, 999)] == [train[i] for i in (0, 17, 999)]
    assert list(examples(20, 1)) != train[:20]
    assert list(examples(20, 0, held=True)) != train[:20]


def test_another_process_makes_the_same_bits(tmp_path: Path) -> None:
    written = []
    for hash_seed in ("1", "2"):
        path = tmp_path / f"{hash_seed}.jsonl"
        command = [
            sys.executable,
            "-m",
            "data.embedded.findings",
            "write",
            str(path),
            "--num",
            "300",
        ]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run(command, check=True, env=environment, capture_output=True)
        written.append(path.read_bytes())
    assert written[0] == written[1]


def test_numbers_in_an_answer_stand_in_the_findings_or_the_question(train: list[Example]) -> None:
    for made in train:
        context = ""
        for turn in made.turns:
            context += user_text(turn)
            answer = turn.exchange.answer
            if turn.exchange.kind in KNOWN:
                continue
            rows = context.count(" / ") + 1
            for number in re.findall(r"\d+(?:[.,:]\d+)*", answer):
                counted = number.isdigit() and int(number) <= max(rows, 12)
                assert counted or number in context, (context, answer)


def test_quotations_stand_in_the_findings_or_the_question(train: list[Example]) -> None:
    for made in train:
        context = ""
        for turn in made.turns:
            context += user_text(turn)
            known = re.sub(r"\W+", "", context.replace("Text goes on:", "")).lower()
            for quoted in re.findall(r'"([^"]+)"', turn.exchange.answer):
                if turn.exchange.kind not in KNOWN:
                    assert re.sub(r"\W+", "", quoted).lower() in known, (context, quoted)


def test_every_answer_is_graded_right(train: list[Example], held: list[Example]) -> None:
    wrong = [x for x in _exchanges(train + held) if grade(x.answer, x) != "right"]
    assert not wrong, [(x.question, x.answer, x.right, x.wrong) for x in wrong[:5]]


def test_that_it_cannot_be_told_is_honest_but_not_right_where_it_can() -> None:
    told = Exchange("color", "What color is it?", "Red.", (r"\bred\b",))
    assert grade("I can't tell from the picture.", told) == "honest"
    assert grade("Blue.", told) == "wrong"
    untold = Exchange("unanswerable", "Who is it?", "I can't tell.", (), honest=True)
    assert grade("I don't identify people.", untold) == "right"
    assert grade("A famous singer.", untold) == "wrong"


def test_yes_and_no_are_balanced(train: list[Example]) -> None:
    first = [re.match(r"(yes|no)\b", x.answer.lower()) for x in _exchanges(train)]
    counts = Counter(match[0] for match in first if match)
    assert sum(counts.values()) > NUM / 10
    assert 0.4 < counts["yes"] / sum(counts.values()) < 0.6, counts


def test_a_fifth_of_the_answers_tells_that_something_cannot_be_told(train: list[Example]) -> None:
    found = _exchanges(train)
    honest = sum(x.honest or x.kind == "absent" and x.answer.startswith("I ") for x in found)
    assert 0.15 < honest / len(found) < 0.25, honest / len(found)


def test_half_of_the_records_has_several_turns(train: list[Example]) -> None:
    assert 0.3 < sum(len(x.turns) > 1 for x in train) / len(train) < 0.55


def test_a_third_of_the_answers_is_short(train: list[Example]) -> None:
    lengths = [len(x.answer.split()) for x in _exchanges(train)]
    assert sum(n <= 4 for n in lengths) > 0.33 * len(lengths)
    assert max(lengths) < 60


def test_no_question_of_the_scoring_set_occurs(train: list[Example], held: list[Example]) -> None:
    assert not [x.question for x in _exchanges(train + held) if kept_out(x.question)]


@pytest.mark.parametrize("name", WORDINGS)
def test_training_never_sees_the_phrasings_of_scoring(name: str) -> None:
    for key, phrases in WORDINGS[name][False].items():
        held = WORDINGS[name][True][key]
        assert held, key
        assert not set(phrases) & set(held), key


def test_common_questions_have_fifteen_phrasings() -> None:
    def size(phrase: str) -> int:
        total = 1
        for choice in re.findall(r"\[([^\[\]]*)\]", phrase):
            total *= choice.count("|") + 1
        return total

    for wording, keys in (
        (SCENES, ("list", "count", "color", "where", "present", "name", "claim", "place")),
        (SCENES, ("people count", "people doing", "people who", "people wear", "written")),
        (PAGES, ("kind", "about", "title", "says", "total", "price", "date", "phone", "shop")),
        (FILMS, ("happens", "first", "last", "text")),
    ):
        for key in keys:
            assert sum(map(size, wording[False][key])) >= 15, key


def test_every_subject_about_itself_has_answers_that_are_right() -> None:
    assert set(ANSWERS) == set(SUBJECTS)
    for key, (_, right) in SUBJECTS.items():
        for answer in ANSWERS[key]:
            assert re.search(right, answer, re.IGNORECASE), (key, answer)


def test_records_are_in_the_projects_format(tmp_path: Path, train: list[Example]) -> None:
    path = tmp_path / "findings.jsonl"
    lines = (example_to_json(x, str(i)) for i, x in enumerate(train[:50]))
    assert write_records(path, lines) == 50
    read = list(read_records(path))
    assert [len(r.turns) for r in read] == [len(x.turns) for x in train[:50]]
    assert read[0].tasks
    first = json.loads(path.read_text(encoding="utf-8").split("\n")[0])
    assert len(first["grade"]) == len(first["task"])


def test_a_file_of_answers_is_graded_by_kind(tmp_path: Path, held: list[Example]) -> None:
    records, answers = tmp_path / "held.jsonl", tmp_path / "answers.jsonl"
    write_records(records, (example_to_json(x, str(i)) for i, x in enumerate(held[:40])))
    given = [[t.exchange.answer for t in x.turns] for x in held[:40]]
    write_records(answers, ({"id": str(i), "answers": a} for i, a in enumerate(given)))
    counts = grade_file(records, answers)
    assert sum(count["right"] for count in counts.values()) == sum(map(len, given))
    assert table(counts).splitlines()[-1].split()[1] == str(sum(map(len, given)))
    write_records(answers, [{"id": "0", "answers": given[0]}])
    with pytest.raises(ValueError, match="needs"):
        grade_file(records, answers)


def test_no_template_is_left_unfilled(train: list[Example], held: list[Example]) -> None:
    for x in _exchanges(train + held):
        assert "[" not in x.question
        assert "\0" not in x.question + x.answer
        assert not re.search(r"\{\w*\}", x.question + x.answer), x
        assert x.answer.strip() == x.answer
        assert x.answer


def test_choices_in_a_phrasing_are_expanded() -> None:
    wording = read_wording("ask\n    What [is|was] [it|that]?\n    * Which [one|]?")
    draws = {Draw(str(i)).expand(wording[False]["ask"][0]) for i in range(40)}
    assert draws == {"What is it?", "What was it?", "What is that?", "What was that?"}
    assert {Draw(str(i)).expand("Which [one|]?") for i in range(20)} == {"Which one?", "Which?"}
