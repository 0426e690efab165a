"""Subtitles inside a film: the track of text, without markup; films without one have none."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.subtitles.subtitle import SubtitleSet
from media_maker import write_video
from PIL import Image

from app.subtitles import with_subtitles
from vlm.media.confined.limits import MediaError
from vlm.media.subtitles import Caption, track_of

MILLISECONDS = Fraction(1, 1000)
HEADER = b"""[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
LINES = [(0, 2, "Good <i>morning</i>."), (2, 4, "Good night.")]
CAPTIONS = [(0, 2, "Good morning."), (2, 4, "Good night.")]


def with_track(film: Path, path: Path, codec: str) -> Path:
    """Copies a film and adds LINES as a track."""
    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        track = target.add_stream(codec)
        track.codec_context.time_base = track.time_base = MILLISECONDS
        track.codec_context.subtitle_header = HEADER
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
        for first, last, text in LINES:
            event = SubtitleSet.create(f"0,0,Default,,0,0,0,,{text}".encode(), 0, 1)
            packet = track.codec_context.encode_subtitle(event)
            packet.stream, packet.time_base = track, MILLISECONDS
            packet.pts = packet.dts = 1000 * first
            packet.duration = 1000 * (last - first)
            target.mux(packet)
    return path


@pytest.mark.parametrize(
    ("codec", "ending"), [("subrip", "mkv"), ("ass", "mkv"), ("mov_text", "mp4")]
)
def test_the_text_of_a_track_is_read_with_its_times(
    codec: str, ending: str, tmp_path: Path
) -> None:
    film = write_video(tmp_path / "silent.mkv", frames=40, fps=10, size=(160, 128))
    spoken = with_track(film, tmp_path / f"spoken.{ending}", codec)
    assert track_of(spoken) == [Caption(a, b, text, text) for a, b, text in CAPTIONS]
    assert with_subtitles("Who?", [spoken]).endswith(":\nGood morning.\nGood night.\nWho?")
    assert with_subtitles("Who?", [film]) == "Who?"


def test_files_without_a_track_have_no_captions(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "photo.png")
    assert track_of(tmp_path / "photo.png") == []
    (tmp_path / "broken.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(500))
    with pytest.raises(MediaError):
        track_of(tmp_path / "broken.mkv")
    assert with_subtitles("Who?", [tmp_path / "broken.mkv", tmp_path / "none.mp4"]) == "Who?"
