"""Refused files get one sentence that names them; names, links and playlists are never followed."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from media_maker import read_bar_code, write_video
from PIL import Image

from vlm.media.confined.limits import Limits, MediaError
from vlm.media.decode import probe, read_image, read_video
from vlm.media.kinds import describe_rejected, recognize

SMALL = (160, 128)
NO_FILM = {
    "empty.mp4": (b"", "is empty"),
    "text.mp4": (b"just some words\n" * 50, "is a text file"),
    "page.mp4": (b"<!DOCTYPE html><html><body>Not found</body></html>", "is a web page"),
    "zeros.mp4": (bytes(5000), "filled with zeros"),
    "noise.mp4": (np.random.default_rng(0).bytes(5000), "is not a video or picture"),
    "paper.mp4": (b"%PDF-1.7\n...", "a PDF document"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
    "letter.docx": (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "is an office document"),
    "sheet.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "is an office document"),
    "archive.mp4": (b"PK\x03\x04" + bytes(100), "is a ZIP archive"),
    "photo.png": (b"8BPS\0\x01" + bytes(100), "is a Photoshop file"),
    "figure.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript file"),
    "stars.png": (b"SIMPLE  =                    T", "is a FITS file"),
    "song.mp4": (b"ID3\x04" + bytes(100), "is an audio file"),
    "clip.wmv": (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(100), "begins like a Windows Media"),
    "letter.bmp": (b"BM is how this letter begins.\n" * 50, "is a text file"),
    "not-a-bitmap.bmp": (b"BM" + bytes(range(200)), "is not a video or picture"),
    "notes.gif": (b"GIF89a is a file format.\n" * 50, "is a text file"),
    "free.mp4": (b"The free and the wide world.\n" * 50, "is a text file"),
    "tags.txt": (b"ID3 tags hold a song's title.\n", "is a text file"),
    "song.wav": (b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0" + bytes(100), "is an audio file"),
    "song.aiff": (b"FORM\0\0\x08\x24AIFFCOMM" + bytes(100), "is an audio file"),
    "song.mp3": (b"\xff\xfb\x90\x64" + bytes(500), "is an audio file"),
    "utf16.txt": ("This is a text.\n".encode("utf-16"), "is a text file"),
    "song.aac": (b"\xff\xf1\x50\x80" + bytes(500), "is an audio file"),
    "song.opus": (b"OggS\0\2" + bytes(22) + b"OpusHead" + bytes(50), "is an audio file"),
    "film.ogv": (b"OggS\0\2" + bytes(22) + b"\x80theora" + bytes(50), "is an Ogg file"),
    "pointer.mp4": (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    "only-a-head.mp4": (b"\0\0\0\x20ftypisom" + bytes(20), "is incomplete"),
}


@pytest.mark.parametrize("name", NO_FILM)
def test_a_file_that_is_not_a_video_is_refused_in_one_sentence(name, tmp_path):
    content, reason = NO_FILM[name]
    path = tmp_path / name
    path.write_bytes(content)
    for read in (probe, read_video, read_image):
        with pytest.raises(MediaError) as caught:
            read(path)
        text = str(caught.value)
        if read is not read_image or name not in ("only-a-head.mp4", "clip.wmv"):
            assert text.startswith(f'"{name}" ')
            assert reason in text
        assert "\n" not in text
        assert text.endswith(".")


def test_an_unsupported_codec_is_named(tmp_path):
    path = write_video(tmp_path / "old.avi", 5, codec="asv1", size=SMALL)
    with pytest.raises(MediaError, match=r'"old.avi" is encoded with asv1, which is not supported'):
        read_video(path)


@pytest.fixture
def counting_server() -> Iterator[tuple[int, list[str]]]:
    """(port, requests seen) of a server that would answer with a video."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  the library's name
            seen.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], seen
    server.shutdown()


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.mpd", "list.ffconcat", "list.sdp"])
def test_playlists_cannot_open_other_files_or_addresses(name, counting_server, tmp_path):
    port, seen = counting_server
    other = write_video(tmp_path / "other.ts", 30, size=SMALL)
    url = f"http://127.0.0.1:{port}/other.ts"
    playlists = [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"
        for target in (url, other.name, str(other))
    ]
    playlists += [
        f"ffconcat version 1.0\nfile {other.name}\n",
        f"ffconcat version 1.0\nfile {url}\n",
    ]
    playlists += [f"<?xml version='1.0'?><MPD><BaseURL>{url}</BaseURL></MPD>"]
    playlists += ["v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"]
    path = tmp_path / name
    for text in playlists:
        path.write_text(text)
        for read in (probe, read_video):
            for isolated in (True, False):
                with pytest.raises(
                    MediaError, match="is a playlist|is a text file|is an XML|session"
                ):
                    read(path, isolated=isolated)
    assert seen == []


