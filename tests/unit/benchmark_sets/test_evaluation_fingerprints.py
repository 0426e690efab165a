"""Fingerprints of prompts, media and subtitles, by which a changed data set is found."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import MediaPart, Options
from evaluation.benchmarks.packed_media import Member, VideoFiles
from evaluation.benchmarks.video import videomme
from evaluation.benchmarks.video.longvideobench import NarratedQuestion
from evaluation.benchmarks.video.videomme import VideoQuestion
from evaluation.runs import fingerprints as module
from evaluation.runs.fingerprints import files_of, fingerprints, prompts_hash
from evaluation.runs.manifest import write_or_check

VIDEO_MME = BENCHMARKS["videomme"]
QUESTION = VideoQuestion(
    "001-1",
    "one",
    (MediaPart("video", Path("/sets/videomme/data/one.mp4")), "What?"),
    ("A",),
    options=("red", "blue"),
    body="What?\nA. red\nB. blue",
)


def test_a_packed_file_and_its_unpacked_copy_have_one_fingerprint(tmp_path: Path) -> None:
    for size in (5, module.WHOLE, module.WHOLE + 1):
        content = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000 + 1)
        archive = tmp_path / f"{size}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("data/one.mp4", content[:size])
        member = Member(archive, "data/one.mp4", tmp_path / str(size) / "one.mp4")
        before = fingerprints({"one": member})
        member.unpack()
        assert fingerprints({"one": member}) == before
        assert before["one"].startswith(f"{size}-")


def test_an_exchanged_archive_is_found_although_an_old_file_remains_unpacked(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "subtitle.zip"

    def pack(line: str) -> dict[str, str]:
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("subtitle/one.srt", line)
        found = VideoFiles(tmp_path / "subtitle", [archive]).find(["one.srt"])
        assert isinstance(found, Member)
        found.unpack()
        return fingerprints({"subtitles of one": found})

    before = pack("hello")
    write_or_check(tmp_path, {}, {"asked": 1}, before, [])
    write_or_check(tmp_path, {}, {"asked": 1}, pack("hello"), ["subtitles of one"])
    with pytest.raises(ValueError, match=r"subtitles of one packed in subtitle.zip has changed"):
        write_or_check(tmp_path, {}, {"asked": 1}, pack("hullo"), ["subtitles of one"])
    archive.unlink()
    found = VideoFiles(tmp_path / "subtitle").find(["one.srt"])
    assert isinstance(found, Path)
    after = fingerprints({"subtitles of one": found})
    write_or_check(tmp_path, {}, {"asked": 1}, after, ["subtitles of one"])


def test_a_missing_or_damaged_file_has_a_fingerprint_as_well(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    bad = Member(tmp_path / "bad.zip", "one.mp4", tmp_path / "one.mp4")
    found = fingerprints({"a": tmp_path / "nothing", "b": None, "c": bad})
    assert set(found.values()) == {"missing"}


def test_a_folder_of_frames_has_one_fingerprint(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.jpg" for i in range(5)]
    for path in paths:
        path.write_bytes(path.name.encode())
    before = fingerprints({"frames": tuple(paths)})
    paths[2].write_bytes(b"a longer frame")
    assert fingerprints({"frames": tuple(paths)}) != before


def test_changed_subtitles_are_found(tmp_path: Path) -> None:
    srt = tmp_path / "subtitle/one.srt"
    srt.parent.mkdir()
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    question = replace(QUESTION, subtitles=srt)
    narrated = NarratedQuestion("1", "one", ("What?",), ("A",), subtitles=srt)
    shown = Options(subtitles=True)
    for benchmark, item in ((VIDEO_MME, question), (BENCHMARKS["longvideobench"], narrated)):
        (files,) = files_of(benchmark, [item], shown, tmp_path).values()
        assert "subtitles of one" in files
        (without,) = files_of(benchmark, [item], Options(), tmp_path).values()
        assert "subtitles of one" not in without
        before = fingerprints(files)
        text = srt.read_text()
        srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nhullo\n")
        assert fingerprints(files) != before
        srt.write_text(text)


def test_subtitles_that_appear_or_vanish_are_found(tmp_path: Path) -> None:
    for recorded, now in (("missing", "5-abc"), ("5-abc", "missing")):
        out = tmp_path / now
        write_or_check(out, {}, {"asked": 1}, {"subtitles of one": recorded}, [])
        with pytest.raises(ValueError, match="subtitles of one has changed"):
            write_or_check(out, {}, {"asked": 1}, {"subtitles of one": now}, ["subtitles of one"])
        write_or_check(out, {}, {"asked": 1}, {"subtitles of one": now}, [])  # not asked yet


@pytest.mark.parametrize("mode", VIDEO_MME.prompt_modes)
@pytest.mark.parametrize("subtitles", [False, True])
def test_a_changed_wording_is_found(
    mode: str, subtitles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(prompt_mode=mode, subtitles=subtitles)
    question = replace(QUESTION, parts=(QUESTION.parts[0], ""))
    before = prompts_hash(VIDEO_MME, [question], options)
    assert prompts_hash(VIDEO_MME, [question], options) == before
    monkeypatch.setattr(videomme, "LETTER_ONLY", "Respond with one letter.")
    assert prompts_hash(VIDEO_MME, [question], options) != before


def test_the_sentence_that_announces_captions_is_part_of_the_wording() -> None:
    composed = VIDEO_MME.wording(QUESTION, Options(subtitles=True))
    assert "subtitles are listed below" in composed.parts[0].text  # type: ignore[union-attr]
