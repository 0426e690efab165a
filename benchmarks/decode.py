"""Time to read 32 frames of a minute of 1080p, compared with plain PyAV in the same process.

    python -m benchmarks.decode [--quick]

Both sides return the same 32 frames, 448 pixels wide. Plain PyAV seeks to each timestamp and
decodes from the key frame before it. Ours validates the file, decodes in a process with limits and
transfers the frames. Runs alternate, so that a busy machine slows both; prints medians and their
ratio.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import medians
from vlm.ending import end
from vlm.media.decode import MediaReader, read_video
from vlm.media.sampling import segment_times

WIDTH, HEIGHT, FPS, LONGEST = 1920, 1080, 30, 448


def make_video(path: Path, seconds: int) -> None:
    """Writes a video of a drifting texture, at about the bit rate of a phone."""
    random = np.random.default_rng(0)
    coarse = random.integers(40, 200, (68, 121), dtype=np.uint8)
    luma = np.kron(coarse, np.ones((16, 16), np.uint8))[:HEIGHT, :WIDTH]
    luma = luma + random.integers(0, 12, luma.shape, dtype=np.uint8)
    chroma = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
    options = {"preset": "ultrafast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * FPS):
            planes = np.concatenate([np.roll(luma, (number, 3 * number), (0, 1)), chroma])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


def plain_pyav(path: Path, times: list[float]) -> NDArray[np.uint8]:
    """The code without a library: seek, decode, resize, stack."""
    frames = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for time in times:
            container.seek(int(time / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                if frame.time + 1 / FPS > time:
                    break
            small = frame.reformat(
                LONGEST, LONGEST * HEIGHT // WIDTH, "rgb24", interpolation="BICUBIC"
            )
            frames.append(small.to_ndarray())
    return np.stack(frames)


def run(quick: bool) -> list[str]:
    """Returns a section for benchmarks/results.md."""
    seconds, num_frames, repeats = (10, 8, 3) if quick else (60, 32, 9)
    with tempfile.TemporaryDirectory() as folder, MediaReader() as reader:
        path = Path(folder) / "film.mp4"
        make_video(path, seconds)
        times = segment_times(float(seconds), num_frames)
        ours = read_video(path, num_frames, size=LONGEST)
        if not np.array_equal(ours.frames, plain_pyav(path, times)):
            raise AssertionError("the two sides do not return the same frames")
        tasks = {
            "PyAV seeking, in this process, without limits": lambda: plain_pyav(path, times),
            "`read_video`, a new process": lambda: read_video(path, num_frames, size=LONGEST),
            "`MediaReader.read_video`, process started in advance": lambda: reader.read_video(
                path, num_frames, size=LONGEST
            ),
        }
        took = {name: one.clock for name, one in medians(tasks, repeats).items()}
        megabytes = path.stat().st_size / 2**20
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    base = next(iter(took.values()))
    return [
        f"## Reading {num_frames} frames of {seconds} s of 1080p",
        "",
        f"H.264, {megabytes:.0f} MB, a key frame every second; frames {LONGEST} pixels wide. Peak "
        f"memory of the reading process: {memory:.0f} MB.",
        "",
        "| | seconds | relative to PyAV in process |",
        "|---|---:|---:|",
        *(f"| {name} | {median:.3f} | {median / base:.2f} x |" for name, median in took.items()),
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ten seconds of video, few rounds")
    print("\n".join(run(parser.parse_args().quick)))


if __name__ == "__main__":
    end(main)
