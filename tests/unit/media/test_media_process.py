"""The process that reads: limited, killed in time, ready ahead, and light."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from media_maker import write_video
from PIL import Image

from vlm.media.confined.child import Child
from vlm.media.confined.limits import Limits, MediaCancelled, MediaError
from vlm.media.decode import MediaReader, read_image, read_video

SMALL = (160, 128)


@pytest.fixture
def long_video(tmp_path):
    """Takes seconds to decode: few key frames, asked for at its end."""
    return write_video(tmp_path / "long.mp4", 3000, gop=3000, size=SMALL)


def stuck_child() -> Child:
    """A process that hears the request and never answers."""
    child = Child()
    os.kill(child.process.pid, signal.SIGSTOP)
    return child


def test_cancel_ends_the_reading_within_half_a_second(long_video):
    cancel, child = threading.Event(), stuck_child()
    set_at: list[float] = []

    def stop() -> None:
        set_at.append(time.monotonic())
        cancel.set()

    threading.Timer(0.2, stop).start()
    with pytest.raises(MediaCancelled, match='Reading "long.mp4" was stopped'):
        read_video(long_video, 16, cancel=cancel, child=child)
    assert time.monotonic() - set_at[0] < 0.5
    assert child.process.poll() is not None


def test_cancel_is_heeded_in_process_too_and_before_anything_begins(long_video):
    cancel = threading.Event()

    def stop_after_one(done: int, total: int) -> None:
        if done:
            cancel.set()

    for isolated in (True, False):
        cancel.clear()
        with pytest.raises(MediaCancelled):
            read_video(long_video, 64, isolated=isolated, cancel=cancel, progress=stop_after_one)
    with pytest.raises(MediaCancelled):
        read_image(long_video, cancel=cancel)


def test_a_reader_that_hangs_is_killed_when_its_time_is_over(long_video):
    child = stuck_child()
    begin = time.monotonic()
    with pytest.raises(MediaError, match="took longer than 1 seconds"):
        read_video(long_video, 4, limits=Limits(seconds=1.0), child=child)
    assert time.monotonic() - begin < 3
    assert child.process.poll() is not None
    with pytest.raises(MediaError, match="took longer than"):
        read_video(long_video, 4, limits=Limits(seconds=0.001), isolated=False)


def test_a_reader_that_is_killed_costs_one_sentence_and_the_next_file_works(long_video):
    for what, said in ((signal.SIGSEGV, "crash"), (signal.SIGKILL, "memory")):
        child = stuck_child()
        timer = threading.Timer(0.3, child.process.send_signal, [what])
        timer.start()
        threading.Timer(0.4, child.process.send_signal, [signal.SIGCONT]).start()
        with pytest.raises(MediaError, match=said):
            read_video(long_video, 4, child=child)
    assert read_video(long_video, times=[0.0]).obtained == 1


def test_memory_is_limited(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.bmp")
    with pytest.raises(MediaError, match="needs more than the 0.1 GB of memory"):
        read_image(tmp_path / "large.bmp", limits=Limits(memory_bytes=120 * 2**20))
    assert read_image(tmp_path / "large.bmp", size=100).pixels.shape == (75, 100, 3)


def test_the_reading_process_limits_itself_and_sees_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    child = Child()
    try:
        environment = open(f"/proc/{child.process.pid}/environ").read()  # noqa: SIM115
        assert "hunter2" not in environment
        path = write_video(tmp_path / "clip.mp4", 300, size=SMALL)
        seen = []

        def look(done: int, total: int) -> None:
            if not seen:
                seen.append(open(f"/proc/{child.process.pid}/limits").read())  # noqa: SIM115

        read_video(path, 300, child=child, progress=look)
        limits = {line[:25].strip(): line[26:].split()[0] for line in seen[0].splitlines()[1:]}
        assert limits["Max address space"] == str(2 * 2**30)
        assert limits["Max file size"] == "0"
        assert limits["Max core file size"] == "0"
        assert limits["Max open files"] == "64"
        assert int(limits["Max cpu time"]) < 1000
    finally:
        child.close()


def test_isolated_and_in_process_reading_give_the_same(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 90, b_frames=2)
    here, there = read_video(path, 12, isolated=False), read_video(path, 12)
    assert np.array_equal(here.frames, there.frames)
    assert np.array_equal(here.times, there.times)
    assert (here.duration, here.damaged) == (there.duration, there.damaged)


def test_a_reader_has_the_next_process_ready_and_leaves_none_behind(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 30, size=SMALL)
    reader = MediaReader()
    used = []
    for _ in range(3):
        used.append(reader._ready.process)
        assert reader.read_video(path, 4).obtained == 4
    assert len({process.pid for process in used}) == 3  # one process for one file
    reader._ready.process.kill()  # a spare that died while it waited
    reader._ready.process.wait()
    assert reader.probe(path).num_frames == 30
    last = reader._ready.process
    reader.close()
    assert all(process.poll() is not None for process in [*used, last])
    assert reader.read_video(path, 2).obtained == 2  # closed means only: nothing is kept ready


def test_two_threads_may_read_at_once(tmp_path):
    paths = [write_video(tmp_path / f"{n}.mp4", 20 + n, size=SMALL) for n in range(4)]
    counts: dict[int, int] = {}
    with MediaReader() as reader:

        def work(n: int) -> None:
            counts[n] = reader.probe(paths[n]).num_frames

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == {n: 20 + n for n in range(4)}


def test_reading_media_needs_neither_torch_nor_a_model():
    code = (
        "import sys, vlm.media.decode, vlm.media.squares\n"
        "heavy = {'torch', 'transformers', 'av', 'gradio', 'decord'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_reading_process_works_whatever_folder_the_program_runs_in(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4", 10, size=SMALL)
    (tmp_path / "json.py").write_text("raise SystemExit('a file in the folder was imported')")
    (tmp_path / "av.py").write_text("raise SystemExit('a file in the folder was imported')")
    monkeypatch.chdir(tmp_path)
    assert read_video("clip.mp4", 10).obtained == 10
    assert path.exists()