NAMES = [
    "i%d.mp4",
    "concat:a|b.mp4",
    "http:x.mp4",
    "with space 'and' \"quotes\".mp4",
    "new\nline.mp4",
    "\u202egnp.exe.mp4",
    "Видео 🎬.mp4",
    "-rf.mp4",
    "no ending",
    "a" * 240 + ".mp4",
    "pretends.jpg",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_file_name_is_never_interpreted(name, tmp_path, monkeypatch):
    clip = write_video(tmp_path / "clip.mp4", 10, size=SMALL)
    for number in range(3):  # what "%d" would find
        Image.new("RGB", (32, 32)).save(tmp_path / f"i{number}.png")
    os.rename(clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, name):
        assert len(read_video(path, num_frames=10).frames) == 10
    (tmp_path / name).write_text("oops")
    with pytest.raises(MediaError) as caught:
        read_video(tmp_path / name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_pipes_folders_devices_and_missing_files_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    locked = tmp_path / "locked.mp4"
    locked.write_bytes(b"x")
    locked.chmod(0)
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    refused = {
        tmp_path / "pipe.mp4": "is a pipe or device",
        tmp_path: "is a folder",
        Path("/dev/zero"): "is a pipe or device",
        tmp_path / "missing.mp4": "does not exist",
        tmp_path / "loop.mp4": "leads nowhere",
        tmp_path / ("x" * 300): "too long",
        Path("nul\0byte.mp4"): "cannot be opened",
    }
    if os.getuid():
        refused[locked] = "cannot be read; check its permissions"
    for path, reason in refused.items():
        for read in (probe, read_video, read_image):
            with pytest.raises(MediaError, match=reason):
                read(path)


def test_links_out_of_the_media_folder_are_refused_and_links_within_it_are_not(tmp_path):
    outside = write_video(tmp_path / "outside.mp4", 5, size=SMALL)
    folder = tmp_path / "media"
    folder.mkdir()
    inside = write_video(folder / "inside.mp4", 5, size=SMALL)
    (folder / "out.mp4").symlink_to(outside)
    (folder / "in.mp4").symlink_to(inside)
    limits = Limits(folder=str(folder))
    assert len(read_video(folder / "in.mp4", 5, limits=limits).frames) == 5
    for path in (folder / "out.mp4", outside, folder / ".." / "outside.mp4"):
        with pytest.raises(MediaError, match="outside the media folder"):
            read_video(path, 5, limits=limits)


def test_a_file_deleted_or_replaced_while_it_is_read_is_still_the_one_that_was_checked(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 60, size=SMALL)

    def replace(done: int, total: int) -> None:
        path.unlink(missing_ok=True)
        path.write_text("something else")

    video = read_video(path, num_frames=6, progress=replace)
    assert [read_bar_code(frame) for frame in video.frames] == [5, 15, 25, 35, 45, 55]


def test_an_exceeded_limit_is_named(tmp_path):
    clip = write_video(tmp_path / "clip.mp4", 60, size=(320, 240))
    wide = write_video(tmp_path / "wide.mkv", 2, size=(4096, 16), codec="ffv1")
    for limits, path, reason in (
        (Limits(file_bytes=1000), clip, r"MB; the limit is 0 MB"),
        (Limits(duration=1.0), clip, "hours; the limit is"),
        (Limits(pixels=10_000), clip, "frames of 320 x 240; the limit is"),
        (Limits(aspect_ratio=100), wide, "more than 100 times the other"),
    ):
        with pytest.raises(MediaError, match=reason):
            read_video(path, 4, limits=limits)
    with pytest.raises(MediaError, match="600 frames were requested; .* between 1 and 512"):
        read_video(clip, 600)
    with pytest.raises(MediaError, match="full size would take"):
        read_video(clip, 60, limits=Limits(memory_bytes=10 * 2**20), isolated=False)
    with pytest.raises(ValueError, match="must be positive"):
        Limits(seconds=0)
    with pytest.raises(ValueError, match="unknown backend"):
        read_video(clip, backend="ffmpeg")
    with pytest.raises(ValueError, match="not both"):
        read_video(clip, num_frames=2, times=[0.0])


def test_frames_too_large_for_the_limits_are_refused_before_they_take_memory(tmp_path):
    import resource

    path = tmp_path / "16k.y4m"
    path.write_bytes(b"YUV4MPEG2 W15360 H8640 F25:1 C420jpeg\nFRAME\n" + bytes(10_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MediaError, match="15360 x 8640"):
        read_video(path, 1, size=448, isolated=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_pictures_and_videos_are_distinguished_by_content_not_by_name(tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "picture.mp4", format="PNG")
    write_video(tmp_path / "clip.mp4", 5, size=SMALL).rename(tmp_path / "video.jpg")
    assert probe(tmp_path / "picture.mp4").kind == "image"
    assert probe(tmp_path / "video.jpg").kind == "video"
    assert read_image(tmp_path / "picture.mp4").pixels.shape == (30, 40, 3)
    assert read_video(tmp_path / "video.jpg", 5).obtained == 5
    with pytest.raises(MediaError, match="is a still picture"):
        read_video(tmp_path / "picture.mp4")
    with pytest.raises(MediaError, match="is a video, not a picture"):
        read_image(tmp_path / "video.jpg")


def test_kinds_are_recognized_by_the_first_bytes():
    assert recognize(b"\0\0\0\x18ftypheic").reader == "HEIF"
    assert recognize(b"\0\0\0\x18ftypavif").reader == "AVIF"
    assert recognize(b"\0\0\0\x18ftypqt  ").reader == "mov"
    assert recognize((b"G" + bytes(187)) * 4).reader == "mpegts"
    assert recognize((bytes(4) + b"G" + bytes(187)) * 4).reader == "mpegts"
    assert recognize(b"GGGG is how this text begins") is None
    assert recognize(b"") is None
    assert describe_rejected(b"\xef\xbb\xbf<html>").startswith("a web page")
