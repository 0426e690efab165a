"""Videos of every common kind and many odd ones: right frames, right times, upright."""

from __future__ import annotations

import av
import numpy as np
import pytest
from media_maker import (
    TURNED,
    bar_code,
    lie_about_samples,
    patch,
    read_bar_code,
    red_corner,
    set_edit_list,
    set_matrix,
    write_video,
)

from vlm.media.confined.limits import Limits, MediaError
from vlm.media.decode import probe, read_video
from vlm.media.readers import timeline

SMALL = (160, 128)


def numbers(frames: np.ndarray) -> list[int]:
    return [read_bar_code(frame) for frame in frames]


def middles(num_frames: int, count: int = 8) -> list[int]:
    return [int((k + 0.5) * num_frames / count) for k in range(count)]


KINDS = {
    "h264.mp4": {"b_frames": 2},
    "h264.mkv": {"b_frames": 2},
    "h264.ts": {"b_frames": 2},
    "h264-10bit.mp4": {"pix_fmt": "yuv420p10le"},
    "h264-422.mp4": {"pix_fmt": "yuv422p"},
    "h264-444.mp4": {"pix_fmt": "yuv444p"},
    "sound.mp4": {"sound": True},
    "faststart.mp4": {"container": {"movflags": "faststart"}},
    "fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "hevc.mp4": {"codec": "libx265"},
    "hevc-10bit.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le"},
    "vp8.webm": {"codec": "libvpx"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "av1.mp4": {"codec": "libsvtav1"},
    "av1.webm": {"codec": "libsvtav1"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "ffv1.mkv": {"codec": "ffv1"},
    "mpeg2.ts": {"codec": "mpeg2video", "size": (320, 240)},
    "mpeg2.mpg": {"codec": "mpeg2video", "format": "mpeg"},
    "raw.y4m": {"codec": "rawvideo", "format": "yuv4mpegpipe"},
    "intra-refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=30:bframes=0"}},
    "open-gop.mkv": {"options": {"x264-params": "open-gop=1:keyint=10:bframes=2:scenecut=0"}},
    "open-gop.ts": {"options": {"x264-params": "open-gop=1:keyint=10:bframes=2:scenecut=0"}},
    "1000-fps.mp4": {"fps": 1000},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_video_gives_the_right_frames_at_the_right_times(name, tmp_path):
    choices = {"size": SMALL, "fps": 30, **KINDS[name]}
    path = write_video(tmp_path / name, 60, **choices)
    video = read_video(path, num_frames=8)
    assert numbers(video.frames) == middles(60)
    assert video.times == pytest.approx(np.array(middles(60)) / choices["fps"], abs=2e-3)
    assert video.duration == pytest.approx(60 / choices["fps"], abs=2e-3)
    assert (video.damaged, video.warnings) == ((), ())
    assert (video.requested, video.obtained, video.backend) == (8, 8, "pyav")
    info = probe(path, isolated=False)
    assert (info.kind, info.num_frames) == ("video", 60)
    assert (info.width, info.height) == choices["size"]
    assert info.fps == pytest.approx(choices["fps"], rel=0.01)


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("gop", [30, 300])
@pytest.mark.parametrize(("first", "seconds"), [(2.0, 5.0), (0.0, 5.0), (2.0, 10 / 3)])
def test_an_edit_list_shows_exactly_the_visible_frames(first, seconds, gop, b_frames, tmp_path):
    path = write_video(tmp_path / "edited.mp4", 300, size=SMALL, gop=gop, b_frames=b_frames)
    set_edit_list(path, first, seconds)
    count = round(seconds * 30)
    assert probe(path, isolated=False).num_frames == count
    video = read_video(path, num_frames=count, isolated=False)
    assert numbers(video.frames) == [round(first * 30) + k for k in range(count)]
    assert video.times == pytest.approx(np.arange(count) / 30, abs=1e-3)
    few = read_video(path, num_frames=4, isolated=False)
    assert numbers(few.frames) == [round(first * 30) + k for k in middles(count, 4)]


