"""Videos whose frames are displayed unevenly: the right length, and as many frames as requested."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from media_maker import bar_code, read_bar_code, write_video
from PIL import Image

from vlm.media.decode import probe, read_video
from vlm.media.readers import timeline
from vlm.media.sampling import one_for_each_frame, segment_times

SMALL = (160, 128)
CODECS = {"webm": "libvpx-vp9", "avi": "mpeg4"}


# In this process, which is quicker; other tests compare the two.
read, look = partial(read_video, isolated=False), partial(probe, isolated=False)


def write(path, count, **choices):
    codec = CODECS.get(path.suffix[1:], "libx264")
    return write_video(path, count, **{"codec": codec, "size": SMALL, **choices})


def numbers(frames: np.ndarray) -> list[int]:
    return [read_bar_code(frame) for frame in frames]


@pytest.mark.parametrize("ending", ["mkv", "ts", "mp4", "mov"])
@pytest.mark.parametrize("fps", [1, 2, 3])
def test_slow_videos_with_b_frames_have_their_length(ending, fps, tmp_path):
    """Their packets go back by seconds in decoding order; that is no second clip."""
    path = write(tmp_path / f"slow.{ending}", 30, fps=fps, b_frames=3)
    video = read(path, num_frames=8)
    assert numbers(video.frames) == [int((k + 0.5) * 30 / 8) for k in range(8)]
    assert video.duration == pytest.approx(30 / fps, abs=0.01)
    assert video.damaged == ()


@pytest.mark.parametrize("ending", ["mkv", "ts", "mp4"])
def test_a_long_still_amid_b_frames_is_no_second_clip(ending, tmp_path):
    times = [33 * k for k in range(60)] + [12_000 + 33 * k for k in range(60)]
    path = write(tmp_path / f"still.{ending}", 120, times_ms=times, b_frames=3)
    video = read(path, num_frames=8)
    assert video.duration == pytest.approx(13.98, abs=0.01)
    assert (video.obtained, video.damaged) == (8, ())
    assert {59, 60} & set(numbers(video.frames))
    assert np.diff(video.times).max() < 12


def test_joined_clips_with_b_frames_are_still_read_as_one(tmp_path):
    parts = [
        write(tmp_path / f"{k}.ts", [bar_code(100 * k + n, *SMALL) for n in range(30)], b_frames=3)
        for k in range(2)
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    video = read(joined, num_frames=4)
    assert numbers(video.frames) == [7, 22, 107, 122]
    assert video.duration == pytest.approx(2.0, abs=0.05)


FRAGMENTS = {"container": {"movflags": "frag_keyframe+empty_moov"}}


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("last.mp4", {}),
        ("last.mov", {}),
        ("last.mkv", {}),
        ("last.webm", {}),
        ("last.avi", {"fps": 10}),
        ("fragments.mp4", FRAGMENTS),
        ("b-frames.mkv", {"b_frames": 2}),
    ],
)
def test_a_last_frame_displayed_for_long_counts_to_its_end(name, choices, tmp_path):
    if not name.endswith("avi"):
        choices = {"times_ms": [100 * k for k in range(10)], "fps": 10, **choices}
    path = write(tmp_path / name, 10, last_ms=9100, **choices)
    video = read(path, num_frames=8)
    assert video.duration == pytest.approx(10.0, abs=0.11)  # AVI's is in whole frames
    assert video.damaged == look(path).warnings == ()
    assert (video.obtained, numbers(video.frames)[-1]) == (8, 9)
    assert numbers(read(path, times=[0.05, 5.0, 9.5]).frames) == [0, 9]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "webm", "ts", "avi"])
@pytest.mark.parametrize("frames", [1, 20])
def test_sound_longer_than_the_video_is_no_damage(ending, frames, tmp_path):
    """One frame is the cover picture of a song."""
    path = write(tmp_path / f"sound.{ending}", frames, fps=10, sound=10.0)
    video = read(path, num_frames=4)
    assert video.damaged == look(path).warnings == ()
    assert video.obtained == min(frames, 4)
    assert video.duration == pytest.approx(frames / 10, abs=0.11)


UNEVEN = {
    "an idle middle": [33 * k for k in range(15)] + [20_000 + 33 * k for k in range(15)],
    "five frames": [0, 10, 20, 30, 10_000],
    "busy, then idle": [33 * k for k in range(30)] + [60_000],
    "idle, then busy": [0] + [60_000 + 33 * k for k in range(30)],
}


@pytest.mark.parametrize("kind", UNEVEN)
@pytest.mark.parametrize(
    ("ending", "choices"),
    [("mp4", {}), ("mp4", {"b_frames": 2}), ("mkv", {"b_frames": 2}), ("webm", {}), ("ts", {})],
)
def test_as_many_frames_as_requested_come_however_uneven_they_are(kind, ending, choices, tmp_path):
    times = UNEVEN[kind]
    path = write(tmp_path / f"uneven.{ending}", len(times), times_ms=times, **choices)
    for requested in (4, 8, 64):
        video = read(path, num_frames=requested)
        assert video.obtained == min(requested, len(times))
        assert video.requested == requested
        assert video.damaged == ()
        found = numbers(video.frames)
        assert found == sorted(set(found))
        assert video.times == pytest.approx([times[n] / 1000 for n in found], abs=0.002)


def test_a_large_file_with_uneven_frames_gives_as_many_as_requested(tmp_path, monkeypatch):
    path = write(tmp_path / "large.mkv", 30, times_ms=UNEVEN["an idle middle"])
    monkeypatch.setattr(timeline, "WALK_BYTES", 0)
    assert read(path, num_frames=8).obtained == 8


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "avif"])
def test_an_animation_with_one_long_frame_gives_as_many_as_requested(ending, tmp_path):
    frames = [Image.new("RGB", (64, 48), (shade,) * 3) for shade in (0, 80, 160, 240)]
    path = tmp_path / f"uneven.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[50, 50, 50, 5000])
    video = read(path, num_frames=4)
    assert video.times == pytest.approx([0.0, 0.05, 0.1, 0.15])
    assert np.abs(video.frames[:, 24, 32, 0].astype(int) - [0, 80, 160, 240]).max() < 8
    assert (read(path, num_frames=3).obtained, video.requested) == (3, 4)


def test_moments_move_only_where_they_share_a_frame():
    starts = [0.0, 1.0, 2.0, 3.0]
    assert one_for_each_frame([0.5, 1.5, 3.5], starts, 4.0) == [0.5, 1.5, 3.5]
    assert one_for_each_frame([0.2, 0.8], starts, 4.0) == [0.2, 2.5]
    assert one_for_each_frame([0.1] * 9, starts, 4.0) == [0.1, 1.5, 2.5, 3.5]
    halving = [1.0 - 2.0**-k for k in range(40)]  # each round of spreading finds few frames
    moments = one_for_each_frame(segment_times(1.0, 40), halving, 1.0)
    assert len(set(moments)) == 40
    assert one_for_each_frame([0.0, 0.0], [0.0, 0.0, 0.0], 0.0) == [0.0, 0.0]
