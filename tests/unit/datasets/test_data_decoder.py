"""Media that hang or crash cost one process and are named; intact media are unchanged."""

import contextlib
import json
import os
import signal
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.records import MediaFile
from data.samples.dataset import MediaOptions, RecordDataset, RejectedSample
from data.samples.decoder import Decoder
from data.samples.disk_cache import FrameCache
from data.samples.quarantine import Quarantine, TooManyRejectedError
from data.sources.record_file import RecordFile
from data.sources.shards import TarMember
from tests.media_maker import TURNED, write_video
from tests.tiny import tiny_processor
from tests.waiting import kill_stopped, once_asked
from vlm.media.confined.limits import MediaError
from vlm.media.decode import read_image, read_video
from vlm.media.squares import resize_frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("decoder")
    Image.effect_noise((90, 60), 50).convert("RGB").save(root / "a.png")
    write_video(root / "v.mp4", 6, size=(64, 48))
    return root


def test_pixels_equal_those_read_in_process(folder: Path) -> None:
    decoder = Decoder()
    video = decoder.video(MediaFile("video", folder / "v.mp4"), 4, 32)
    plain = read_video(folder / "v.mp4", num_frames=4, isolated=False)
    assert np.array_equal(video.frames, resize_frames(plain.frames, 32))
    assert video.times == tuple(plain.times)
    image = decoder.image(MediaFile("image", folder / "a.png"))
    assert np.array_equal(image.frames[0], read_image(folder / "a.png", isolated=False).pixels)
    assert decoder.probe(MediaFile("video", folder / "v.mp4")).num_frames == 6


def test_one_process_reads_many_files_and_ends_with_its_decoder(folder: Path) -> None:
    decoder = Decoder()
    media = MediaFile("image", folder / "a.png")
    decoder.image(media)
    assert decoder._child is not None
    process = decoder._child.process
    decoder.image(media)
    assert decoder._child.process is process
    del decoder
    assert process.wait(60) == -signal.SIGKILL


def test_a_process_that_hangs_is_killed_and_the_next_file_is_read(folder: Path) -> None:
    decoder = Decoder(seconds=0.2)
    media = MediaFile("image", folder / "a.png")
    decoder.image(media, seconds=120)
    assert decoder._child is not None
    os.kill(decoder._child.process.pid, signal.SIGSTOP)
    with pytest.raises(MediaError, match='"a.png" took longer than 0 seconds'):
        decoder.image(media)
    assert decoder.image(media, seconds=120).frames.shape == (1, 60, 90, 3)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (signal.SIGSEGV, "made the decoder crash"),
        (signal.SIGKILL, "its reading process was killed from outside"),  # as by the kernel
    ],
)
def test_a_process_that_dies_costs_one_file(
    folder: Path, cause: signal.Signals, reason: str
) -> None:
    decoder = Decoder()
    media = MediaFile("image", folder / "a.png")
    decoder.image(media)
    assert decoder._child is not None
    process = decoder._child.process
    process.send_signal(signal.SIGSTOP)
    once_asked(decoder._child, partial(kill_stopped, process, cause))
    with pytest.raises(MediaError, match=reason):
        decoder.image(media)
    assert process.poll() is not None
    assert decoder.image(media).frames.shape == (1, 60, 90, 3)


def test_a_process_that_dies_between_files_costs_none(folder: Path) -> None:
    decoder = Decoder()
    media = MediaFile("image", folder / "a.png")
    decoder.image(media)
    assert decoder._child is not None
    decoder._child.process.kill()
    decoder._child.process.wait()
    assert decoder.image(media).frames.shape == (1, 60, 90, 3)


def test_a_damaged_file_costs_no_process(folder: Path) -> None:
    decoder = Decoder()
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:500])
    decoder.image(MediaFile("image", folder / "a.png"))
    assert decoder._child is not None
    process = decoder._child.process
    with pytest.raises(MediaError, match='"cut.png" begins like a PNG picture'):
        decoder.image(MediaFile("image", folder / "cut.png"))
    assert decoder.image(MediaFile("image", folder / "a.png")).frames.shape == (1, 60, 90, 3)
    assert decoder._child.process is process


def test_squares_of_rotated_and_mirrored_videos_equal_those_of_upright_frames(folder: Path) -> None:
    decoder = Decoder()
    for turn, matrix in TURNED.items():
        write_video(folder / "turned.mp4", 6, size=(64, 48), matrix=matrix)
        video = decoder.video(MediaFile("video", folder / "turned.mp4"), 3, 32)
        plain = read_video(folder / "turned.mp4", num_frames=3, size=128, isolated=False)
        assert np.array_equal(video.frames, resize_frames(plain.frames, 32)), turn


