"""Damaged files: what can be read is read, what is missing is reported, and nothing hangs."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import av
import numpy as np
import pytest
from media_maker import bar_code, read_bar_code, write_video
from waiting import Started, until

from vlm.media.confined.limits import Limits, MediaError
from vlm.media.decode import probe, read_video
from vlm.media.readers import timeline

SMALL = (160, 128)


def noisy(count: int) -> list[np.ndarray]:
    """Frames with enough detail that a file of them is more than headers."""
    random = np.random.default_rng(0)
    frames = [bar_code(number, *SMALL) for number in range(count)]
    for frame in frames:
        frame[70:90, 40:] = random.integers(0, 256, (20, 120, 3))
    return frames


def cut(path: Path, part: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


@pytest.mark.parametrize("part", [0.5, 0.95])
@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("faststart.mp4", {"container": {"movflags": "faststart"}}),
        ("cut.webm", {"codec": "libvpx"}),
        ("cut.mkv", {}),
    ],
)
def test_a_truncated_file_is_read_as_far_as_it_goes_and_reported(name, choices, part, tmp_path):
    path = cut(write_video(tmp_path / name, noisy(120), **choices), part)
    video = read_video(path, num_frames=8)
    readable = round(video.duration * 30)
    assert abs(readable - 120 * part) < 12
    assert [read_bar_code(frame) for frame in video.frames] == [
        int((k + 0.5) * readable / 8) for k in range(8)
    ]
    sentence = f"Only {video.duration:.1f} of 4.0 seconds could be read"
    assert [text for text in video.damaged if text.startswith(sentence)] or part > 0.9
    assert probe(path, isolated=False).duration == video.duration


@pytest.mark.parametrize("name", ["cut.ts", "cut.avi", "fragments.mp4"])
def test_a_truncated_file_without_a_declared_duration_gives_what_it_has(name, tmp_path):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    container = {"movflags": "frag_keyframe+empty_moov"} if name.endswith("mp4") else {}
    path = write_video(tmp_path / name, noisy(120), codec=codec, container=container)
    video = read_video(cut(path, 0.5), num_frames=8)
    assert 1.0 < video.duration < 2.5
    found = [read_bar_code(frame) for frame in video.frames]
    assert found == [round(time * 30) for time in video.times]


def test_an_mp4_without_its_end_is_reported_as_incomplete(tmp_path):
    path = cut(write_video(tmp_path / "upload.mp4", noisy(60)), 0.6)
    with pytest.raises(MediaError, match=r'"upload.mp4" is incomplete: .* upload it again'):
        read_video(path, 8)
    with pytest.raises(MediaError, match="incomplete"):
        probe(path)


def test_damage_in_the_middle_costs_only_the_frames_that_depend_on_it(tmp_path):
    path = write_video(tmp_path / "hole.mp4", noisy(300), gop=30)
    data = bytearray(path.read_bytes())
    third, half = len(data) // 3, len(data) // 2
    data[third:half] = bytes(half - third)
    path.write_bytes(data)
    video = read_video(path, num_frames=300)
    found = [read_bar_code(frame) for frame in video.frames]
    assert found == [round(time * 30) for time in video.times]  # none of them is a wrong one
    assert 200 < len(found) < 270
    assert found[:90] == list(range(90))
    assert found[-90:] == list(range(210, 300))
    assert any("damaged frames were skipped" in text for text in video.damaged)


def test_scattered_wrong_bytes_neither_hang_nor_stop_the_reading(tmp_path):
    path = write_video(tmp_path / "flips.mp4", noisy(300))
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(1)
    for place in random.integers(1000, data.index(b"moov") - 8, 400):
        data[place] = random.integers(256)
    path.write_bytes(data)
    video = read_video(path, num_frames=8)
    assert video.obtained >= 1
    assert video.times.max() < 10


@pytest.mark.parametrize("kind", ["clip.mp4", "clip.webm", "clip.avi"])
@pytest.mark.parametrize(
    "count", [20, pytest.param(100, marks=pytest.mark.slow, id="100-slow")], ids=str
)
def test_mutated_files_end_in_frames_or_one_sentence(kind, count, tmp_path):
    """Seeded mutations of bytes, lengths and ends, half of them in the headers."""
    codec = {"mp4": "libx264", "webm": "libvpx", "avi": "mpeg4"}[kind[5:]]
    good = write_video(tmp_path / kind, noisy(30), codec=codec).read_bytes()
    moov = good.find(b"moov")
    head = (moov, len(good)) if moov > 0 else (0, min(len(good), 600))
    random = np.random.default_rng(len(kind) + count)
    limits = Limits(memory_bytes=2**30)
    for round_ in range(count):
        data = bytearray(good)
        low, high = head if round_ % 2 else (0, len(good))
        for _ in range(int(random.integers(1, 12))):
            place = int(random.integers(low, high - 4))
            data[place : place + 4] = random.integers(0, 256, 4, dtype=np.uint8).tobytes()
        if round_ % 5 == 4:
            data = data[: int(random.integers(1, len(data)))]
        path = tmp_path / f"mutated-{round_}"
        path.write_bytes(data)
        try:
            video = read_video(path, num_frames=4, size=64, limits=limits)
        except MediaError as error:
            text = str(error)
            assert text.startswith(('"mutated-', "4 frames of", "The process"))
            assert "longer than" not in text
            assert "could not be read (" not in text, text  # an unexpected exception
            assert "could not start" not in text
        else:
            assert 1 <= video.obtained <= 4
            assert np.isfinite(video.times).all()


def test_every_file_is_closed_again_even_if_damaged(tmp_path):
    path = cut(write_video(tmp_path / "a.mkv", noisy(30)), 0.4)
    text = tmp_path / "b.mp4"
    text.write_text("hello")
    read_video(path, 2, isolated=False)
    gc.collect()  # files that earlier tests have left
    started, files = Started(), len(os.listdir("/proc/self/fd"))
    for _ in range(4):
        read_video(path, 2, isolated=False)
        read_video(path, 2)
        with pytest.raises(MediaError):
            read_video(text, 2)
    until(lambda: started.count() == 0)
    assert len(os.listdir("/proc/self/fd")) <= files


def test_a_file_with_only_sound_is_refused(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with pytest.raises(MediaError, match=r'"song.m4a" contains only sound'):
        read_video(path, 8)


def test_a_video_without_an_intact_frame_is_returned_as_it_is_and_reported(tmp_path):
    path = write_video(tmp_path / "ruined.mp4", noisy(60), gop=60)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 1500
    for place in range(begin, len(data) - 4000, 900):
        data[place : place + 300] = bytes(300)
    path.write_bytes(data)
    video = read_video(path, num_frames=8)
    assert video.obtained >= 1
    assert any("damaged frame" in text for text in video.damaged)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("end.mp4", {"container": {"movflags": "faststart"}}),
        ("fragments.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
        ("end.mkv", {}),
        ("end.webm", {"codec": "libvpx"}),
        ("end.avi", {"codec": "mpeg4"}),
        ("end.ts", {}),
        ("end.m2ts", {"format": "mpegts", "container": {"mpegts_m2ts_mode": "1"}}),
    ],
)
def test_a_missing_end_is_reported_however_short_it_is(name, choices, tmp_path):
    path = write_video(tmp_path / name, noisy(120), **choices)
    assert read_video(path, num_frames=4).damaged == ()
    path.write_bytes(path.read_bytes()[:-150])
    video = read_video(path, num_frames=4)
    assert video.duration > 3.5
    assert any("the file is incomplete" in text.lower() for text in video.damaged)
    assert any("the file is incomplete" in text.lower() for text in probe(path).warnings)


@pytest.mark.parametrize("part", [0.3, 0.5])
def test_a_truncated_avi_is_reported_with_its_length(part, tmp_path):
    path = write_video(tmp_path / "cut.avi", 600, fps=10, codec="mpeg4", size=(160, 128))
    assert read_video(path, num_frames=4).damaged == ()
    video = read_video(cut(path, part), num_frames=8)
    assert 60 * part - 9 < video.duration < 60 * part + 9
    assert video.damaged == (
        f"Only {video.duration:.1f} of 60.0 seconds could be read; the file is incomplete.",
    )


def test_a_large_truncated_avi_is_read_as_far_as_it_goes(tmp_path, monkeypatch):
    path = write_video(tmp_path / "cut.avi", 600, fps=10, codec="mpeg4", size=(160, 128))
    monkeypatch.setattr(timeline, "WALK_BYTES", 0)
    video = read_video(cut(path, 0.5), num_frames=8, isolated=False)
    assert video.obtained == 8
    assert any("of 60.0 seconds could be read" in text for text in video.damaged)