@pytest.mark.parametrize("name", ["changing.mp4", "changing.mkv", "changing.webm"])
def test_frames_are_even_in_time_if_the_frame_rate_is_not(name, tmp_path):
    times = [20 * k for k in range(30)] + [600 + 200 * k for k in range(30)]
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = write_video(tmp_path / name, 60, times_ms=times, codec=codec, size=SMALL)
    video = read_video(path, num_frames=8)
    gaps = np.diff(video.times)
    assert gaps.max() < 1.5 * gaps.mean()
    assert video.times == pytest.approx([times[k] / 1000 for k in numbers(video.frames)], abs=2e-3)


@pytest.mark.parametrize("turn", [90, 180, 270, "mirrored"])
def test_rotated_and_mirrored_videos_are_returned_upright(turn, tmp_path):
    upright = bar_code(5, *SMALL)
    turns = {90: 1, 180: 2, 270: 3, "mirrored": 0}[turn]
    stored = upright[:, ::-1] if turn == "mirrored" else np.rot90(upright, turns)
    path = write_video(tmp_path / "turned.mp4", [np.ascontiguousarray(stored)] * 3)
    set_matrix(path, TURNED[turn])
    frame = read_video(path, num_frames=1).frames[0]
    assert red_corner(frame) == "lower left"
    assert read_bar_code(frame) == 5
    assert frame.shape == upright.shape
    info = probe(path, isolated=False)
    assert (info.width, info.height) == SMALL


def test_a_video_rotated_by_an_odd_angle_is_left_as_it_is_with_a_warning(tmp_path):
    path = set_matrix(write_video(tmp_path / "tilted.mp4", 5), TURNED[45])
    assert any("was not rotated" in warning for warning in read_video(path, 1).warnings)


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
def test_times_count_from_the_first_frame_wherever_the_file_starts(name, tmp_path):
    times = [100_000 + 40 * k for k in range(50)]
    video = read_video(write_video(tmp_path / name, 50, times_ms=times, size=SMALL), num_frames=50)
    assert numbers(video.frames) == list(range(50))
    assert video.times == pytest.approx(np.arange(50) * 0.04, abs=2e-3)
    assert video.damaged == ()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_video_with_fewer_frames_than_requested_gives_each_once(count, tmp_path):
    video = read_video(write_video(tmp_path / "short.mp4", count, size=SMALL), num_frames=8)
    assert numbers(video.frames) == list(range(count))
    assert video.requested == 8


def test_given_times_are_read_in_order_and_none_twice(tmp_path):
    path = write_video(tmp_path / "long.mp4", 300, b_frames=2, size=SMALL)
    video = read_video(path, times=[9.0, 1.0, 1.01, 5.5, 500.0])
    assert numbers(video.frames) == [30, 165, 270, 299]


def test_seeking_and_reading_through_give_the_same_frames(tmp_path):
    path = write_video(tmp_path / "long.mp4", 600, gop=12, b_frames=2, size=SMALL)
    few = read_video(path, num_frames=20)
    every = read_video(path, num_frames=300)
    for time, frame in zip(few.times, few.frames, strict=True):
        index = int(np.argmin(np.abs(every.times - time)))
        assert abs(every.times[index] - time) <= 1 / 30 + 1e-6
        if every.times[index] == time:
            assert np.array_equal(every.frames[index], frame)


@pytest.mark.parametrize("name", ["two-hours.mp4", "two-hours.mkv"])
def test_of_two_hours_no_more_is_decoded_than_from_the_key_frames_before(name, tmp_path):
    path = write_video(tmp_path / name, 7200, fps=1, gop=30, size=(96, 64))
    limits = Limits(frames_walked=16 * 30)
    video = read_video(path, num_frames=16, limits=limits, isolated=False)
    assert numbers(video.frames) == middles(7200, 16)
    with pytest.raises(MediaError, match=r"lasts 2.00 hours; the limit is 1.00"):
        read_video(path, num_frames=4, limits=Limits(duration=3600))


