"""Still pictures: upright, on white, in 8 bits; bombs and extreme shapes refused."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe, read_image
from vlm.media.pixels import pixels_of
from vlm.media.readers import images


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


def names(pixels: np.ndarray) -> list[str]:
    height, width, _ = pixels.shape
    known = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}
    found = []
    for y, x in ((1, 1), (1, 3), (3, 1), (3, 3)):
        pixel = pixels[y * height // 4, x * width // 4].astype(int)
        found.append(min(known, key=lambda name: np.abs(pixel - known[name]).sum()))
    return found


UPRIGHT = ["red", "lime", "blue", "white"]


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "tiff", "gif", "avif"])
def test_common_kinds_of_pictures_are_read(ending, tmp_path):
    path = tmp_path / f"corners.{ending}"
    corners().save(path)
    picture = read_image(path)
    assert picture.pixels.shape == (40, 60, 3)
    assert names(picture.pixels) == UPRIGHT
    info = probe(path, isolated=False)
    assert (info.kind, info.width, info.height, info.duration) == ("image", 60, 40, 0.0)


@pytest.mark.parametrize("turn", [*range(1, 9), 99])
def test_pictures_are_rotated_by_their_camera_orientation(turn, tmp_path):
    stored = {  # how the sensor saw an upright scene, for each value of the tag
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = corners().transpose(stored[turn]) if turn in stored else corners()
    exif = Image.Exif()
    exif[0x0112] = turn
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert names(read_image(tmp_path / "turned.jpg", isolated=False).pixels) == UPRIGHT
    info = probe(tmp_path / "turned.jpg", isolated=False)
    assert (info.width, info.height) == (60, 40)


def test_16_bit_and_float_grays_are_scaled_not_clipped(tmp_path):
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16)[None].repeat(8, 0)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "ramp.tiff")
    Image.fromarray((ramp / 257).astype(np.float32)).save(tmp_path / "bytes.tiff")
    Image.fromarray(ramp.astype(np.float32) - 30000).save(tmp_path / "signed.tiff")
    for name in ("ramp.png", "ramp.tiff", "bytes.tiff", "signed.tiff"):
        pixels = read_image(tmp_path / name, isolated=False).pixels.astype(float)
        assert abs(pixels.mean() - 127.5) < 2.5
        assert np.all(np.diff(pixels[0, :, 0]) >= 0)


@pytest.mark.parametrize(
    ("top", "unsigned"),
    [(255, False), (65535, False), (10**6, False), (2**31 - 1, False), (2**31 - 1, True)],
)
def test_gray_of_32_bits_is_scaled_not_clipped(top, unsigned, tmp_path):
    ramp = np.linspace(0, top, 256).round().astype(np.int32)[None].repeat(8, 0)
    path = tmp_path / "ramp.tiff"
    Image.fromarray(ramp).save(path)
    if unsigned:  # sample format 1, not 2; twice the values reach above what signed ones can
        data = (ramp.astype(np.int64) * 2).astype(np.uint32).view(np.int32)
        Image.fromarray(data).save(path)
        content = path.read_bytes()
        entry = struct.pack("<HHIHH", 339, 3, 1, 2, 0)
        assert entry in content
        path.write_bytes(content.replace(entry, struct.pack("<HHIHH", 339, 3, 1, 1, 0)))
    pixels = read_image(path).pixels.astype(float)
    assert abs(pixels.mean() - 127.5) < 2.5
    assert np.all(np.diff(pixels[0, :, 0]) >= 0)


def test_numbers_that_are_none_do_not_blacken_the_others(tmp_path):
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(8, 0)
    for value, pixel in ((np.nan, 0), (np.inf, 255), (-np.inf, 0)):
        picture = ramp * 3000 - 1000
        picture[4, 100] = value
        Image.fromarray(picture).save(tmp_path / "odd.tiff")
        pixels = read_image(tmp_path / "odd.tiff").pixels
        assert abs(pixels.mean() - 127.5) < 2.5
        assert pixels[4, 100].tolist() == [pixel] * 3
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "none.tiff")
    assert read_image(tmp_path / "none.tiff").pixels.max() == 0


def test_a_transparent_value_of_16_bits_becomes_white(tmp_path):
    gray = np.zeros((8, 8), np.uint16)
    gray[:, 4:] = 30000
    Image.fromarray(gray).save(tmp_path / "gray.png", transparency=0)
    gray[:, :4] = 700  # of a color that is not black
    Image.fromarray(gray).save(tmp_path / "other.png", transparency=700)
    for name in ("gray.png", "other.png"):
        pixels = read_image(tmp_path / name).pixels
        assert pixels[4, 1].tolist() == [255] * 3
        assert pixels[4, 6].tolist() == [116] * 3
    rows = b"".join(b"\0" + struct.pack(">3H", 4660, 0, 0) + bytes(6) for _ in range(2))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)),
        (b"tRNS", struct.pack(">3H", 4660, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    (tmp_path / "color.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
    )
    pixels = read_image(tmp_path / "color.png").pixels
    assert pixels[0].tolist() == [[255] * 3, [0] * 3]


def test_gray_of_12_bits_in_16_is_scaled_by_its_bits():
    picture = Image.fromarray(np.full((4, 4), 4095, np.uint16))
    assert pixels_of(picture).max() < 20
    picture.tag_v2 = {258: (12,)}
    assert pixels_of(picture).min() == 255


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("ending", ["tiff", "webp", "png", "jpg"])
def test_the_size_of_a_first_look_is_that_of_the_pixels(turn, ending, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = turn
    corners().save(tmp_path / f"turned.{ending}", exif=exif)
    path = tmp_path / f"turned.{ending}"
    info, picture = probe(path, isolated=False), read_image(path, isolated=False)
    assert picture.pixels.shape[:2] == (info.height, info.width)


def test_transparency_becomes_white(tmp_path):
    see_through = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    see_through.paste((255, 0, 0, 255), (0, 0, 10, 20))
    see_through.save(tmp_path / "rgba.png")
    see_through.convert("LA").save(tmp_path / "la.png")
    see_through.quantize(4).save(tmp_path / "palette.png")
    see_through.save(tmp_path / "rgba.webp", lossless=True)
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    palette.save(tmp_path / "key.png", transparency=0)
    for name in ("rgba.png", "la.png", "palette.png", "rgba.webp", "key.png"):
        assert read_image(tmp_path / name, isolated=False).pixels[10, 15].tolist() == [255] * 3, (
            name
        )
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    half.save(tmp_path / "half.png")
    assert read_image(tmp_path / "half.png").pixels[0, 0].tolist() == [255, 127, 127]


def test_other_color_models_keep_their_colors(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=98)
    assert np.abs(read_image(tmp_path / "cmyk.jpg").pixels[4, 4] - np.array([255, 0, 0])).max() < 12
    Image.new("1", (8, 8), 1).save(tmp_path / "bit.png")
    assert read_image(tmp_path / "bit.png", isolated=False).pixels[4, 4].tolist() == [255] * 3
    Image.new("L", (8, 8), 77).save(tmp_path / "gray.jpg", quality=98)
    assert abs(int(read_image(tmp_path / "gray.jpg", isolated=False).pixels[4, 4, 0]) - 77) < 3


def test_a_color_profile_is_followed_and_a_broken_one_ignored(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = Image.new("RGB", (8, 8), (10, 200, 30))
    image.save(tmp_path / "wrong.png", icc_profile=profile.tobytes())
    image.save(tmp_path / "broken.png", icc_profile=b"no profile at all")
    for name in ("wrong.png", "broken.png"):
        assert read_image(tmp_path / name).pixels[4, 4].tolist() == [10, 200, 30]


def test_size_is_the_longest_side_and_nothing_is_enlarged(tmp_path):
    Image.new("RGB", (1200, 800)).save(tmp_path / "large.jpg")
    assert read_image(tmp_path / "large.jpg", size=300).pixels.shape == (200, 300, 3)
    assert read_image(tmp_path / "large.jpg", size=5000).pixels.shape == (800, 1200, 3)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
def test_a_truncated_picture_is_refused(ending, part, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    path = tmp_path / f"cut.{ending}"
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(MediaError, match=rf'"cut.{ending}" begins like a .* damaged or incomplete'):
        read_image(path, isolated=False)


def test_a_picture_cut_off_in_its_first_bytes_is_refused(tmp_path):
    for number, head in enumerate(
        (b"GIF89a\x01", b"\x89PNG\r\n\x1a\n", b"II*\0\x08", b"\xff\xd8\xff")
    ):
        path = tmp_path / str(number)
        path.write_bytes(head)
        for read in (probe, read_image):
            with pytest.raises(MediaError, match="cannot be read to its end"):
                read(path, isolated=False)


def bomb(path: Path, side: int) -> Path:
    """A 1-bit PNG of side x side in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes((side // 8 + 1) * side), 9))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b""))
    return path


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [12_000, 20_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked(side, tmp_path, monkeypatch):
    path = bomb(tmp_path / "bomb.png", side)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(ImageFile.ImageFile, "load", pytest.fail)
    for read in (read_image, probe):
        with pytest.raises(MediaError, match=r"is too large.*limit is 50 million pixels"):
            read(path, isolated=False)


def test_a_picture_with_a_text_bomb_is_refused_or_read_without_it(tmp_path):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("comment", "x" * 50_000_000, zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "notes.png", pnginfo=notes)
    with pytest.raises(MediaError, match="damaged or incomplete"):
        read_image(tmp_path / "notes.png")


@pytest.mark.parametrize(
    ("size", "fits"), [((1, 1), True), ((1, 20000), False), ((20000, 1), False)]
)
def test_pictures_of_extreme_shape_are_refused(size, fits, tmp_path):
    Image.new("RGB", size).save(tmp_path / "thin.png")
    if fits:
        assert read_image(tmp_path / "thin.png").pixels.shape == (1, 1, 3)
    else:
        with pytest.raises(MediaError, match="more than 200 times the other"):
            read_image(tmp_path / "thin.png", isolated=False)


def test_a_heic_picture_is_read_or_the_extra_is_named(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(corners().resize((240, 160))).save(tmp_path / "phone.heic", quality=95)
    assert names(read_image(tmp_path / "phone.heic").pixels) == UPRIGHT
    assert probe(tmp_path / "phone.heic").codec == "heif"
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MediaError, match=r'pip install "revisit-vlm\[heic\]"'):
        read_image(tmp_path / "phone.heic", isolated=False)


def test_only_the_reader_indicated_by_the_first_bytes_is_tried(tmp_path, monkeypatch):
    tried = []
    real_open = Image.open

    def watch(file: object, formats: tuple[str, ...]) -> Image.Image:
        tried.append(formats)
        return real_open(file, formats=formats)

    monkeypatch.setattr(images.Image, "open", watch)
    corners().save(tmp_path / "a.webp")
    read_image(tmp_path / "a.webp", isolated=False)
    assert tried == [("WEBP",)]
