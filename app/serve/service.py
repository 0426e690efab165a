"""What all routes of the server share: the assistant, the limits, and who is in it."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from starlette.requests import Request

from app.serve.answer.admission import Admission, Lease
from app.serve.answer.answering import Ask, Question, Stops, Watch, choices, ended_by, question_of
from app.serve.answer.completion import reason_of
from app.serve.answer.response_store import ResponseStore
from app.serve.errors import APIError, of_exception
from app.serve.keys import Keys
from app.serve.limits import ServeLimits
from app.serve.media.file_store import FileStore
from app.serve.media.media_files import MediaFiles
from app.serve.media.remote import Fetcher
from app.serve.metrics import Metrics
from app.serve.request.messages import Dialog
from vlm.assistant import (
    Assistant,
    Decided,
    Event,
    Finished,
    MediaSource,
    Settings,
    State,
)
from vlm.inference.calibration import Calibration
from vlm.inference.decoding.generation import Stopped
from vlm.media.confined.limits import MediaError


@dataclass
class Service:
    """One assistant and everything around it. Used by one event loop."""

    assistant: Assistant
    model: str  # its name in requests
    folder: Path
    keys: Keys = field(default_factory=Keys)
    limits: ServeLimits = field(default_factory=ServeLimits)
    media_hosts: Sequence[str] = ()
    calibration: Calibration | None = None  # of decisions
    media_folder: Path | None = None  # what `file://` may name

    def __post_init__(self) -> None:
        self.created = int(time.time())
        self.scheduler = self.assistant.share(self.limits.running)
        self.metrics = Metrics(self.model)
        self.admission = Admission(self.limits)
        self.metrics.watch(
            lambda: float(self.admission.running), lambda: float(self.admission.waiting)
        )
        self.stops = Stops()
        self.responses = ResponseStore(self.limits.responses)
        self.store = FileStore(self.folder / "files", self.limits)
        self.media = MediaFiles(
            self.folder / "requests",
            self.store,
            Fetcher(self.media_hosts, self.limits),
            self.limits,
            self.assistant.reader.limits.file_bytes,
            self.metrics,
            self.media_folder,
        )

    def check_model(self, name: str | None) -> None:
        """Raises APIError unless a request names the model that is here, or none."""
        if name is not None and name != self.model:
            sentence = f"there is no model {name!r:.100}; this server has {self.model!r}."
            raise APIError(404, sentence, code="model_not_found", param="model")

    async def enter(self, request: Request, owner: str) -> Lease:
        """Waits for a place in the server, no longer than the client does."""
        started = time.monotonic()
        entering = asyncio.create_task(self.admission.enter(owner))
        leaving = asyncio.create_task(_disconnect(request))
        try:
            await asyncio.wait((entering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not entering.done():
                raise APIError(499, "the client went away.")
            self.metrics.queued(time.monotonic() - started)
            return entering.result()
        finally:
            leaving.cancel()
            entering.cancel()  # does nothing once it has the place

    @contextlib.asynccontextmanager
    async def running(
        self, request: Request, owner: str, dialog: Dialog, state: State | None = None
    ) -> AsyncIterator["Running"]:
        """Admits a request and saves its media; ends its answers when the block does."""
        lease = await self.enter(request, owner)
        try:
            files = await self.media.save(dialog.media, owner, lease)
            question = question_of(dialog, files, state or State())
            with self.stops.one() as stop:
                async with ended_by(request, stop, self.limits.seconds) as watch:
                    names = {
                        source.path.name: part.where
                        for source, part in zip(files, dialog.media, strict=True)
                    }
                    yield Running(self, question, stop, lease, watch, names)
        finally:
            lease.drop()


@dataclass(frozen=True)
class Running:
    """An admitted request."""

    service: Service
    question: Question
    stop: threading.Event
    lease: Lease
    watch: Watch
    names: dict[str, str]  # of its files, with their places in the request

    def answers(self, settings: Settings, count: int) -> AsyncGenerator[tuple[int, Event], None]:
        """Yields the events of `count` answers, which differ by their seeds.

        Raises APIError if one fails, or is stopped because the client left or the server ends.
        """
        seeds = [None if settings.seed is None else settings.seed + i for i in range(count)]
        each = [replace(settings, seed=seed) for seed in seeds]
        return self._events(partial(self.question.reply, self.service.assistant), each)

    def decisions(
        self, settings: Settings, options: Sequence[str], section: tuple[float, float] | None
    ) -> AsyncGenerator[tuple[int, Event], None]:
        """Yields the events of a decision, the last of them `Decided`. Raises as `answers`."""
        ask = partial(self.question.decide, self.service.assistant, options, section)
        return self._events(ask, [settings])

    async def duration(self, source: MediaSource) -> float | None:
        """Returns the seconds of a video; None for a picture."""
        if source.frames:
            return source.times[-1]
        try:
            info = await asyncio.to_thread(self.service.assistant.reader.probe, source.path)
        except MediaError as error:
            raise of_exception(error, self.names) from None
        return info.duration if info.kind == "video" else None

    async def _events(
        self, ask: Ask, settings: list[Settings]
    ) -> AsyncGenerator[tuple[int, Event], None]:
        service, started = self.service, time.monotonic()
        try:
            found = choices(ask, settings, self.stop, self.lease)
            async with contextlib.aclosing(found):
                async for index, event in found:
                    if isinstance(event, Finished):
                        if event.stopped:
                            self._check()
                        reason = reason_of(event, self.watch.late)
                        service.metrics.finished(event, reason, time.monotonic() - started)
                    elif isinstance(event, Decided):
                        service.metrics.finished(event, "stop", time.monotonic() - started)
                    yield index, event
        except Stopped:
            self._check()
            raise APIError(504, "the request took too long.", code="timeout") from None
        except Exception as error:  # noqa: BLE001  answered in words
            known = of_exception(error, self.names)
            if isinstance(error, MediaError):
                service.metrics.refused(known.code or "")
            raise known from error

    def _check(self) -> None:
        """Raises APIError if an answer was stopped for another reason than its time."""
        if self.watch.late:
            return
        if self.watch.gone:
            raise APIError(499, "the client went away.")
        raise APIError(503, "the server is shutting down.", code="draining", retry_after=30)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