@pytest.mark.parametrize(
    ("box", "offset", "value"),
    [
        (b"mvhd", 20, b"\x7f\xff\xff\xff"),
        (b"mvhd", 20, b"\0\0\0\0"),
        (b"mdhd", 20, b"\x7f\xff\xff\xff"),
        (b"mdhd", 20, b"\0\0\0\0"),
    ],
)
def test_a_wrong_duration_in_the_header_is_not_trusted(box, offset, value, tmp_path):
    path = patch(write_video(tmp_path / "lies.mp4", 90, size=SMALL), box, offset, value)
    video = read_video(path, num_frames=9)
    assert video.duration == pytest.approx(3.0, abs=0.05)
    assert numbers(video.frames) == middles(90, 9)


def test_a_sample_count_of_two_billion_is_not_trusted(tmp_path):
    path = lie_about_samples(write_video(tmp_path / "lies.mp4", 300, size=SMALL))
    assert numbers(read_video(path, num_frames=10).frames) == middles(300, 10)
    assert probe(path).num_frames == 300


def test_two_appended_clips_of_different_sizes_become_one_video_of_one_size(tmp_path):
    first = write_video(tmp_path / "a.ts", 60, size=(320, 240))
    second = [bar_code(100 + k, 160, 120) for k in range(60)]
    joined = tmp_path / "joined.ts"
    other = write_video(tmp_path / "b.ts", second)
    joined.write_bytes(first.read_bytes() + other.read_bytes())
    video = read_video(joined, num_frames=8)
    assert video.frames.shape == (8, 240, 320, 3)
    assert numbers(video.frames) == [7, 22, 37, 52, 107, 122, 137, 152]
    assert video.times == pytest.approx([0.25 + 0.5 * k for k in range(8)], abs=0.03)
    assert any("size changes" in warning for warning in video.warnings)


def test_non_square_pixels_are_stretched(tmp_path):
    path = tmp_path / "dv.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        output.mux(stream.encode(av.VideoFrame.from_ndarray(bar_code(1, 160, 120), "rgb24")))
        output.mux(stream.encode())
    assert read_video(path, 1).frames.shape[1:3] == (120, 320)
    assert read_video(path, 1, size=160).frames.shape[1:3] == (60, 160)
    info = probe(path, isolated=False)
    assert (info.width, info.height) == (320, 120)


def test_size_is_the_longest_side_and_nothing_is_enlarged(tmp_path):
    path = set_matrix(write_video(tmp_path / "turned.mp4", 5, size=(320, 240)), TURNED[90])
    assert read_video(path, 1, size=80).frames.shape[1:3] == (80, 60)
    assert read_video(path, 1, size=4000).frames.shape[1:3] == (320, 240)


@pytest.mark.parametrize("size", [(16, 2), (322, 242), (4096, 64)])
def test_odd_sizes_are_kept(size, tmp_path):
    path = write_video(tmp_path / "odd.mkv", 3, codec="ffv1", size=size)
    assert read_video(path, 3).frames.shape == (3, size[1], size[0], 3)


@pytest.mark.parametrize(("space", "kr", "kb"), [(1, 0.2126, 0.0722), (5, 0.299, 0.114)])
@pytest.mark.parametrize("full", [False, True])
def test_colors_follow_the_matrix_and_range_of_the_file(space, kr, kb, full, tmp_path):
    """The planes are computed here from the standards' formulas, not by the library under test."""
    colors = [(200, 60, 40), (40, 180, 60), (50, 70, 190), (180, 170, 120)]
    rgb = np.repeat(np.array(colors, float)[None], 32, 1).repeat(64, 0)  # [64, 128, 3]
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        planes = np.stack([y, u + 128, v + 128])
    else:
        planes = np.stack([16 + y * 219 / 255, 128 + u * 224 / 255, 128 + v * 224 / 255])
    path = tmp_path / "colours.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv444p"
        stream.codec_context.colorspace = space
        stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame.from_ndarray(planes.round().astype(np.uint8), format="yuv444p")
        frame.colorspace, frame.color_range = space, 2 if full else 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    frame = read_video(path, 1).frames[0].astype(float)
    assert np.abs(frame - rgb).mean() < 3


