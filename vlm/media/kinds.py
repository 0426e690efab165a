"""Recognizes a file's kind by its first bytes; its name does not matter.

FFmpeg or Pillow only opens the kinds listed here, each with the one reader named beside it, so
playlists (HLS, DASH, ffconcat), which make FFmpeg open other files or addresses, cannot be reached.
The lists are short because most vulnerabilities found in FFmpeg and Pillow are in formats that are
hardly ever used. A few old formats of which many films are left are only read in the reading
process, never in the program itself.
"""

from __future__ import annotations

import re
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
# Those of films from the time of Windows Media, Flash and Cinepak: only in the reading process.
OLD_CODECS = frozenset(
    [
        "msmpeg4v1",
        "msmpeg4v2",
        "msmpeg4v3",
        "wmv1",
        "wmv2",
        "wmv3",
        "vc1",
        "flv1",
        "vp6f",
        "cinepak",
    ]
)
OLD_READERS = frozenset(["asf", "flv"])
PDF = "PDF"  # pages as pictures, only in the reading process

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
    (b"\x1aE\xdf\xa3", Kind("video", "matroska", "WebM or Matroska")),
    (b"\0\0\x01\xba", Kind("video", "mpeg", "MPEG program stream")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("video", "asf", "Windows Media")),
    (b"FLV\x01", Kind("video", "flv", "Flash")),
    (b"%PDF-", Kind("image", PDF, "PDF document")),
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # sizes of the header after the file header
# Rejected kinds, for the error sentence. These are or may begin as text, the binary ones below not.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"#EXTM3U", "a playlist; playlists are not opened, send the video itself"),
    (b"ffconcat", "a playlist; playlists are not opened, send the video itself"),
    (b"%!PS", "a PostScript file; export it as PNG"),
    (b"SIMPLE  =", "a FITS file; export it as PNG"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the real file with git lfs pull"),
)
_BINARY_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"OggS", "an Ogg file; convert it to MP4 first"),
    (b"8BPS", "a Photoshop file; export it as PNG or JPEG"),
)
_OFFICE = "an office document; save it as PDF and send that"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .doc, .xls, .ppt
_OFFICE_MEMBERS = (b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis.opendocument", b"_rels/")
_SOUND = "an audio file; send a video or picture"
_SOUND_STARTS = (
    *(b"ID3", b"fLaC", b"MThd", b"#!AMR", b".snd", b"caff", b"MAC ", b"wvpk", b"TTA1", b"ADIF"),
    *(b"MPCK", b"MP+", b"DSD ", b"\x0b\x77"),
)
_SOUND_IN_OGG = (b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC")
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
    if re.match(rb"YUV4MPEG2 [^\n]*\bW\d+", head):  # a line of text, then pixels
        return Kind("video", "yuv4mpegpipe", "Y4M")
    if _is_text(head) and not head.startswith(b"%PDF-"):
        return None  # even if it begins with "BM", "GIF89a" or "The free ..."
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return Kind("image", "BMP", "BMP picture")
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
    if _is_office(head):
        return _OFFICE
    for start, words in _OTHERS:
        if head.startswith(start):
            return words
    if not _is_text(head) and not head.startswith(b"\xff\xfe"):
        if _is_sound(head):
            return _SOUND
        for start, words in _BINARY_OTHERS:
            if head.startswith(start):
                return words
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, words in _TEXT_STARTS:
        if text.startswith(start):
            return words
    if not head.strip(b"\0"):
        return "filled with zeros; the copy or download is probably incomplete, repeat it"
    if _is_text(head) or head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return "a text file, not a video or picture"
    return "not a video or picture in a supported format (MP4, MOV, WebM, MKV, AVI, TS, GIF, \
PNG, JPEG, WebP, ...); convert it first"


def _is_text(head: bytes) -> bool:
    """Returns whether these bytes are all characters.

    No accepted binary format is within 1024 bytes.
    """
    return head[:1] not in (b"", b"\xff") and all(
        byte >= 32 or byte in b"\t\r\n\f\x1b" for byte in head
    )


def _is_office(head: bytes) -> bool:
    if head.startswith(b"PK\x03\x04"):
        return any(name in head for name in _OFFICE_MEMBERS)
    return head.startswith(_OLD_OFFICE)


def _is_sound(head: bytes) -> bool:
    if head.startswith(_SOUND_STARTS):
        return True
    if head[:4] in (b"RIFF", b"RF64", b"FORM"):
        return head[8:12] in (b"WAVE", b"AIFF", b"AIFC", b"RMID")
    if head[:4] == b"OggS":
        return any(name in head[:100] for name in _SOUND_IN_OGG)
    return _is_mpeg_sound(head)


def _is_mpeg_sound(head: bytes) -> bool:
    """Returns whether the file begins with the header of an MP1, MP2, MP3 or AAC (ADTS) frame."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    layer, version = head[1] >> 1 & 3, head[1] >> 3 & 3
    if layer == 0:  # AAC
        return head[1] & 0xF6 == 0xF0 and head[2] >> 2 & 15 < 13
    return version != 1 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
