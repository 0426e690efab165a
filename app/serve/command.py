"""The command `python -m app serve`: checks its options, and runs the server."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Protocol

import uvicorn
from fastapi import FastAPI

from app.page.kept.uploads import delete_private_folder, private_folder
from app.serve.by_path import ByPath
from app.serve.keys import Keys
from app.serve.listening import listen
from app.serve.options import KEY_VARIABLE, limits_of
from app.serve.routes import LOOPBACK, build_api
from app.serve.service import Service
from vlm.assistant import Assistant
from vlm.inference.calibration import Calibration
from vlm.inference.verify import verify_cache
from vlm.media.confined.limits import Limits

LAST_WORDS = 2.0  # seconds for stopped streams to end
CACHE_FAILED = 3  # exit code


class Load(Protocol):
    """Loads the assistant, whose files have these limits."""

    def __call__(self, *, limits: Limits) -> Assistant: ...


def keys_of(args: argparse.Namespace) -> Keys:
    """Returns the keys of the options and of the environment."""
    named = os.environ.get(KEY_VARIABLE, "").split(",")
    return Keys([*args.api_key, *(key.strip() for key in named if key.strip())])


def serve(args: argparse.Namespace, load: Load) -> int:
    """Loads the model and serves it until SIGINT or SIGTERM."""
    keys, (limits, media_limits) = keys_of(args), limits_of(args)
    if args.host not in LOOPBACK and not keys and not args.without_key:
        raise ValueError(
            f"--host {args.host} would admit anyone who can reach this machine; add --api-key KEY,"
            " or --without-key to allow it."
        )
    calibration = Calibration.load(Path(args.calibration)) if args.calibration else None
    if args.media_dir and not Path(args.media_dir).is_dir():
        raise ValueError(f"--media-dir {args.media_dir} is not a folder.")
    listening, folder = listen(args.host, args.port), private_folder()
    _say("Loading the model ...")
    assistant = load(limits=media_limits)
    if args.verify_cache:
        check = verify_cache(assistant)
        _say(check.sentence)
        if not check.passed:
            return CACHE_FAILED
    name = args.name or Path(args.model).name or "revisit"
    hosts, media = args.allow_media_host, Path(args.media_dir) if args.media_dir else None
    service = Service(assistant, name, folder, keys, limits, hosts, calibration, media)
    app = build_api(service, args.host)
    shown = f"[{args.host}]" if ":" in args.host else args.host
    address = f"http://{shown}:{listening.getsockname()[1]}/v1"
    _say(f"The model {name!r} answers at {address}")
    run(app, service, listening, args.drain)
    return 0


def page_and_api(
    assistant: Assistant, args: argparse.Namespace, auth: tuple[str, str] | None
) -> ByPath:
    """Builds the page and the API over one assistant, which both compute with."""
    from app.page.web.server import build_app  # imported late: only the page needs Gradio

    name = Path(args.model).name or "revisit"
    service = Service(assistant, name, private_folder(), keys_of(args))
    page = build_app(assistant, args.host, auth, at_once=service.limits.running)
    return ByPath(page, service, args.host)


def run(app: FastAPI, service: Service, listening: socket.socket, drain: float) -> None:
    """Serves until SIGINT or SIGTERM; then running answers have `drain` seconds to end."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=round(drain + LAST_WORDS),
    )
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        asyncio.run(_Server(config, service, drain).serve([listening]))
    finally:
        service.assistant.close()
        delete_private_folder()
        signal.signal(signal.SIGTERM, before)


class _Server(uvicorn.Server):
    """Lets running answers end, then stops them."""

    def __init__(self, config: uvicorn.Config, service: Service, drain: float) -> None:
        super().__init__(config)
        self._service, self._drain = service, drain
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.admission.draining = True
        assert self._loop is not None
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self._drain, self._service.stops.set_all
        )
        super().handle_exit(sig, frame)


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
