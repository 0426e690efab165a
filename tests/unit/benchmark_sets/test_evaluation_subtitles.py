"""Subtitles: file encodings and the two rules that match captions to frames."""

from pathlib import Path

import pytest

from evaluation.benchmarks.subtitles import official_rule
from vlm.media.subtitles import Caption, clean_rule, read_subtitles

SRT = """1
00:00:00,000 --> 00:00:02,000
<font color="white" size=".72c">Hello there</font>

2
00:00:02,000 --> 00:00:04,000
<font color="white" size=".72c">two lines
of the café</font>

3
00:00:03,000 --> 00:00:05,000
<i>overlap</i>
"""


@pytest.fixture
def srt(tmp_path: Path) -> Path:
    path = tmp_path / "a.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"]
)
def test_captions_are_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(SRT.encode(encoding))
    captions = read_subtitles(path)
    assert [caption.text for caption in captions] == [
        "Hello there",
        "two lines of the café",
        "overlap",
    ]
    assert [(caption.start, caption.end) for caption in captions] == [(0, 2), (2, 4), (3, 5)]


def test_the_clean_rule_includes_the_start_of_a_caption_and_excludes_its_end(srt: Path) -> None:
    captions = read_subtitles(srt)
    assert clean_rule(captions, [0.0]) == ("Hello there",)
    assert clean_rule(captions, [2.0]) == ("two lines of the café",)
    assert clean_rule(captions, [5.0]) == ()


def test_the_clean_rule_returns_each_caption_once_in_chronological_order() -> None:
    captions = [Caption(4, 6, "later"), Caption(0, 3, "first"), Caption(1, 5, "both")]
    assert clean_rule(captions, [4.5, 0.5, 2.0, 2.5]) == ("first", "both", "later")


def test_the_official_rule_repeats_captions_and_excludes_boundaries(srt: Path) -> None:
    captions = read_subtitles(srt)
    assert official_rule(captions, [2.0]) == ()
    assert official_rule(captions, [0.5, 1.0]) == ("Hello there", "Hello there")
    # The first of two captions in the file; the second, alone, keeps its codes.
    assert official_rule(captions, [3.5]) == ("two lines of the café",)
    assert official_rule(captions, [4.5]) == ("{\\i1}overlap{\\i0}",)


def test_an_empty_file_has_no_captions(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(b"\n")
    assert read_subtitles(path) == []


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("gb18030", "你好，世界"), ("shift_jis", "こんにちは"), ("cp1251", "Привет всем")],
)
def test_an_unknown_encoding_is_refused_instead_of_guessed(
    tmp_path: Path, encoding: str, words: str
) -> None:
    path = tmp_path / "a.srt"
    text = f"1\n00:00:00,000 --> 00:00:02,000\n{words}\n\n"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(ValueError, match=r"a\.srt: .*save them as UTF-8"):
        read_subtitles(path)
    path.write_bytes(text.encode("utf-16"))
    assert [caption.text for caption in read_subtitles(path)] == [words]


@pytest.mark.parametrize("data", [b"just words", bytes(range(128, 256)) * 3])
def test_a_file_without_captions_is_refused_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="a.srt"):
        read_subtitles(path)


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_subtitles(tmp_path / "no.srt")
