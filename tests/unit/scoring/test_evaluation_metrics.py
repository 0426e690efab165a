"""Metrics of free-form answers against values of the published harnesses."""

import pytest

from evaluation.benchmarks.documents.ocrbench import contains, narrow
from evaluation.metrics.anls import anls
from evaluation.metrics.relaxed import relaxed, relaxed_clean
from evaluation.metrics.vqa import evalai, vlmevalkit, vqa_accuracy, vqa_accuracy_clean


@pytest.mark.parametrize(
    ("answer", "target", "score"),
    [
        ("", "", 1.0),
        ("", "abc", 0.0),
        ("0.28", "0.28", 1.0),
        ("The answer is 0.28", "0.28", 0.0),
        ("ab", "ac", 0.5),  # exactly one half is kept
        ("a", "b", 0.0),
        ("  abd  ", "abc", 1 - 1 / 7),  # spaces count toward the length
        ("abd", "abc", 1 - 1 / 3),
        ("A\u00a0B", "a b", 1.0),  # a no-break space is collapsed
        ("a\u3000b", "a b", 1.0),  # an ideographic space as well
        ("a\u200bb", "ab", 1 - 1 / 3),  # a zero-width space is not
        ("ß", "s", 0.5),  # upper() doubles its length
        ("ﬃ", "f", 1 - 1 / 3),
        ("HELLO   World", "hello world", 1.0),
    ],
)
def test_anls_follows_the_server_s_code_instead_of_the_paper(
    answer: str, target: str, score: float
) -> None:
    assert anls(answer, [target]) == pytest.approx(score)


def test_anls_takes_the_best_of_the_accepted_answers() -> None:
    assert anls("miller", ["R. Miller", "Miller"]) == 1.0


def test_the_paper_drops_exactly_one_half() -> None:
    assert anls("ab", ["ac"], keep_half=False) == 0.0
    assert anls("abd", ["abc"], keep_half=False) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "target", "shared", "ours"),
    [
        ("105", "100", 1, 1),
        ("106", "100", 0, 0),
        ("95", "100", 1, 1),
        ("50%", "50", 0, 1),
        ("1,000", "1000", 0, 1),
        ("0.01", "0", 0, 0),
        ("0", "0", 1, 1),
        ("0.0", "0", 0, 1),
        ("Yes.", "Yes", 0, 1),
        ("YES", "yes", 1, 1),
        ("2100", "2020", 1, 0),  # by the shared function years may be five percent off
        ("1910", "2010", 1, 0),
        ("2009", "2010", 1, 0),
        ("2010", "2010", 1, 1),
        ("2010.", "2010", 1, 1),
        ("In 2010", "2010", 0, 1),
        ("The answer is 2010.", "2010", 0, 1),
        ("4990", "5000", 1, 1),
        ("0.5", "50%", 1, 1),
        ("50", "50%", 0, 1),
        ("50%", "0.5", 1, 1),
        ("50", "0.5", 0, 0),
        ("0.5", "0.5%", 0, 1),
        ("30", "50%", 0, 0),
        ("1,2", "12", 0, 0),  # no group of three digits
        ("12", "1,2", 0, 0),
        ("1,2", "1,2", 1, 1),
        ("1,200", "1200", 0, 1),
        ("12,00", "1200", 0, 0),
        ("1,00,000", "100000", 0, 1),
        ("$1,234.50", "1234.5", 0, 1),
        ("\u22125", "-5", 0, 1),
        ("1_000", "1000", 1, 0),
        ("inf", "3", 0, 0),
        ("The value is 50.", "50", 0, 1),
        ("In 2010 the value was 45", "45", 0, 1),
        ("Between 40 and 50", "50", 0, 0),
        ("The red line is Canada", "Canada", 0, 1),
        ("It is not Canada", "Canada", 0, 0),
        ("No, it is lower.", "No", 0, 1),
        ("", "", 1, 1),
        ("nan", "3", 0, 0),
    ],
)
def test_relaxed_accuracy_keeps_the_quirks_and_the_clean_version_repairs_them(
    answer: str, target: str, shared: int, ours: int
) -> None:
    assert relaxed(answer, target) == shared
    assert relaxed_clean(answer, target) == ours


COLA = ["coca cola"] * 8 + ["coke", "red"]


@pytest.mark.parametrize(
    ("answer", "official", "ours"),
    [
        ("coca cola", 1, 1),
        ("The brand is Coca Cola.", 0, 1),
        ("The bottle says 'Coca Cola' in white.", 0, 1),
        ("It is a coca cola bottle", 0, 1),
        ("**Coca Cola**", 0, 1),
        ("The brand of the bottle is coke", 0, 0.3),
        ("coke", 0.3, 0.3),
        ("coke or coca cola", 0, 0),
        ("It is not coca cola", 0, 0),
        ("I cannot read whether it says coca cola", 0, 0),
        (" ".join(f"word{i}" for i in range(30)) + " coca cola", 0, 0),
        ("", 0, 0),
    ],
)
def test_the_clean_mode_of_textvqa_reads_sentences_but_no_alternatives(
    answer: str, official: float, ours: float
) -> None:
    assert vqa_accuracy(answer, COLA) == pytest.approx(official)
    assert vqa_accuracy_clean(answer, COLA) == pytest.approx(ours)


@pytest.mark.parametrize("answer", ["coca cola", "coke", "Coke!", "red", "nothing", "a red can"])
def test_the_clean_mode_of_textvqa_never_scores_a_short_answer_lower(answer: str) -> None:
    assert vqa_accuracy_clean(answer, COLA) >= vqa_accuracy(answer, COLA)


@pytest.mark.parametrize(
    ("text", "by_evalai", "by_vlmevalkit"),
    [
        ("The Dog", "dog", "dog"),
        ("two", "2", "2"),
        ("none", "0", "0"),
        ("dont", "don't", "don't"),
        ("somebody'd", "somebodyd", "somebodyd"),
        ("1,000", "1000", "1000"),
        ("John's", "john 's", "john's"),
        ("3.", "3", "3."),
        ("a/b", "b", "b"),
        ("x - y", "x y", "x y"),
        ("", "", ""),
    ],
)
def test_answers_are_processed_as_by_evalai_and_vlmevalkit(
    text: str, by_evalai: str, by_vlmevalkit: str
) -> None:
    assert evalai(text) == by_evalai
    assert vlmevalkit(text) == by_vlmevalkit


def test_vqa_accuracy_leaves_out_each_person_in_turn() -> None:
    people = ["dakota"] * 3 + ["nikon"] * 7
    assert vqa_accuracy("Dakota", people) == pytest.approx((3 * 2 / 3 + 7 * 1) / 10)
    assert vqa_accuracy("nikon", people) == 1.0
    assert vqa_accuracy("", people) == 0.0


def test_ocrbench_requires_that_the_answer_contains_a_target() -> None:
    assert contains("It says CENTRE.", ["centre"]) == 1
    assert contains("center", ["centre"]) == 0
    assert contains("x^{2}+1", ["x ^ { 2 } + 1"], formula=True) == 1
    assert contains("X^{2}+1", ["x ^ { 2 } + 1"], formula=True) == 0
    assert contains("", ["a"]) == 0


def test_only_full_width_characters_are_narrowed() -> None:
    assert narrow("ＡＢ\u3000１！ﬁ") == "AB 1!ﬁ"
