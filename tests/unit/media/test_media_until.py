"""Reading a video up to a moment: no packet of a later frame reaches the decoder."""

from pathlib import Path

import av
import numpy as np
import pytest

from vlm.media.decode import read_video

FPS, FRAMES = 10, 40


def write(path: Path, future: int, b_frames: int = 0) -> None:
    """Gray frames, brighter every frame; those from the second second on depend on `future`."""
    with av.open(str(path), "w") as container:
        options = {"bf": str(b_frames), "g": "40", "crf": "10"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(FRAMES):
            value = 40 + 3 * number if number < 2 * FPS else future
            pixels = np.full((48, 64, 3), value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("isolated", [False, True])
def test_the_future_is_not_decoded_and_changes_nothing(
    tmp_path: Path, b_frames: int, isolated: bool
) -> None:
    found = []
    for future in (0, 255):
        path = tmp_path / f"{future}.mp4"
        write(path, future, b_frames)
        times = [0.45, 0.95, 1.5]
        found.append(read_video(path, times=times, until=1.5, isolated=isolated))
    for video in found:
        assert video.latest is not None
        assert video.latest <= 1.5
        assert video.damaged == ()
        # B frames in front of the moment that depend on a frame behind it are missing.
        assert video.times[-1] >= 1.5 - (b_frames + 1) / FPS
    if b_frames == 0:  # else the encoder looks ahead: the files differ before the moment
        assert np.array_equal(found[0].frames, found[1].frames)
        assert found[0].times.tolist() == [0.4, 0.9, 1.5]


def test_without_a_moment_the_decoder_may_read_on(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 0, 3)
    video = read_video(tmp_path / "a.mp4", times=[1.5], isolated=False)
    assert video.latest is not None
    assert video.latest >= 1.5
    assert video.times.tolist() == [1.5]


def test_a_moment_needs_times_none_of_them_later(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 0)
    for wrong in ({"num_frames": 2}, {"times": [0.5, 2.0]}):
        with pytest.raises(ValueError, match="needs times, none of them later"):
            read_video(tmp_path / "a.mp4", until=1.0, isolated=False, **wrong)
