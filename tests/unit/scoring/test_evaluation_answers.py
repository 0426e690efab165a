"""Letters extracted from answers by the rules of each harness.

The expected letters were recorded by running the harnesses (lmms-eval 0.7.3, VLMEvalKit) on these
texts.
"""

import pytest

from evaluation.answers.clean import clean_choice
from evaluation.answers.first_letter import (
    LONGVIDEOBENCH,
    VIDEO_MME,
    VLMEVALKIT,
    first_letter,
    xlsx_roundtrip,
)
from evaluation.answers.matching import lmms_option, vlmevalkit_option
from evaluation.answers.ranked import ranked_letter, strip_reasoning
from evaluation.answers.versions import FOLLOWED
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.choices import vlmevalkit_letter, vlmevalkit_letter_to_e

OPTIONS = {"A": "Red socks", "B": "A cat", "C": "Dog", "D": "Teddy bear"}

# text -> official Video-MME script, lmms-eval >= 0.7.2, VLMEvalKit, our own
NASTY = [
    ("B", "B", "B", "B", "B"),
    ("B.", "B", "B", "B", "B"),
    ("(B) A cat", "B", "B", "B", "B"),
    ("", None, None, None, None),
    ("   \n", None, None, None, None),
    ("Best answer: C", "B", "C", "B", "C"),
    ("Correct: D", "C", "D", "C", "D"),
    ("Based on the video, the answer is C.", "B", "C", "B", "C"),
    ("ANSWER: B", "A", "B", "A", "B"),
    ("Answer: B", "B", "B", "B", "B"),
    ("Choice B", "C", "B", "C", "B"),
    ("A man is cooking", "A", "A", "A", None),
    ("As an AI, I cannot see the video.", "A", "A", "A", None),
    ("the answer is d", None, None, None, "D"),
    ("b", None, None, None, "B"),
    ("It should be D, not B.", "D", "B", "D", "D"),
    ("The best answer is B. However, C could also be considered.", "B", "C", "B", "B"),
    ("Both A and C", "B", "C", "B", None),
    ("A or D? I pick D", "A", "A", "A", "D"),
    ("\uff22", None, None, None, "B"),  # full-width B
    ("\uff08\uff23\uff09", None, None, None, "C"),  # full-width (C)
    ("\u0412", None, None, None, None),  # a Cyrillic letter that looks like B
    ("the second one", None, None, None, None),
    ("Red socks", None, None, None, "A"),
    ("Dog", "D", "D", "D", "C"),
    ("\u00a0C\u3000", "C", "C", "C", "C"),
    ("答案是C", "C", "C", "C", "C"),
    ("I'm sorry, I can't help with that.", None, None, None, None),
]


@pytest.mark.parametrize(("text", "official", "lmms", "vlmevalkit", "ours"), NASTY)
def test_tricky_answers_are_extracted_as_in_each_harness(
    text: str, official: str, lmms: str, vlmevalkit: str, ours: str
) -> None:
    assert first_letter(text, VIDEO_MME) == official
    assert ranked_letter(text, "ABCD") == lmms
    assert first_letter(text, VLMEVALKIT) == vlmevalkit
    assert clean_choice(text, list(OPTIONS.values())) == ours


def test_longvideobench_uses_five_letters_and_separate_phrases() -> None:
    assert first_letter("Best answer: E", LONGVIDEOBENCH, "ABCDE") == "E"
    assert first_letter("I do not know", LONGVIDEOBENCH, "ABCDE") is None


@pytest.mark.parametrize("empty", ["", "None", "N/A", "NA", "nan"])
def test_an_xlsx_round_trip_turns_missing_values_into_nan(empty: str) -> None:
    assert xlsx_roundtrip(empty) == "nan"
    # "NA" and "N/A" contain a capital A, which the round trip removes.
    assert first_letter(xlsx_roundtrip(empty), VLMEVALKIT) is None


def test_an_xlsx_round_trip_keeps_other_answers() -> None:
    assert xlsx_roundtrip(" NA") == " NA"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>A or B?</think> C", "C"),
        ("so it is A</think>B", "B"),
        ("<think>A, without end", "<think>A, without end"),
        ("<THINK>A</THINK> B", "<THINK>A</THINK> B"),
        ("<think>x</think>B<analysis>y</analysis>", "B"),
    ],
)
def test_reasoning_is_removed_as_on_the_command_line_of_lmms_eval(text: str, left: str) -> None:
    assert strip_reasoning(text) == left


@pytest.mark.parametrize(
    ("text", "vlmevalkit", "lmms"),
    [
        ("B", "B", "B"),
        ("(C)", "C", "C"),
        ("Teddy bear", "D", "D"),
        ("the answer is d", "D", None),  # pull request 1552 of VLMEvalKit
        ("A cat", "A", "A"),  # a separate letter takes precedence over the text
        ("A cat sits there", "A", "B"),  # in a longer sentence lmms-eval treats A as an article
        ("Both A and C", None, None),
        ("", None, None),
        ("Cannot determine the answer", "Z", None),
    ],
)
def test_options_are_matched_as_in_each_harness(
    text: str, vlmevalkit: str | None, lmms: str | None
) -> None:
    assert vlmevalkit_option(text, OPTIONS) == vlmevalkit
    assert lmms_option(text, OPTIONS) == lmms


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("answer is b", "B"),
        ("The correct answer is **B**. Here's why: the man in the picture holds one.", "B"),
        ("The CORRECT ANSWER IS c, as one can see in the second half of the picture.", "C"),
        ("The answer is carrots, or so it seems to me in this picture of a meal.", "C"),  # no \\b
        ("The answer is e", None),  # A to D only
        ("The answer is **A** or maybe B, and then it is hard to say why that would be.", "A"),
        ("The answer is (b), but this needs a whole sentence more to explain why.", None),
        ("The answer is *d, which is one of four options and the last one of them.", "D"),
        ("Failed to obtain answer via API. The answer is b", None),
        ("Cannot determine the answer; the answer is b", "Z"),
        ("Z. The answer is d", "Z"),
        ("My answer: b", None),
    ],
)
def test_vlmevalkit_reads_a_declared_answer_after_its_older_rules(
    text: str, letter: str | None
) -> None:
    options = {"A": "x" * 40, "B": "y" * 40, "C": "z" * 40, "D": "w" * 40, "E": "v" * 40}
    assert vlmevalkit_option(text, options) == letter


def test_vlmevalkit_declares_only_letters_of_options() -> None:
    assert vlmevalkit_option("the answer is d", {"A": "one", "B": "two"}) is None


def test_vlmevalkit_always_reads_a_to_e_in_longvideobench() -> None:
    row = {"options": ["one", "two", "three"]}
    assert vlmevalkit_letter_to_e(row, "E") == "E"
    assert vlmevalkit_letter(row, "E") is None
    assert BENCHMARKS["longvideobench"].read(row, "D. and B", "vlmevalkit") == "D"


def test_each_mode_of_a_benchmark_names_the_version_it_follows() -> None:
    for benchmark in BENCHMARKS.values():
        own = benchmark.name in ("worlds", "photos", "visitors")  # of no other harness
        own |= bool(benchmark.follows)  # one rule for all of its modes
        assert own or set(benchmark.modes) <= FOLLOWED.keys()


def test_the_clean_mode_accepts_only_letters_of_options() -> None:
    assert clean_choice("E", ["one", "two"]) is None
    assert clean_choice("(b) two", ["one", "two"]) == "B"
    assert clean_choice("It is a dog", ["cat", "dog"]) == "B"
