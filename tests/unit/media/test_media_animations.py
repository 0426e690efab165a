"""Animated GIF, WebP, PNG and AVIF: videos whose frames are counted without decoding them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlm.media.decode import probe, read_image, read_video
from vlm.media.readers import animation_index


def corners() -> Image.Image:
    """Upper left red, upper right green, lower left blue, lower right white; 60 x 40."""
    image = Image.new("RGB", (60, 40))
    for corner, color in (
        ((0, 0), "red"),
        ((30, 0), "lime"),
        ((0, 20), "blue"),
        ((30, 20), "white"),
    ):
        image.paste(color, (*corner, corner[0] + 30, corner[1] + 20))
    return image


@pytest.mark.parametrize("ending", ["webp", "png"])
@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_an_animation_is_rotated_by_its_camera_orientation(turn, ending, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = turn
    picture = corners()
    other = Image.new("RGB", picture.size, "white")
    picture.save(tmp_path / "still.png", exif=exif)
    path = tmp_path / f"moving.{ending}"
    options = {"lossless": True} if ending == "webp" else {}
    picture.save(path, save_all=True, append_images=[other], duration=100, exif=exif, **options)
    video, info = read_video(path, num_frames=2, isolated=False), probe(path, isolated=False)
    still = read_image(tmp_path / "still.png").pixels
    assert np.array_equal(video.frames[0], still)
    assert video.frames.shape[1:3] == (info.height, info.width)


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "avif"])
def test_an_animation_is_a_video(ending, tmp_path):
    shades = [0, 60, 120, 180, 240]
    frames = [Image.new("RGB", (64, 48), (shade,) * 3) for shade in shades]
    lengths = [100, 100, 100, 100, 600]
    path = tmp_path / f"moving.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=lengths)
    info = probe(path)
    assert (info.kind, info.num_frames) == ("video", 5)
    assert info.duration == pytest.approx(1.0)
    video = read_video(path, times=[0.05, 0.15, 0.45, 0.9, 5.0])
    assert video.backend == "pillow"
    assert video.times == pytest.approx([0.0, 0.1, 0.4])
    assert np.abs(video.frames[:, 24, 32, 0].astype(int) - [0, 60, 240]).max() < 8
    still = read_image(path)
    assert still.pixels.shape == (48, 64, 3)
    assert still.warnings == ("Only the first of 5 frames was used.",)


def test_a_gif_of_one_frame_is_a_picture_and_a_tiff_of_two_pages_is_too(tmp_path):
    Image.new("P", (20, 10)).save(tmp_path / "one.gif")
    assert probe(tmp_path / "one.gif").kind == "image"
    pages = [Image.new("RGB", (20, 10), color) for color in ("red", "blue")]
    pages[0].save(tmp_path / "two.tiff", save_all=True, append_images=pages[1:])
    assert probe(tmp_path / "two.tiff").kind == "image"
    picture = read_image(tmp_path / "two.tiff")
    assert picture.pixels[5, 5].tolist() == [255, 0, 0]
    assert picture.warnings == ("Only the first of 2 pages was used.",)


def test_a_long_gif_is_read(tmp_path):
    frames = []
    for number in range(60):
        frame = np.zeros((400, 800), np.uint8)
        frame[2 * number : 2 * number + 40] = 200
        frames.append(Image.fromarray(frame))
    path = tmp_path / "long.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    video = read_video(path, num_frames=16, size=128)
    assert video.frames.shape == (16, 64, 128, 3)


def noisy_animation(path: Path, count: int, size: int) -> Path:
    shades = np.random.default_rng(0).integers(0, 255, (count, size, size), dtype=np.uint8)
    frames = [Image.fromarray(shade) for shade in shades]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    return path


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "avif"])
def test_a_first_look_at_an_animation_decodes_no_frame_but_the_first(ending, tmp_path, monkeypatch):
    path = noisy_animation(tmp_path / f"long.{ending}", 12, 64)
    monkeypatch.setattr(animation_index, "_by_decoding", None)
    info = probe(path, isolated=False)
    assert (info.num_frames, info.duration) == (12, pytest.approx(0.48))
    assert read_video(path, num_frames=12, isolated=False).obtained == 12


def test_a_megapixel_gif_is_looked_at_without_decoding_and_read_once(tmp_path):
    """Decoding such a frame takes some 10 ms, a first look at all of them less."""
    path = noisy_animation(tmp_path / "large.gif", 40, 1000)
    began = time.process_time()
    assert probe(path, isolated=False).num_frames == 40
    looked = time.process_time() - began
    began = time.process_time()
    assert read_video(path, num_frames=4, size=64, isolated=False).obtained == 4
    assert looked < (time.process_time() - began) / 2


@pytest.mark.parametrize("ending", ["gif", "png"])
def test_a_truncated_animation_is_read_as_far_as_it_goes_and_reported(ending, tmp_path):
    path = noisy_animation(tmp_path / f"cut.{ending}", 12, 64)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = read_video(path, num_frames=4)
    assert 4 <= probe(path).num_frames <= 7
    assert video.obtained == 4
    assert "The file is incomplete: its end is missing." in video.damaged