def test_reading_an_archive_member_leaves_no_copy_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = (folder / "a.png").read_bytes()
    (tmp_path / "shard.tar").write_bytes(b"before" + data + b"after")
    decoder = Decoder()
    whole = TarMember("image", folder / "a.png", (), tmp_path / "shard.tar", 6, len(data))
    plain = read_image(folder / "a.png", isolated=False).pixels
    assert np.array_equal(decoder.image(whole).frames[0], plain)
    cut = TarMember("image", folder / "a.png", (), tmp_path / "shard.tar", 6, len(data) + 100)
    with pytest.raises(MediaError, match='"a.png" is cut off: its tar file ends within it'):
        decoder.image(cut)
    assert [path.name for path in tmp_path.iterdir()] == ["shard.tar"]


def test_a_forked_decoder_starts_its_own_process_and_spares_the_first(folder: Path) -> None:
    decoder = Decoder()
    media = MediaFile("image", folder / "a.png")
    decoder.image(media)
    assert decoder._child is not None
    process = decoder._child.process
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(BaseException):
            decoder.image(media)
            status = 0 if decoder._child.process.pid != process.pid else 2
            decoder.close()
        os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert process.poll() is None
    assert decoder.image(media).frames.shape == (1, 60, 90, 3)
    assert decoder._child.process is process


def test_a_sample_has_one_time_limit_for_all_its_media(folder: Path) -> None:
    line = {
        "messages": [
            {"role": "user", "content": [{"type": "image", "image": "a.png"}]},
            {"role": "assistant", "content": "A."},
        ]
    }
    (folder / "r.jsonl").write_text(json.dumps(line) + "\n")
    records = RecordFile(folder / "r.jsonl")
    (bad,) = RecordDataset(records, tiny_processor(), media_options=MediaOptions(seconds=1e-9))
    assert isinstance(bad, RejectedSample)
    assert "took longer" in bad.reason
    assert bad.where == f"{folder / 'r.jsonl'}, line 1"


def test_cached_squares_are_keyed_by_content_and_reading_options(
    folder: Path, tmp_path: Path
) -> None:
    cache = FrameCache(tmp_path / "frames", 10**9)
    media = MediaFile("video", folder / "v.mp4")
    decoded = Decoder().video(media, 4, 32)
    assert cache.load(cache.name(media, 4, 32)) is None
    cache.store(cache.name(media, 4, 32), decoded)
    kept = cache.load(cache.name(media, 4, 32))
    assert kept is not None
    assert np.array_equal(kept.frames, decoded.frames)
    assert (kept.times, kept.damaged) == (decoded.times, decoded.damaged)
    assert cache.load(cache.name(media, 5, 32)) is None
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(media.path.read_bytes())
    assert cache.load(cache.name(MediaFile("video", copy), 4, 32)) is not None
    copy.write_bytes(media.path.read_bytes() + b"x")
    assert cache.load(cache.name(MediaFile("video", copy), 4, 32)) is None

    (file,) = (tmp_path / "frames").glob("*/*.safetensors")
    file.write_bytes(b"half written")
    assert cache.load(cache.name(media, 4, 32)) is None
    assert not file.exists()


def test_the_least_recently_used_squares_leave_the_cache_first(
    folder: Path, tmp_path: Path
) -> None:
    cache = FrameCache(tmp_path / "frames", 10**9)
    media = MediaFile("image", folder / "a.png")
    decoded = Decoder().image(media, 32)
    for side in range(1, 6):
        cache.store(cache.name(media, 1, side), decoded)
    for age, path in enumerate((tmp_path / "frames").glob("*/*")):
        os.utime(path, (age, age))
    assert cache.load(cache.name(media, 1, 3)) is not None
    size = max(path.stat().st_size for path in (tmp_path / "frames").glob("*/*"))
    FrameCache(tmp_path / "frames", 2 * size).trim()
    assert len(list((tmp_path / "frames").glob("*/*"))) == 2
    assert cache.load(cache.name(media, 1, 3)) is not None


def test_a_resumed_quarantine_continues_its_counts(tmp_path: Path) -> None:
    bad = {"place": 3, "where": "a.jsonl, line 4", "reason": "is damaged"}
    first = Quarantine(tmp_path / "run" / "quarantine.jsonl", 0.02)
    first.add(1, 50, [bad])
    first.add(2, 50, [{**bad, "place": 60}])
    first.check()
    again = Quarantine(tmp_path / "run" / "quarantine.jsonl", 0.02)
    again.resume(1, 50)
    assert (again.num_bad, again.num_seen) == (1, 50)
    again.add(2, 50, [bad, bad])
    with pytest.raises(
        TooManyRejectedError, match=r"3 of 100 samples cannot be used \(the last: a.jso"
    ):
        again.check()
    lines = (tmp_path / "run" / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 2]
