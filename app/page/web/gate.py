"""Guards the server: every request passes here before Gradio sees it.

Gradio serves some sixty routes; the page needs those in ROUTES, and all others return 404. JSON
bodies are limited in size. Every file in a request must have been uploaded by the same browser
(`app.page.kept.uploads`), so no request can name a file of the machine, a device, or an address. A
random cookie identifies the browser.
"""

import asyncio
import json
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.page.asking.messages import FRAMES_PATH
from app.page.kept.uploads import NO_ROOM, Uploads, new_visitor
from app.page.web.live_routes import LIVE
from app.sanitize import whole_characters

API = "/gradio_api"
FILE, UPLOAD, LOGIN = f"{API}/file=", f"{API}/upload", "/login"
SCRIPTS, HELD = "page", "/held"
LIVE_FRAMES = rf"/{LIVE}/[\w-]{{22}}/(?:frame|watch|end)"
EVENTS = (f"{API}/run/predict", f"{API}/queue/join", f"{API}/cancel", f"{API}/reset")
_READ = (
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/logout"
    rf"|/(?:assets|static|{FRAMES_PATH}|{SCRIPTS})/.+|{API}/(?:login_check|user|token|app_id)/?"
    rf"|{API}/(?:heartbeat/[\w-]+|queue/data|upload_progress|startup-events)"
)
ROUTES = {
    "GET": re.compile(rf"(?:{_READ}|{FILE}.+)"),
    "HEAD": re.compile(rf"(?:/|{FILE}.+)"),
    "POST": re.compile(rf"(?:{LOGIN}/?|{UPLOAD}|{HELD}|{LIVE_FRAMES}|{'|'.join(EVENTS)})"),
}

MAX_JSON = 12_000_000  # bytes: a question and the conversation that the browser stored
MAX_LOGIN = 10_000  # bytes
MAX_DEPTH = 50  # lists and objects inside each other
COOKIE = "revisit-visitor"
_VISITOR = re.compile(r"[\w-]{22}")

NOT_FOUND = "There is nothing at this address."
OTHER_SITE = "Requests from other sites are refused."
NOT_YOURS = "This file was not uploaded by you or has expired; add it again."
TOO_LARGE = "The request is too large."
NO_LENGTH = "An upload must state its length."
NOT_READABLE = "The request is not valid JSON of the expected form."
SLOW_DOWN = "Too many wrong passwords; wait a minute."


