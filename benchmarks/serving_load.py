"""What is asked of the server under load, and the rows of the table that result."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks.serving_clients import Answer, Client, again, hostile_files, percentile

RUNNING = 8  # requests that are answered at once


@dataclass(frozen=True)
class Size:
    """How much is asked."""

    streams: int = 100
    surplus: int = 20
    tokens: int = 16
    films: int = 12  # of one round
    rounds: int = 3
    every: int = 5  # the bare loop asks every fifth question

    @property
    def questions(self) -> list[str]:
        return [f"Write a sentence about the number {i}." for i in range(self.streams)]


class Load:
    """A running server, and what is asked of it."""

    def __init__(
        self, client: Client, size: Size, films: Sequence[bytes], process: psutil.Process
    ) -> None:
        self.client, self.size, self.process = client, size, process
        self.clips = films
        self._alone: list[Answer] = []  # streams without surplus

    def films(self, number: int) -> list[bytes]:
        """Returns the films of one round, which no cache knows."""
        count, clips = self.size.films, self.clips
        return [again(clips[i % len(clips)], 1000 * number + i) for i in range(count)]

    async def streams(self, bare: float) -> list[str]:
        """Asks for as many streams as there are places. `bare`: seconds of a question alone."""
        await self.client.text("Hello")
        started = time.perf_counter()
        self._alone = await asyncio.gather(*map(self.client.text, self.size.questions))
        took = time.perf_counter() - started
        done = sum(answer.complete for answer in self._alone)
        count = self.size.streams
        return [
            f"| {count} streams at once, {RUNNING} running: complete | {done} of {count} |",
            f"| time for all, relative to the bare loop | {took / (bare * count):.2f} x |",
        ]

    async def surplus(self) -> list[str]:
        """Asks for more than may run and wait."""
        total = self.size.streams + self.size.surplus
        asked = [self.client.text(f"Write about {i}.") for i in range(total)]
        answers = await asyncio.gather(*asked)
        refused = [answer for answer in answers if answer.status == 429]
        done = [answer for answer in answers if answer.complete]
        median = percentile(done, 50)
        slowest = max((answer.seconds for answer in refused), default=0)
        return [
            f"| {total} streams at once, {self.size.streams} places: refused with 429 |"
            f" {len(refused)} |",
            f"| the others complete | {len(done)} of {total - len(refused)} |",
            "| longest wait for a refusal, relative to the median answer |"
            f" {slowest / median:.3f} x |",
            "| median time of an answer, relative to the same without surplus |"
            f" {median / percentile(self._alone, 50):.2f} x |",
        ]

    async def health(self) -> list[str]:
        """Measures /health while films are decoded, long prompts read and answers written."""
        idle = [await self.client.health() for _ in range(20)]
        long = "This is a long question. " * 60
        asked = [self.client.film(film) for film in self.films(1)[:RUNNING]]
        asked += [self.client.text(long + text) for text in self.size.questions[:RUNNING]]
        load = asyncio.gather(*asked)
        took: list[float] = []
        while not load.done():
            took.append(await self.client.health())
            await asyncio.sleep(0.02)
        answers = await load
        done = sum(answer.complete for answer in answers)
        middle, most = np.percentile(took, [50, 99]) * 1e3
        return [
            f"| films and long prompts at once: complete | {done} of {len(answers)} |",
            "| `/health` during decoding, prefill and answers: median, 99th percentile of"
            f" {len(took)} | {middle:.0f} ms, {most:.0f} ms |",
            f"| `/health` of an idle server: median | {np.median(idle) * 1e3:.0f} ms |",
        ]

    async def hostile(self, folder: Path) -> list[str]:
        """Asks about films alone, then about the same films with hostile files between them."""
        alone = await asyncio.gather(*map(self.client.film, self.films(2)))
        bad, mixed = hostile_files(folder), []
        for i, film in enumerate(self.films(3)):
            mixed += [self.client.film(film), self.client.film(bad[i % len(bad)])]
        answers = await asyncio.gather(*mixed)
        good, hostile = answers[::2], answers[1::2]
        count = len(alone)
        right = sum(a.complete and a.text == b.text for a, b in zip(good, alone, strict=True))
        refused = sum(answer.status == 422 for answer in hostile)
        return [
            f"| {count} films and {count} hostile files at once: films answered as alone |"
            f" {right} of {count} |",
            f"| hostile files refused with 422 | {refused} of {count} |",
            "| median of the films' time, relative to films alone |"
            f" {percentile(good, 50) / percentile(alone, 50):.2f} x |",
        ]

    async def memory(self) -> list[str]:
        """Repeats new films and streams; the caches are full after the first round."""
        seen = []
        count = self.size.films
        for number in range(self.size.rounds + 1):
            asked = [self.client.film(film) for film in self.films(10 + number)]
            asked += [self.client.text(f"Round {number}, item {i}.") for i in range(count)]
            await asyncio.gather(*asked)
            process = self.process
            rss = process.memory_info().rss / 2**20
            seen.append((rss, process.num_threads(), process.num_fds()))
        first, last = seen[0], seen[-1]
        requests = 2 * count * self.size.rounds
        return [
            f"| memory, threads and descriptors added by {requests} more requests |"
            f" {last[0] - first[0]:+.0f} of {last[0]:.0f} MB,"
            f" {last[1] - first[1]:+d}, {last[2] - first[2]:+d} |",
            "| processes left |"
            f" {len(self.process.children(recursive=True))} (a decoder in advance) |",
        ]
