"""Runs replies of the assistant in threads, and hands their events to the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request

from app.serve.answer.admission import Lease
from app.serve.request.messages import Dialog
from vlm.assistant import (
    Asked,
    Assistant,
    Event,
    Finished,
    MediaSource,
    Settings,
    State,
    TextDelta,
)

Ask = Callable[[Settings, threading.Event], Iterator[Event]]  # starts an answer


@dataclass(frozen=True)
class Question:
    """A dialog with its files, ready for the assistant."""

    state: State
    text: str
    files: tuple[MediaSource, ...]
    before: tuple[str, ...]
    earlier: tuple[Asked, ...]

    def reply(
        self, assistant: Assistant, settings: Settings, stop: threading.Event
    ) -> Iterator[Event]:
        """Starts an answer."""
        return assistant.reply(
            self.state,
            self.text,
            self.files,
            settings,
            stop,
            before=self.before,
            earlier=self.earlier,
        )

    def decide(
        self,
        assistant: Assistant,
        options: Sequence[str],
        section: tuple[float, float] | None,
        settings: Settings,
        stop: threading.Event,
    ) -> Iterator[Event]:
        """Starts a decision, about one section of its only file if one is given."""
        files = self.files
        if section is not None:
            files = (replace(files[0], start=section[0], end=section[1]),)
        return assistant.decide(
            self.state,
            self.text,
            options,
            files,
            settings,
            stop,
            before=self.before,
            earlier=self.earlier,
        )


def question_of(dialog: Dialog, files: Sequence[MediaSource], state: State) -> Question:
    """Joins a dialog and the files of its media, in order, after what `state` holds."""
    left = list(files)
    turns = []
    for turn in dialog.turns:
        own, left = left[: len(turn.media)], left[len(turn.media) :]
        before = tuple(turn.before) if any(turn.before) else ()
        turns.append(Asked(turn.text, tuple(own), turn.answer or "", before))
    *earlier, last = turns
    if dialog.system is not None:
        state = replace(state, system=dialog.system)
    return Question(state, last.text, last.files, last.before, tuple(earlier))


class Stops:
    """The stop signals of all answers in progress."""

    def __init__(self) -> None:
        self._open: set[threading.Event] = set()
        self.shutting_down = False

    @contextlib.contextmanager
    def one(self) -> Iterator[threading.Event]:
        """Yields the signal of a request, which is set when it ends for any reason."""
        stop = threading.Event()
        self._open.add(stop)
        try:
            yield stop
        finally:
            stop.set()
            self._open.discard(stop)

    def set_all(self) -> None:
        """Stops all answers: the server ends."""
        self.shutting_down = True
        for stop in self._open:
            stop.set()


async def events(
    ask: Ask, settings: Settings, stop: threading.Event, lease: Lease
) -> AsyncIterator[Event]:
    """Yields the events of an answer, which runs in a thread that holds the lease.

    Setting `stop` ends the thread.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()

    def put(item: Event | BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    def produce() -> None:
        try:
            for event in ask(settings, stop):
                put(event)
            put(None)
        except BaseException as error:  # noqa: BLE001  raised again below
            put(error)
        finally:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lease.drop)

    lease.hold()
    threading.Thread(target=produce, daemon=True, name="answer").start()
    while (item := await arrived.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


async def choices(
    ask: Ask, settings: Sequence[Settings], stop: threading.Event, lease: Lease
) -> AsyncGenerator[tuple[int, Event], None]:
    """Yields the events of several answers to one question, with the number of the answer.

    The first reads the prompt; the others start with its first word, and reuse what it read. Their
    threads end at the latest when the request ends, which sets `stop`.
    """
    merged: asyncio.Queue[tuple[int, Event | Exception | None]] = asyncio.Queue()

    async def pump(index: int) -> None:
        try:
            async for event in events(ask, settings[index], stop, lease):
                merged.put_nowait((index, event))
        except Exception as error:  # noqa: BLE001  raised again below
            merged.put_nowait((index, error))
        merged.put_nowait((index, None))

    tasks = [asyncio.create_task(pump(0))]
    left = len(settings)
    try:
        while left:
            index, event = await merged.get()
            if isinstance(event, Exception):
                raise event
            if event is None:
                left -= 1
                continue
            if len(tasks) < len(settings) and isinstance(event, TextDelta | Finished):
                tasks += [asyncio.create_task(pump(i)) for i in range(1, len(settings))]
            yield index, event
    finally:
        for task in tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def ended_by(
    request: Request, stop: threading.Event, seconds: float
) -> AsyncIterator["Watch"]:
    """Sets `stop` when the client goes away or the time is over. The body must have been read."""
    watch = Watch()

    async def disconnect() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        watch.gone = True
        stop.set()

    async def timeout() -> None:
        await asyncio.sleep(seconds)
        watch.late = True
        stop.set()

    tasks = [asyncio.create_task(disconnect()), asyncio.create_task(timeout())]
    try:
        yield watch
    finally:
        for task in tasks:
            task.cancel()


@dataclass
class Watch:
    """Why an answer was stopped."""

    gone: bool = False  # the client
    late: bool = False  # the time of a request was over