class Refused(Exception):  # noqa: N818  a response, not an error
    """Ends a request with a status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class PasswordBrake:
    """Limits wrong passwords to `allowed` a minute from one address."""

    def __init__(self, allowed: int = 10, now: Callable[[], float] = time.monotonic) -> None:
        self._allowed, self._now = allowed, now
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def begin(self, address: str) -> None:
        """Counts an attempt. Raises Refused if there were too many."""
        tries = self._tries.setdefault(address, deque())
        self._tries.move_to_end(address)
        while len(self._tries) > 10_000:
            self._tries.popitem(last=False)
        while tries and tries[0] < self._now() - 60:
            tries.popleft()
        if len(tries) >= self._allowed:
            raise Refused(429, SLOW_DOWN)
        tries.append(self._now())

    def right(self, address: str) -> None:
        """Clears the attempts of an address after a correct password."""
        self._tries.pop(address, None)


class Gate:
    """ASGI middleware that admits only the requests the page makes.

    ending: set when the server shuts down; open streams are then closed.
    """

    def __init__(self, app: ASGIApp, uploads: Uploads, ending: asyncio.Event) -> None:
        self.app, self.uploads, self.ending = app, uploads, ending
        self.brake = PasswordBrake()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await self._handle(scope, receive, send)
        except Refused as refused:
            headers = {"Retry-After": "60"} if refused.status == 429 else None
            answer = {"detail": refused.sentence, "error": refused.sentence}
            await JSONResponse(answer, refused.status, headers)(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method, headers = scope["path"], scope["method"], Headers(scope=scope)
        allowed = ROUTES.get(method)
        if allowed is None or not allowed.fullmatch(path):
            raise Refused(404, NOT_FOUND)
        if method == "POST" and headers.get("sec-fetch-site") == "cross-site":
            raise Refused(403, OTHER_SITE)
        visitor = _visitor_of(headers)
        if method == "GET":
            receive = _until(self.ending, receive)
        if not visitor and path in ("/", UPLOAD):
            visitor = new_visitor()
            send = _with_cookie(send, visitor)
        if path.startswith(FILE) and not self.uploads.may_use(visitor, path[len(FILE) :]):
            raise Refused(403, NOT_YOURS)
        if path == UPLOAD:
            await self._upload(visitor, headers, scope, receive, send)
            return
        if path == HELD:
            await self._held(visitor, headers, scope, receive, send)
            return
        if path in EVENTS:
            receive = await self._checked(visitor, headers, scope, receive)
        elif path.rstrip("/") == LOGIN:
            await self._login(headers, scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _upload(
        self, visitor: str, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not headers.get("content-length", "").isdecimal():
            raise Refused(411, NO_LENGTH)
        num_bytes = int(headers["content-length"])
        if not await asyncio.to_thread(self.uploads.room_for, num_bytes):
            raise Refused(507, NO_ROOM)
        answer: list[bytes] = []
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                answer.append(message.get("body", b""))
                if not message.get("more_body") and status == 200:
                    arrived.extend(json.loads(b"".join(answer)))
                    self.uploads.end(visitor, arrived)  # before the browser can use them
            await send(message)

        arrived: list[str] = []
        self.uploads.begin()
        try:
            await self.app(scope, receive, send_and_note)
        finally:
            if not arrived:
                self.uploads.end(visitor, [])

    async def _held(
        self, visitor: str, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers which of the paths in a list this visitor may still use."""
        try:
            paths = json.loads(await _body(headers, receive, MAX_JSON))
        except (ValueError, RecursionError) as error:
            raise Refused(400, NOT_READABLE) from error
        if not (isinstance(paths, list) and all(isinstance(path, str) for path in paths)):
            raise Refused(400, NOT_READABLE)
        held = [
            p for p in paths if self.uploads.may_use(visitor, p) and self.uploads.holds(Path(p))
        ]
        await JSONResponse(held)(scope, receive, send)

    async def _checked(
        self, visitor: str, headers: Headers, scope: Scope, receive: Receive
    ) -> Receive:
        """Checks the JSON of an event and returns a `receive` that replays it."""
        try:
            text = (await _body(headers, receive, MAX_JSON)).decode("utf-8")
            content = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Refused(400, NOT_READABLE) from error
        self._check_files(visitor, content)
        body = whole_characters(json.dumps(content, ensure_ascii=False)).encode()
        MutableHeaders(scope=scope)["content-length"] = str(len(body))
        return _replay(body, receive)

    def _check_files(self, visitor: str, content: Any) -> None:
        """Raises Refused unless the visitor may use every file named in the content."""
        waiting = [(content, 0)]
        while waiting:
            part, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise Refused(400, NOT_READABLE)
            if isinstance(part, dict):
                if part.get("path") is not None or part.get("url") is not None:
                    path = part.get("path")
                    if not isinstance(path, str) or not self.uploads.may_use(visitor, path):
                        raise Refused(403, NOT_YOURS)
                    part["url"] = None  # never fetched
                waiting += [(value, depth + 1) for value in part.values()]
            elif isinstance(part, list):
                waiting += [(value, depth + 1) for value in part]

    async def _login(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        address = (scope.get("client") or ("", 0))[0]
        body = await _body(headers, receive, MAX_LOGIN)
        self.brake.begin(address)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self.brake.right(address)
            await send(message)

        await self.app(scope, _replay(body, receive), send_and_note)


def _visitor_of(headers: Headers) -> str:
    """Returns the visitor id from the cookie, or "" if missing."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie is not None and _VISITOR.fullmatch(cookie.value) else ""


def _with_cookie(send: Send, visitor: str) -> Send:
    cookie = f"{COOKIE}={visitor}; Path=/; HttpOnly; SameSite=Lax"

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return send_with_cookie


async def _body(headers: Headers, receive: Receive, most: int) -> bytes:
    """Reads the request's body. Raises Refused if it exceeds `most` bytes."""
    stated = headers.get("content-length", "0")
    if not stated.isdecimal() or int(stated) > most:
        raise Refused(413, TOO_LARGE)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, NOT_READABLE)
        body += message.get("body", b"")
        if len(body) > most:
            raise Refused(413, TOO_LARGE)
        if not message.get("more_body"):
            return bytes(body)


def _until(ending: asyncio.Event, receive: Receive) -> Receive:
    """Returns a `receive` that reports a disconnect at shutdown, which ends open streams."""

    async def receive_or_end() -> Message:
        coming = asyncio.ensure_future(receive())
        ended = asyncio.ensure_future(ending.wait())
        try:
            await asyncio.wait((coming, ended), return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else {"type": "http.disconnect"}
        finally:
            coming.cancel()
            ended.cancel()

    return receive_or_end


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that gives this body once, then waits for the disconnect."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
