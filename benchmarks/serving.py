"""The server under load, on loopback: what a request costs, and what many and hostile ones do.

    python -m benchmarks.serving [--quick]

Prints its tables and, without --quick, writes benchmarks/serving.md. The server runs in a process
of its own. Times are ratios to a bare loop: `Assistant.reply` in this process, one question after
the other. The clients share the processor with the server, which the ratios include.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil

from benchmarks import embedded
from benchmarks.__main__ import machine
from benchmarks.chat import write_clip
from benchmarks.serving_clients import Answer, Client, hostile_files, percentile
from vlm.assistant import Assistant, Finished, Settings, State

RESULTS = Path(__file__).with_name("serving.md")
RUNNING = 8
STREAMS, SURPLUS = 100, 20
SERVER = """
import sys
from app.__main__ import parse
from app.serve.command import serve
from benchmarks import embedded
sys.exit(serve(parse(["serve", "--name", "m", *sys.argv[1:]]), lambda limits: embedded.load()[0]))
"""


@dataclass(frozen=True)
class Size:
    """How much is asked."""

    streams: int = STREAMS
    tokens: int = 16
    films: int = 24  # of one round
    rounds: int = 3


@contextmanager
def server(size: Size) -> Iterator[tuple[str, psutil.Process]]:
    """Yields the address of a server in a process of its own."""
    waiting = str(size.streams - RUNNING)
    options = ["--port", "0", "--running", str(RUNNING), "--queue", waiting, "--per-key", "10000"]
    command = [sys.executable, "-c", SERVER, *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if " answers at " in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()  # or it fills up
        yield line.split()[-1].removesuffix("/v1"), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def bare_loop(assistant: Assistant, questions: list[str], tokens: int) -> float:
    """Returns the seconds of the same questions without a server, one after the other."""
    started = time.perf_counter()
    for question in questions:
        *_, last = assistant.reply(State(), question, (), Settings(max_new_tokens=tokens))
        assert isinstance(last, Finished)
    return time.perf_counter() - started


def again(film: Path, number: int) -> bytes:
    """Returns a film with bytes at its end that no reader shows, so that no cache knows it."""
    return film.read_bytes() + number.to_bytes(8, "big")


async def measure(size: Size, address: str, process: psutil.Process, folder: Path) -> list[str]:
    """Returns the tables of everything that is measured with the server running."""
    assistant, name = embedded.load()
    questions = [f"Write a sentence about the number {i}." for i in range(size.streams)]
    films = [folder / f"{i}.mp4" for i in range(size.films)]
    for i, film in enumerate(films):
        write_clip(film, seconds=2 + i % 4)
        film.write_bytes(again(film, 1000 + i))
    bare = bare_loop(assistant, questions, size.tokens)
    assistant.close()
    unbounded = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=address, timeout=900, trust_env=False, limits=unbounded
    ) as http:
        client = Client(http, size.tokens)
        await client.text(questions[0])
        idle = [await client.health() for _ in range(20)]
        lines = [f"# The server under load ({name})", "", *_machine(), *_head()]
        rows, answers = await _streams(client, questions, bare)
        lines += rows
        lines += await _surplus(client, size, answers)
        lines += await _health(client, size, questions, films, idle)
        lines += await _hostile(client, size, films, folder)
        lines += await _memory(client, size, questions, films, process)
    return lines


def _machine() -> list[str]:
    return [f"Written by `python -m benchmarks.serving` on {machine()}.", ""]


def _head() -> list[str]:
    return ["| what | figure |", "|---|---|"]


async def _streams(
    client: Client, questions: list[str], bare: float
) -> tuple[list[str], list[Answer]]:
    started = time.perf_counter()
    answers = await asyncio.gather(*map(client.text, questions))
    took = time.perf_counter() - started
    done = sum(answer.complete for answer in answers)
    count = len(questions)
    return [
        f"| {count} streams at once, {RUNNING} running: complete | {done} of {count} |",
        f"| time for all, relative to the bare loop | {took / bare:.2f} x |",
    ], answers


async def _surplus(client: Client, size: Size, before: list[Answer]) -> list[str]:
    """Asks for more than may run and wait; the longest texts first hold all places."""
    asked = [client.text(f"Write about {i}.") for i in range(size.streams + SURPLUS)]
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status == 429]
    done = [answer for answer in answers if answer.complete]
    return [
        f"| {len(answers)} streams at once, {size.streams} places: refused with 429 |"
        f" {len(refused)} |",
        f"| the others complete | {len(done)} of {len(answers) - len(refused)} |",
        "| longest wait for a refusal, relative to the median answer |"
        f" {max((a.seconds for a in refused), default=0) / percentile(done, 50):.3f} x |",
        "| median time of an answer, relative to the same without surplus |"
        f" {percentile(done, 50) / percentile(before, 50):.2f} x |",
    ]


async def _health(
    client: Client, size: Size, questions: list[str], films: list[Path], idle: list[float]
) -> list[str]:
    """Measures /health while films are decoded, long prompts are read and answers are written."""
    long = "This is a long question. " * 60
    asked = [client.film(film.read_bytes()) for film in films[:RUNNING]]
    asked += [client.text(long + question) for question in questions[: 2 * RUNNING]]
    load = asyncio.gather(*asked)
    took: list[float] = []
    while not load.done():
        took.append(await client.health())
        await asyncio.sleep(0.02)
    await load
    middle, most = np.percentile(took, [50, 99]) * 1e3
    return [
        "| `/health` during decoding, prefill and answers: median, 99th percentile of"
        f" {len(took)} | {middle:.0f} ms, {most:.0f} ms |",
        f"| `/health` of an idle server: median | {np.median(idle) * 1e3:.0f} ms |",
    ]


async def _hostile(client: Client, size: Size, films: list[Path], folder: Path) -> list[str]:
    """Asks about films alone, then about the same films with hostile files between them."""
    alone = await asyncio.gather(*[client.film(again(film, 1)) for film in films])
    bad = hostile_files(folder)
    mixed = []
    for i, film in enumerate(films):
        mixed += [client.film(again(film, 2)), client.film(bad[i % len(bad)])]
    answers = await asyncio.gather(*mixed)
    good, hostile = answers[::2], answers[1::2]
    right = sum(a.complete and a.text == b.text for a, b in zip(good, alone, strict=True))
    refused = sum(answer.status == 422 for answer in hostile)
    return [
        f"| {len(films)} films and {len(films)} hostile files at once: films answered as alone |"
        f" {right} of {len(films)} |",
        f"| hostile files refused with 422 | {refused} of {len(hostile)} |",
        "| 95th percentile of the films' time, relative to films alone |"
        f" {percentile(good, 95) / percentile(alone, 95):.2f} x |",
    ]


async def _memory(
    client: Client, size: Size, questions: list[str], films: list[Path], process: psutil.Process
) -> list[str]:
    """Repeats films and streams; caches are full after the first round."""
    rows = []
    for _ in range(size.rounds + 1):
        asked = [client.film(again(film, 3)) for film in films]
        await asyncio.gather(*asked, *map(client.text, questions[: size.films]))
        rows.append((process.memory_info().rss / 2**20, process.num_threads(), process.num_fds()))
    first, last = rows[0], rows[-1]
    requests = 2 * size.films * size.rounds
    return [
        f"| memory, threads and descriptors added by {requests} more requests |"
        f" {last[0] - first[0]:+.0f} MB, {last[1] - first[1]:+d}, {last[2] - first[2]:+d} |",
        f"| processes left | {len(process.children(recursive=True))} (a decoder in advance) |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few requests; writes no file")
    args = parser.parse_args()
    size = Size(streams=16, tokens=4, films=4, rounds=1) if args.quick else Size()
    with tempfile.TemporaryDirectory() as folder, server(size) as (address, process):
        lines = asyncio.run(measure(size, address, process, Path(folder)))
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if not args.quick:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
