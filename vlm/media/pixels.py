"""Brings a picture of any mode to upright 8-bit RGB on white. Pictures from files and from programs
come here, so that both are seen the same.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
ORIENTATION = 0x0112  # in EXIF
SIDEWAYS = 5  # orientations from here on swap width and height
# What Pillow raises for damaged files.
READ_ERRORS = (
    *(OSError, ValueError, SyntaxError, IndexError, TypeError, EOFError, KeyError),
    *(RuntimeError, struct.error),
)
BITS, SAMPLE_FORMAT = 258, 339  # TIFF tags
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """Returns the pixels [H, W, 3] of a picture, as `read_image` returns them for its file."""
    import numpy as np

    image.load()
    return np.asarray(displayed(image, orientation(image), image.info.get("icc_profile")))


def displayed(image: Image.Image, turned: int = 1, profile: bytes | None = None) -> Image.Image:
    """Returns a loaded picture as RGB: upright, on white, in 8 bits, in sRGB."""
    image = in_srgb(on_white(image), profile)
    return image.transpose(_TURNS[turned]) if turned in _TURNS else image


def orientation(image: Image.Image) -> int:
    """Returns the camera's orientation, 1 to 8; 1 if there is none left to apply.

    Pillow itself turns a TIFF when its pixels are loaded, and swaps its sides when it is opened.
    """
    if image.format == "TIFF":
        return 1
    if getattr(image, "is_animated", False) and "exif" not in image.info:
        return 1  # for PNG, Pillow would decode a frame to look for it at the end
    value = image.getexif().get(ORIENTATION, 1)
    return value if value in _TURNS else 1


def on_white(image: Image.Image) -> Image.Image:
    """Converts any mode to RGB (CMYK stays): transparency on white, deep gray scaled to 8 bits."""
    if image.mode in DEEP_MODES:
        return _eight_bits(image)
    if image.has_transparency_data:
        hidden: Any = image.info.get("transparency")
        if isinstance(hidden, tuple) and max(hidden) > 255:  # of 16 bits; the pixels are of 8
            image = image.copy()
            image.info["transparency"] = tuple(value >> 8 for value in hidden)
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image if image.mode in ("RGB", "CMYK") else image.convert("RGB")


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts to sRGB by the picture's color profile if it has a valid one."""
    if profile and b"sRGB" not in profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            done = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if done is not None:
                return done
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a gray profile on a picture already converted to RGB, or an invalid one
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scales deep gray to 8 bits; Pillow itself would clip it.

    Values of 16 bits or fewer are scaled by their type. For others the range is that of the values:
    0 to 1 (floats), 8 or 16 bits if they fit, else from the least to the greatest. NaN becomes
    black, infinity the nearest end of the range.
    """
    import numpy as np  # here, because the reading process starts in half the time without it

    values = np.asarray(image)
    hidden = image.info.get("transparency")
    mask = values == hidden if isinstance(hidden, int) else None
    tags: Any = getattr(image, "tag_v2", {})
    if values.dtype.itemsize == 2:
        low, high = 0.0, 2.0 ** min(tags.get(BITS, (16,))[0], 16) - 1
    else:
        if values.dtype == np.int32 and tags.get(SAMPLE_FORMAT, (1,))[0] == 1 and tags:
            values = values.view(np.uint32)  # Pillow reads unsigned numbers as signed
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        tops = (1, 255) if values.dtype.kind == "f" else (255, 65535)
        if low >= 0:
            low, high = next(((0.0, float(top)) for top in tops if high <= top), (low, high))
    scaled = values.astype(np.float32)  # and in place: 50 million pixels take memory
    scaled -= low
    scaled *= 255 / ((high - low) or 1.0)
    np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    gray = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    if mask is not None:
        gray[mask] = 255
    return Image.fromarray(gray).convert("RGB")
