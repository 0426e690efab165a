"""An assistant without a model, for tests of the user interface: same events, scripted answers.

What it does is chosen by words in the question: "slow" falls silent after ten words until it is
stopped, "long look" does so before its first word, "long answer" has sixty words, "bad file" fails
while decoding, "break" fails in the model, "hostile" answers with HTML. The experts look if the
question has "read" in it; with "read hostile" they find HTML and control codes in the picture.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vlm.assistant import (
    Asked,
    Decided,
    Decoding,
    Encoding,
    FilePlan,
    Finished,
    MediaSource,
    Plan,
    Planned,
    Seen,
    Settings,
    State,
    Stream,
    TextDelta,
    Turn,
    Usage,
)
from vlm.experts.findings import Findings, Kind, Line, Thing
from vlm.inference.visual.live import LiveFrame
from vlm.inference.visual.media_source import as_source
from vlm.media.confined.limits import MediaError
from vlm.media.source import display_name

HOSTILE = (
    "<script>window.broken = 1</script>"
    '<img src="http://example.org/a.png" onerror="window.broken = 2">'
    '<form action="http://example.org"><input></form> ![pixel](http://example.org/b.png) '
    '[a link](http://example.org/c)\n\n```html\n<img src="http://example.org/d.png">\n```\n'
    "\x1b[31mred \x1b]0;title\x07"
)
SILENCE = 120.0  # seconds; longer than any wait of a test


class FakeAssistant:
    """Same methods as the real one."""

    card = {
        "name": "Test model",
        "parameters": "0 M",
        "context": 8192,
        "knows": "nothing; it only repeats the question.",
        "limits": "It has never seen a picture.",
    }

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...], Settings]] = []
        self.systems: list[str | None] = []  # the system message of each question

    def plan(self, state: State, files: Sequence[Path], text: str, settings: Settings) -> Plan:
        rows = tuple(
            FilePlan(path.name, _kind(path), 8, 4, 1, 8 * 17, size=(160, 90)) for path in files
        )
        return Plan(rows, 8 * 17 * len(rows) + 40, 8000, ())

    def reply(
        self,
        state: State,
        text: str,
        files: Sequence[Path | MediaSource] = (),
        settings: Settings | None = None,
        stop: threading.Event | None = None,
        *,
        earlier: Sequence[Asked] = (),
    ) -> Iterator[Any]:
        stop, settings = stop or threading.Event(), settings or Settings()
        text = text or "What is in this?"
        self.asked.append((text, tuple(as_source(path).path.name for path in files), settings))
        self.systems.append(state.system)
        if "bad file" in text:
            name = display_name(as_source(files[0]).path) if files else "clip.mp4"
            raise MediaError(f"{name} has no pictures in it; give a video or an image.")
        before = [source.path for asked in earlier for source in asked.files]
        read_again = [Turn(asked.text, (), asked.answer) for asked in earlier]
        given, state = state, State((*state.turns, *read_again))
        files = [as_source(file).path for file in files]
        yield Planned(self.plan(state, [*before, *files], text, settings))
        seen = []
        for path in [*before, *files]:
            for done in range(1, 9):
                yield Decoding(path.name, done, 8)
                time.sleep(0.01)
            seen.append(_seen(path, text))
        yield Encoding(0, 8)
        if "long look" in text:
            stop.wait(SILENCE)
        if stop.is_set():
            yield Finished(
                given, "", tuple(seen), Usage(200, 0, 0, 136, 7900, 0.0, 0.0, len(files), 0), True
            )
            return
        if "break" in text:
            raise RuntimeError("/secret/path went wrong")
        yield Encoding(8, 8)
        said = ""
        for piece in self._answer(state, text):
            if stop.is_set():
                break
            said += piece
            yield TextDelta(piece)
        if "slow" in text:
            self.falls_silent()
            stop.wait(SILENCE)
        turn = Turn(text, tuple(path.name for path in files), said)
        usage = Usage(200, 0, len(said.split()), 136, 7900, 0.1, 25.0, len(files), len(files))
        yield Finished(State((*state.turns, turn)), said, tuple(seen), usage, stop.is_set())

    def see_next(self, stream: Stream, frame: np.ndarray, time: float) -> Stream:
        seen = LiveFrame(time, frame[:16, :16], 0.0, torch.zeros(1, 1))
        height, width = frame.shape[:2]
        return Stream((*stream.frames, seen)[-64:], stream.num_seen + 1, (width, height))

    def decide(self, state: State, text: str, options: Any, files: Any = ()) -> Iterator[Any]:
        """Is sure of "yes" if the question has it in it."""
        first = 0.9 if "yes" in text else 0.1
        usage = Usage(200, 0, 1, 136, 7900, 0.1, 25.0, 0, 0)
        yield Decided(options, (math.log(first), math.log(1 - first)), (), usage)

    def falls_silent(self) -> None:
        """Called when a slow answer has given its words; tests replace it."""

    def _answer(self, state: State, text: str) -> list[str]:
        if "hostile" in text:
            return [HOSTILE]
        if "slow" in text or "long answer" in text:
            return [f"word{i} " for i in range(10 if "slow" in text else 60)]
        return ["You ", "asked: ", "**", text, "** ", f"({len(state.turns)} turns before)"]


def _kind(path: Path) -> str:
    is_video = path.suffix in (".mp4", ".webm", ".mkv") or path.name == "live picture"
    return "video" if is_video else "image"


def _seen(path: Path, text: str) -> Seen:
    count = 8 if _kind(path) == "video" else 1
    frames = [np.full((96, 128, 3), 25 * i + 40, np.uint8) for i in range(count)]
    for i, frame in enumerate(frames):
        frame[30:60, 10 + 10 * i : 40 + 10 * i] = (200, 40, 40)
    times = tuple(0.25 + 0.5 * i for i in range(count)) if count > 1 else None
    if "read" not in text:
        return Seen(path.name, _kind(path), frames, times)
    row = HOSTILE if "hostile" in text else "NO PARKING"
    findings = tuple(_findings(i, row) for i in range(count))
    words = (f"Things: 1 bus (left red). Text (1 line): {row}", *["No change."] * (count - 1))
    return Seen(path.name, _kind(path), frames, times, (), findings, words)


def _findings(index: int, row: str) -> Findings:
    left = (10 + 10 * index) / 128
    bus = Thing("bus", 0.83, (left, 30 / 96, left + 30 / 128, 60 / 96), "red")
    person = Thing("person", 0.41, (0.7, 0.2, 0.9, 0.9), "gray")
    line = Line(row, 0.99, (0.1, 0.8, 0.6, 0.95), 0.15)
    return Findings((Kind("minibus", 0.7),), (bus, person), (line,), "gray")
