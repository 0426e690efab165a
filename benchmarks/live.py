"""The cost of each frame of a stream: the same for the first frames and the last of 1,000.

The tower continues from its cache, and old frames fall out, so neither time nor memory grows.
"""

import statistics
import time

import numpy as np
import psutil

from benchmarks import embedded
from vlm.assistant import Stream

SIZE = (336, 448)  # height, width, as the page sends them


def run(quick: bool = False) -> list[str]:
    """Returns a Markdown table."""
    assistant, name = embedded.load()
    count = 100 if quick else 1000
    part = count // 10
    frame = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    rows = []
    experts = assistant.words
    for title, words in (("tower", None), ("tower and experts", experts)):
        if title != "tower" and words is None:
            continue
        assistant.words, stream = words, Stream()
        took, memory = [], []
        for second in range(count):
            started = time.process_time()
            stream = assistant.see_next(stream, np.roll(frame, second, axis=1), float(second))
            took.append(time.process_time() - started)
            memory.append(psutil.Process().memory_info().rss / 2**20)
        first, last = (statistics.median(one) * 1e3 for one in (took[:part], took[-part:]))
        grown = memory[-1] - memory[part]
        rows.append(
            f"| {title} | {first:.0f} ms | {last:.0f} ms | {grown:+.0f} MB | {len(stream.frames)} |"
        )
    assistant.close()
    return [
        f"## Frames of a stream ({name}, {count:,} frames of {SIZE[1]} x {SIZE[0]})",
        "",
        f"| | CPU time, first {part} frames | last {part} | memory since | frames kept |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
