"""Formats of which many films are left: read in a process of their own, never in the program."""

from __future__ import annotations

import av
import numpy as np
import pytest
from media_maker import read_bar_code, write_video

from vlm.media.confined.child import Child
from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe, read_video
from vlm.media.kinds import OLD_CODECS
from vlm.media.readers.container import readable_codecs

SMALL = (160, 128)
OLD = {
    "flash.flv": ("flv", "flv1", {}),
    "h264.flv": ("libx264", "h264", {"b_frames": 2}),
    "seven.wmv": ("wmv1", "wmv1", {"format": "asf"}),
    "eight.wmv": ("wmv2", "wmv2", {"format": "asf"}),
    "msmpeg.asf": ("msmpeg4", "msmpeg4v3", {"format": "asf"}),
    "divx3.avi": ("msmpeg4", "msmpeg4v3", {}),
    "mp42.avi": ("msmpeg4v2", "msmpeg4v2", {}),
    "wmv2.avi": ("wmv2", "wmv2", {}),
    "cinepak.avi": ("cinepak", "cinepak", {"pix_fmt": "rgb24"}),
}


@pytest.mark.parametrize("name", OLD)
def test_old_formats_give_the_right_frames_but_only_isolated(name, tmp_path):
    encoder, codec, choices = OLD[name]
    path = write_video(tmp_path / name, 60, codec=encoder, size=SMALL, **choices)
    video, info = read_video(path, num_frames=8), probe(path)
    assert [read_bar_code(f) for f in video.frames] == [int((k + 0.5) * 60 / 8) for k in range(8)]
    assert video.damaged == info.warnings == ()
    assert (info.codec, info.num_frames) == (codec, 60)
    assert (info.duration, info.fps) == (pytest.approx(2.0, abs=0.05), pytest.approx(30, rel=0.02))
    child = Child(reuse=True)
    assert read_video(path, num_frames=4, child=child).obtained == 4
    child.close()
    with pytest.raises(MediaError, match="is only read in a process of its own"):
        read_video(path, num_frames=8, isolated=False)


def test_every_old_codec_can_be_decoded():
    assert all(readable_codecs()[name] for name in OLD_CODECS)


@pytest.mark.parametrize("ending", ["flv", "wmv"])
def test_a_truncated_old_film_is_reported(ending, tmp_path):
    choices = {"codec": "wmv2", "format": "asf"} if ending == "wmv" else {"codec": "flv"}
    path = write_video(tmp_path / f"cut.{ending}", 150, size=SMALL, **choices)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = read_video(path, num_frames=8)
    assert video.obtained == 8
    assert any("file is incomplete" in text for text in video.damaged)


CLEAR = {
    "clear.mkv": ("ffv1", "yuva444p", {}),
    "clear-rgb.mkv": ("ffv1", "bgra", {}),
    "clear.mov": ("prores_ks", "yuva444p10le", {}),
    "clear.avi": ("rawvideo", "bgra", {}),
    "clear.webm": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "deadline": "realtime"}),
    "clear-vp8.webm": ("libvpx", "yuva420p", {"auto-alt-ref": "0", "deadline": "realtime"}),
}


@pytest.mark.parametrize("name", CLEAR)
def test_the_transparency_of_a_film_becomes_white(name, tmp_path):
    codec, pix_fmt, options = CLEAR[name]
    picture = np.zeros((48, 64, 4), np.uint8)
    picture[:, :32] = (200, 30, 30, 255)
    with av.open(str(tmp_path / name), "w") as output:
        stream = output.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        if name.endswith("webm"):
            stream.metadata["alpha_mode"] = "1"
        for _ in range(60):
            frame = av.VideoFrame.from_ndarray(picture, "rgba").reformat(format=pix_fmt)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    for size in (None, 32):
        video = read_video(tmp_path / name, num_frames=4, size=size)
        assert (video.obtained, video.damaged) == (4, ())
        height, width = video.frames.shape[1:3]
        assert video.frames[:, height // 2, width - 4].min() > 250
        assert np.abs(video.frames[:, height // 2, 4] - np.array([200, 30, 30])).max() < 12
