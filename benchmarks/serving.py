"""The server under load, on loopback: what a request costs, and what many and hostile ones do.

    python -m benchmarks.serving [--quick]

Takes about two minutes on two cores and writes benchmarks/serving.md; --quick asks little and
writes nothing. Each part ends within its limit or the command fails. The server runs in a process
of its own. Times are ratios to a bare loop: `Assistant.reply` in this process, one question after
the other. The clients share the processor with the server, which the ratios include. The experts
are off: what they cost does not depend on the server.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from benchmarks import embedded
from benchmarks.__main__ import machine
from benchmarks.serving_clients import Client, write_films
from benchmarks.serving_load import RUNNING, Load, Size
from vlm.assistant import Assistant, Finished, Settings, State
from vlm.ending import end

RESULTS = Path(__file__).with_name("serving.md")
PATIENCE = 100.0  # seconds for one part, of which a quiet machine takes a third
START, END = 120.0, 30.0  # seconds for the server's start and end
# The caches are small, so that they are full early and what grows after that is a leak.
SERVER = """
import sys
from app.__main__ import parse
from app.serve.command import serve
from benchmarks import embedded
from vlm.inference.caches import MediaCache, PrefixCache

def load(limits):
    assistant, _ = embedded.load(experts=())
    assistant.media, assistant.prefixes = MediaCache(2**22), PrefixCache(2**25)
    return assistant

sys.exit(serve(parse(["serve", "--name", "m", *sys.argv[1:]]), load))
"""
Result = TypeVar("Result")


@contextmanager
def server(size: Size) -> Iterator[tuple[str, psutil.Process]]:
    """Yields the address of a server in a process of its own. Raises SystemExit if it fails."""
    waiting = str(size.streams - RUNNING)
    options = ["--port", "0", "--running", str(RUNNING), "--queue", waiting, "--per-key", "10000"]
    command = [sys.executable, "-c", SERVER, *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    impatient = threading.Timer(START, process.kill)
    impatient.start()
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if " answers at " in line:
                break
        else:
            raise SystemExit(f"the server did not start: {''.join(lines)[-2000:]}")
        impatient.cancel()
        threading.Thread(target=process.stderr.read, daemon=True).start()  # or it fills up
        yield line.split()[-1].removesuffix("/v1"), psutil.Process(process.pid)
    finally:
        impatient.cancel()
        process.terminate()
        try:
            process.wait(END)
        except subprocess.TimeoutExpired:
            process.kill()


def bare_loop(assistant: Assistant, questions: list[str], tokens: int) -> float:
    """Returns the mean seconds of a question without a server, one after the other.

    Raises SystemExit if they take too long.
    """
    settings = Settings(max_new_tokens=tokens)
    list(assistant.reply(State(), "Hello", (), settings))
    started = time.perf_counter()
    for question in questions:
        if time.perf_counter() - started > PATIENCE:
            raise SystemExit(too_slow("the bare loop"))
        *_, last = assistant.reply(State(), question, (), settings)
        assert isinstance(last, Finished)
    return (time.perf_counter() - started) / len(questions)


def report(sentence: str) -> None:
    """Writes progress to the terminal."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def too_slow(name: str) -> str:
    """Returns the sentence that ends the command."""
    return (
        f"{name}: not done after {PATIENCE:.0f} s. Other programs slow it more than they take, as"
        " threads wait for each other: end them, or set OMP_NUM_THREADS=1."
    )


async def part(name: str, work: Coroutine[Any, Any, Result]) -> Result:
    """Runs one part and reports its seconds. Raises SystemExit if it takes too long."""
    started = time.perf_counter()
    try:
        result = await asyncio.wait_for(work, PATIENCE)
    except TimeoutError:
        raise SystemExit(too_slow(name)) from None
    report(f"{name}: {time.perf_counter() - started:.0f} s")
    return result


async def measure(
    size: Size, bare: float, address: str, process: psutil.Process, folder: Path
) -> list[str]:
    """Returns the rows of everything that is measured with the server running."""
    unbounded = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=address, timeout=PATIENCE, trust_env=False, limits=unbounded
    ) as http:
        load = Load(Client(http, size.tokens), size, write_films(folder, 4), process)
        return [
            *await part(f"{size.streams} streams at once", load.streams(bare)),
            *await part("more than there are places", load.surplus()),
            *await part("/health under load", load.health()),
            *await part("hostile files between films", load.hostile(folder)),
            *await part("memory", load.memory()),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="few requests; writes no file")
    args = parser.parse_args()
    size = Size(streams=16, surplus=8, tokens=4, films=4, rounds=1) if args.quick else Size()
    report("loading the model; then the bare loop ...")
    assistant, name = embedded.load(experts=())
    bare = bare_loop(assistant, size.questions[:: size.every], size.tokens)
    assistant.close()
    report(f"the bare loop: {bare:.2f} s for a question; starting the server ...")
    with tempfile.TemporaryDirectory() as folder, server(size) as (address, process):
        rows = asyncio.run(measure(size, bare, address, process, Path(folder)))
    lines = [
        f"# The server under load ({name})",
        "",
        f"Written by `python -m benchmarks.serving` on {machine()}.",
        f"Answers of {size.tokens} tokens, films of 8 frames without experts. In half precision an"
        " answer of a batch may round to another word than the one alone.",
        "",
        "| what | figure |",
        "|---|---|",
        *rows,
    ]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if not args.quick:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    end(main)
