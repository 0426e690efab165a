"""Recognizes a file's kind by its first bytes; its name does not matter.

FFmpeg or Pillow only opens the kinds listed here, each with the one reader named beside it, so
playlists (HLS, DASH, ffconcat), which make FFmpeg open other files or addresses, cannot be reached.
The lists are short because most vulnerabilities found in FFmpeg and Pillow are in formats that are
hardly ever used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HEAD_BYTES = 1024

# Decoders FFmpeg may use, by canonical codec name.
CODECS = frozenset(
    [
        "h264",
        "hevc",
        "av1",
        "vp8",
        "vp9",
        "mpeg4",
        "h263",
        "mpeg1video",
        "mpeg2video",
        "mjpeg",
        "prores",
        "ffv1",
        "rawvideo",
    ]
)

Family = Literal["video", "image"]


@dataclass(frozen=True)
class Kind:
    """`reader` is FFmpeg's demuxer name for videos, Pillow's format name for images."""

    family: Family
    reader: str
    name: str  # for error sentences


_BOX_TYPES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot")
_STILL_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "HEIF"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind("image", "JPEG", "JPEG picture")),
    (b"\x89PNG\r\n\x1a\n", Kind("image", "PNG", "PNG picture")),
    (b"GIF87a", Kind("image", "GIF", "GIF")),
    (b"GIF89a", Kind("image", "GIF", "GIF")),
    (b"II*\0", Kind("image", "TIFF", "TIFF picture")),
    (b"MM\0*", Kind("image", "TIFF", "TIFF picture")),
    (b"BM", Kind("image", "BMP", "BMP picture")),
    (b"\x1aE\xdf\xa3", Kind("video", "matroska", "WebM or Matroska")),
    (b"\0\0\x01\xba", Kind("video", "mpeg", "MPEG program stream")),
    (b"YUV4MPEG2 ", Kind("video", "yuv4mpegpipe", "Y4M")),
)
# Rejected kinds, for the error sentence.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document; send its pages as pictures"),
    (b"PK\x03\x04", "a ZIP archive or office document; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"#EXTM3U", "a playlist; playlists are not opened, send the video itself"),
    (b"ffconcat", "a playlist; playlists are not opened, send the video itself"),
    (b"\x30\x26\xb2\x75", "a Windows Media file; convert it to MP4 first"),
    (b"FLV\x01", "a Flash video; convert it to MP4 first"),
    (b"OggS", "an Ogg file; convert it to MP4 first"),
    (b"ID3", "an audio file; send a video or picture"),
    (b"fLaC", "an audio file; send a video or picture"),
    (b"8BPS", "a Photoshop file; export it as PNG or JPEG"),
    (b"%!PS", "a PostScript file; export it as PNG"),
    (b"SIMPLE  =", "a FITS file; export it as PNG"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the real file with git lfs pull"),
)
_TEXT_STARTS = (
    (b"<svg", "an SVG drawing; export it as PNG"),
    (b"<!doctype html", "a web page, not a video or picture"),
    (b"<html", "a web page, not a video or picture"),
    (b"<mpd", "a playlist; playlists are not opened, send the video itself"),
    (b"<?xml", "an XML file, not a video or picture"),
    (b"v=0", "a session description; these are not opened, send the video itself"),
)


def recognize(head: bytes) -> Kind | None:
    """The kind of a file that begins with these bytes (1024 are enough); None if not accepted."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind("image", "WEBP", "WebP picture")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Kind("video", "avi", "AVI")
    if head[4:8] in _BOX_TYPES:
        still = _STILL_BRANDS.get(head[8:12]) if head[4:8] == b"ftyp" else None
        if still:
            return Kind("image", still, f"{still} picture")
        return Kind("video", "mov", "MP4 or MOV")
    for first, length in ((0, 188), (4, 192)):  # TS packets; M2TS puts a time before each
        syncs = head[first::length]
        if len(syncs) >= 3 and not syncs.strip(b"\x47"):
            return Kind("video", "mpegts", "MPEG transport stream")
    return None


def describe_rejected(head: bytes) -> str:
    """What an unrecognized file seems to be, to follow "is" in an error sentence."""
    for start, words in _OTHERS:
        if head.startswith(start):
            return words
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, words in _TEXT_STARTS:
        if text.startswith(start):
            return words
    if not head.strip(b"\0"):
        return "filled with zeros; the copy or download is probably incomplete, repeat it"
    if b"\0" not in head and all(byte >= 32 or byte in b"\t\r\n\f\x1b" for byte in head):
        return "a text file, not a video or picture"
    return "not a video or picture in a supported format (MP4, MOV, WebM, MKV, AVI, TS, GIF, \
PNG, JPEG, WebP, ...); convert it first"