def test_hdr_white_stays_white(tmp_path):
    """PQ encodes 203 cd/m2, the white of subtitles, as 58 % gray; unconverted it would be dull."""
    path = tmp_path / "hdr.mkv"
    gray = np.full((64, 64, 3), round(0.58 * 65535), np.uint16)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_trc, context.color_primaries = 9, 16, 9
        frame = av.VideoFrame.from_ndarray(gray, format="rgb48le")
        frame = frame.reformat(format="yuv420p10le", dst_colorspace=9)
        frame.colorspace, frame.color_trc, frame.color_primaries, frame.color_range = 9, 16, 9, 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    assert read_video(path, 1).frames.min() > 240


def test_cover_pictures_and_second_streams_do_not_hide_the_film(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as output:
        streams = [output.add_stream("ffv1", rate=25) for _ in range(2)]
        for stream, width in zip(streams, (64, 320), strict=True):
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
        for number in range(10):
            for stream, width in zip(streams, (64, 320), strict=True):
                picture = bar_code(number + (width == 64) * 100, width, 48)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        for stream in streams:
            output.mux(stream.encode())
    video = read_video(path, num_frames=10)
    assert numbers(video.frames) == list(range(10))


def test_progress_is_reported_frame_by_frame(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 30, size=SMALL)
    seen: list[tuple[int, int]] = []
    read_video(path, num_frames=5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 5) for k in range(6)]


def test_decord_gives_the_same_frames_and_a_hang_costs_only_its_process(tmp_path):
    pytest.importorskip("decord")
    path = write_video(tmp_path / "plain.mp4", 60, b_frames=2, size=SMALL)
    ours, theirs = read_video(path, 8), read_video(path, 8, backend="decord")
    assert theirs.backend == "decord"
    assert numbers(theirs.frames) == numbers(ours.frames)
    assert theirs.times == pytest.approx(ours.times, abs=1e-3)
    hangs = write_video(tmp_path / "edited.mp4", 300, gop=300, size=SMALL)
    set_edit_list(hangs, 2.0, 5.0)
    with pytest.raises(MediaError, match="longer than 2 seconds"):
        read_video(hangs, 8, backend="decord", limits=Limits(seconds=2))
    with pytest.raises(ValueError, match="only runs isolated"):
        read_video(path, 8, backend="decord", isolated=False)
    aborts = lie_about_samples(write_video(tmp_path / "lies.mp4", 300, size=SMALL))
    with pytest.raises(MediaError, match="crash"):
        read_video(aborts, 8, backend="decord")


@pytest.mark.parametrize("name", ["large.mkv", "large.ts", "large.avi"])
def test_a_file_too_large_to_scan_gives_the_same_frames(name, tmp_path, monkeypatch):
    """Key frames are unknown: the reader tries to seek, and stops if that does not help."""
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = write_video(tmp_path / name, 400, codec=codec, size=SMALL, gop=40)
    monkeypatch.setattr(timeline, "WALK_BYTES", 0)
    video = read_video(path, num_frames=8, isolated=False)
    assert numbers(video.frames) == pytest.approx(middles(400), abs=1)
    assert video.damaged == ()
    dense = read_video(path, num_frames=100, isolated=False)
    assert numbers(dense.frames) == pytest.approx(middles(400, 100), abs=1)


def test_a_premature_end_is_reported_even_for_a_file_too_large_to_scan(tmp_path, monkeypatch):
    path = write_video(tmp_path / "large.mkv", 300, size=SMALL)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    monkeypatch.setattr(timeline, "WALK_BYTES", 0)
    video = read_video(path, num_frames=10, isolated=False)
    assert 3 <= video.obtained <= 7
    assert any("Nothing could be read after" in text for text in video.damaged)
