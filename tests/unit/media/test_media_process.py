"""The reading process: limited, killed in time, started ahead, and light."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest
from media_maker import write_video
from PIL import Image
from waiting import kill_stopped, once_asked, until

from vlm.media.collect import THREADS
from vlm.media.confined.child import ENV_ADDED, ENV_ALLOWLIST, Child
from vlm.media.confined.limits import Limits, MediaCancelled, MediaError
from vlm.media.confined.protocol import Request
from vlm.media.decode import MediaReader, probe, read_image, read_video
from vlm.media.readers import animation_index
from vlm.media.readers.dispatch import read
from vlm.media.source import open_source

SMALL = (160, 128)


@pytest.fixture
def long_video(tmp_path):
    """Takes seconds to decode: a single key frame, and requests near the end."""
    return write_video(tmp_path / "long.mp4", 3000, gop=3000, size=SMALL)


def wait_until_loaded(child: Child) -> None:
    """Waits until the process ignores SIGTERM, the first step of its main."""

    def ignores() -> int:
        text = open(f"/proc/{child.process.pid}/status").read()  # noqa: SIM115
        line = next(line for line in text.splitlines() if line.startswith("SigIgn"))
        return int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1

    until(ignores)


def stuck_child() -> Child:
    """A process that receives the request and never answers."""
    child = Child()
    os.kill(child.process.pid, signal.SIGSTOP)
    return child


def test_cancel_ends_the_reading_of_a_process_that_hangs(long_video):
    cancel, child = threading.Event(), stuck_child()
    once_asked(child, cancel.set)
    with pytest.raises(MediaCancelled, match='Reading "long.mp4" was stopped'):
        read_video(long_video, 16, cancel=cancel, child=child)
    assert child.process.poll() is not None


def test_cancel_ends_a_first_look_of_a_process_that_hangs(tmp_path):
    path = tmp_path / "moving.gif"
    frames = [Image.new("L", (64, 48), 50 * shade) for shade in range(5)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    child, cancel = stuck_child(), threading.Event()
    once_asked(child, cancel.set)
    with pytest.raises(MediaCancelled, match='Reading "moving.gif" was stopped'):
        probe(path, cancel=cancel, child=child)
    assert child.process.poll() is not None
    with MediaReader() as reader, pytest.raises(MediaCancelled):
        reader.probe(path, cancel)
    with pytest.raises(MediaCancelled):
        probe(path, isolated=False, cancel=cancel)


def test_a_first_look_in_process_hears_a_cancel_in_the_middle(tmp_path, monkeypatch):
    """Both of a film whose packets are read and of a GIF whose blocks are."""
    film = write_video(tmp_path / "long.mkv", 1000, size=SMALL)
    gif = tmp_path / "long.gif"
    frames = [Image.new("L", (64, 48), 5 * shade) for shade in range(50)]
    frames[0].save(gif, save_all=True, append_images=frames[1:])
    monkeypatch.setattr(animation_index, "CHECK_EVERY", 16)
    for path in (film, gif):
        calls = []

        def check(calls: list[int] = calls) -> None:
            calls.append(1)
            if len(calls) > 2:
                raise MediaCancelled("stopped")

        with open_source(path, Limits()) as source, pytest.raises(MediaCancelled):
            list(read(source, Request("probe"), check))
        assert len(calls) == 3


def test_cancel_also_works_in_process_and_before_the_reading_begins(long_video):
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


def test_a_hanging_process_is_killed_when_its_time_is_over(long_video):
    child = stuck_child()
    with pytest.raises(MediaError, match="took longer than 1 seconds"):
        read_video(long_video, 4, limits=Limits(seconds=1.0), child=child)
    assert child.process.poll() is not None
    with pytest.raises(MediaError, match="took longer than"):
        read_video(long_video, 4, limits=Limits(seconds=0.001), isolated=False)


def test_a_killed_process_costs_one_sentence_and_the_next_file_works(long_video):
    killed = "was killed from outside, as the system does when the machine runs out of memory"
    for cause, reason in ((signal.SIGSEGV, "crash"), (signal.SIGKILL, killed)):
        child = stuck_child()
        once_asked(child, partial(kill_stopped, child.process, cause))
        with pytest.raises(MediaError, match=reason):
            read_video(long_video, 4, child=child)
    assert read_video(long_video, times=[0.0]).obtained == 1


@pytest.mark.parametrize("reuse", [False, True])
def test_memory_is_limited(tmp_path, reuse):
    noise = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.bmp")
    child = Child(reuse=reuse)
    with pytest.raises(MediaError, match="needs more than the 0.1 GB of memory"):
        read_image(tmp_path / "large.bmp", limits=Limits(memory_bytes=120 * 2**20), child=child)
    assert child.process.poll() is not None
    assert read_image(tmp_path / "large.bmp", size=100).pixels.shape == (75, 100, 3)


@pytest.mark.parametrize("reuse", [False, True])
def test_the_reading_process_limits_itself_and_sees_no_secrets(tmp_path, monkeypatch, reuse):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    child = Child(reuse=reuse)
    try:
        path = write_video(tmp_path / "clip.mp4", 300, size=SMALL)
        seen = []

        def look(done: int, total: int) -> None:
            if not seen:
                seen.append(open(f"/proc/{child.process.pid}/limits").read())  # noqa: SIM115
                seen.append(open(f"/proc/{child.process.pid}/environ").read())  # noqa: SIM115
                seen.append(open(f"/proc/{child.process.pid}/status").read())  # noqa: SIM115
                seen.append(os.getsid(child.process.pid))

        read_video(path, 300, child=child, progress=look, limits=Limits(seconds=50))
        limits = {line[:25].strip(): line[26:].split() for line in seen[0].splitlines()[1:]}
        assert limits["Max address space"][:2] == 2 * [str(2 * 2**30)]
        assert limits["Max file size"][:2] == ["0", "0"]
        assert limits["Max core file size"][:2] == ["0", "0"]
        assert limits["Max open files"][:2] == ["64", "64"]
        soft, hard = limits["Max cpu time"][:2]
        threads = 1 if reuse else THREADS
        assert 50 * threads < int(soft) < 50 * threads + 10
        assert reuse or int(hard) == int(soft) + 1  # a reused process must be able to raise it
        names = {line.split("=")[0] for line in seen[1].split("\0") if line}
        assert names <= {*ENV_ALLOWLIST, *ENV_ADDED}
        assert "hunter2" not in seen[1]
        ignored = next(line for line in seen[2].splitlines() if line.startswith("SigIgn"))
        assert int(ignored.split()[1], 16) >> (signal.SIGTERM - 1) & 1
        assert seen[3] == child.process.pid  # a session of its own: no Ctrl-C
    finally:
        child.close()


def test_a_reused_process_gets_new_processor_time_for_every_file(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 300, size=SMALL)
    child = Child(reuse=True)
    try:
        for seconds in (60, 90, 40):  # up and down again
            read_video(path, 4, child=child, limits=Limits(seconds=seconds))
            text = open(f"/proc/{child.process.pid}/limits").read()  # noqa: SIM115
            line = next(line for line in text.splitlines() if line.startswith("Max cpu time"))
            assert seconds < int(line.split()[3]) < seconds + 5
        assert child.usable
    finally:
        child.close()


@pytest.mark.parametrize("reuse", [False, True])
def test_the_reading_process_cannot_write_files(tmp_path, reuse):
    """Runs the worker's own `confine` and then tries to write, as a compromised decoder would."""
    code = (
        "import signal\n"
        "from vlm.media.confined.protocol import Request\n"
        "from vlm.media.confined.worker import confine\n"
        f"confine(Request('probe'), {reuse})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'written')!r}, 'wb', buffering=0).write(b'x')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "File too large" in done.stderr
    assert (tmp_path / "written").stat().st_size == 0


@pytest.mark.parametrize("reuse", [False, True])
def test_the_reading_process_is_ended_by_its_processor_time(reuse):
    code = (
        "import signal\n"
        "from vlm.media.confined.limits import Limits\n"
        "from vlm.media.confined.protocol import Request\n"
        "from vlm.media.confined.worker import confine\n"
        f"confine(Request('probe', limits=Limits(seconds=0.01)), {reuse})\n"
        "signal.alarm(0)\n"  # the clock would end it as well
        "while True: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert done.returncode == -signal.SIGXCPU  # not the SIGKILL of the hard limit


@pytest.mark.parametrize("reuse", [False, True])
def test_the_reading_process_ignores_sigterm_and_ends_with_its_socket(tmp_path, reuse):
    path = write_video(tmp_path / "clip.mp4", 30, size=SMALL)
    child = Child(reuse=reuse)
    try:
        wait_until_loaded(child)
        child.process.send_signal(signal.SIGTERM)
        assert read_video(path, 4, child=child).obtained == 4
        if reuse:
            child.socket.close()
            assert child.process.wait(60) == 0
    finally:
        child.close()


def test_a_reused_process_is_killed_by_a_file_that_takes_too_long(long_video):
    child = Child(reuse=True)
    assert read_video(long_video, times=[0.0], child=child).obtained == 1
    os.kill(child.process.pid, signal.SIGSTOP)
    with pytest.raises(MediaError, match="took longer than 1 seconds"):
        read_video(long_video, 4, limits=Limits(seconds=0.6), child=child)
    assert child.process.poll() is not None
    assert not child.usable


def test_a_reused_process_is_killed_by_a_cancel(long_video):
    cancel, child = threading.Event(), Child(reuse=True)

    def stop_after_one(done: int, total: int) -> None:
        if done:
            cancel.set()

    with pytest.raises(MediaCancelled):
        read_video(long_video, 64, cancel=cancel, progress=stop_after_one, child=child)
    assert child.process.poll() is not None


def test_isolated_and_in_process_reading_give_the_same(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 90, b_frames=2)
    here, there = read_video(path, 12, isolated=False), read_video(path, 12)
    assert np.array_equal(here.frames, there.frames)
    assert np.array_equal(here.times, there.times)
    assert (here.duration, here.damaged) == (there.duration, there.damaged)


def test_a_reader_keeps_the_next_process_ready_and_leaves_none_behind(tmp_path):
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
    assert reader.read_video(path, 2).obtained == 2  # a closed reader only keeps no process ready


def test_several_threads_can_read_at_once(tmp_path):
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


def test_the_reading_process_imports_nothing_from_the_working_folder(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4", 10, size=SMALL)
    (tmp_path / "json.py").write_text("raise SystemExit('a file in the folder was imported')")
    (tmp_path / "av.py").write_text("raise SystemExit('a file in the folder was imported')")
    monkeypatch.chdir(tmp_path)
    assert read_video("clip.mp4", 10).obtained == 10
    assert path.exists()
