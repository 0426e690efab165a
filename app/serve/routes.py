"""The routes of the server. Every one but /health needs a key, if the server has keys."""

import contextlib
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.serve.errors import APIError, of_exception
from app.serve.handlers.chat import chat_completions
from app.serve.handlers.decide import create_decision
from app.serve.handlers.files import delete_file, get_file, list_files, upload
from app.serve.handlers.information import metrics, model, models
from app.serve.handlers.responses import create_response, delete_response, get_response
from app.serve.request.body import Room, patient
from app.serve.service import Service

Handler = Callable[[Service, Request, str], Awaitable[Response]]

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL_NAME = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "/v1/chat/completions"): chat_completions,
    ("POST", "/v1/responses"): create_response,
    ("GET", "/v1/responses/{id}"): get_response,
    ("DELETE", "/v1/responses/{id}"): delete_response,
    ("POST", "/v1/files"): upload,
    ("GET", "/v1/files"): list_files,
    ("GET", "/v1/files/{id}"): get_file,
    ("DELETE", "/v1/files/{id}"): delete_file,
    ("POST", "/v1/decisions"): create_decision,
    ("GET", "/v1/models"): models,
    ("GET", "/v1/models/{model:path}"): model,
    ("GET", "/metrics"): metrics,
}


def build_api(service: Service, host: str = "127.0.0.1") -> FastAPI:
    """Builds the server as an ASGI application."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.stops.set_all()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    async def health(request: Request) -> Response:
        status = "ok"
        if not service.scheduler.alive:
            status = "the model's thread has ended"
        elif service.admission.draining:
            status = "draining"
        return JSONResponse({"status": status}, 200 if status == "ok" else 503, HEADERS)

    app.add_route("/health", health, methods=["GET"])
    room = Room(service.limits.bodies)
    for (method, path), handler in ROUTES.items():
        app.add_route(path, _guarded(service, handler, room, host in LOOPBACK), methods=[method])

    async def missing(request: Request, error: Exception) -> Response:
        return APIError(404, "there is nothing at this address.", code="not_found").response()

    async def wrong_method(request: Request, error: Exception) -> Response:
        return APIError(405, "this address takes another method.").response()

    app.add_exception_handler(404, missing)
    app.add_exception_handler(405, wrong_method)
    return app


def _guarded(
    service: Service, handler: Handler, room: Room, local: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Checks key and origin, and turns every exception into an error of OpenAI's shape.

    `local`: the server listens on this machine only.
    """

    limits = service.limits

    async def handle(request: Request) -> Response:
        request = Request(request.scope, patient(request.receive, limits.idle_seconds))
        identity = {**HEADERS, "X-Request-Id": f"req-{secrets.token_hex(12)}"}
        try:
            _check_origin(request, local)
            owner = service.keys.owner(request)
            with room.take(request, limits.body):
                response = await handler(service, request, owner)
        except Exception as error:  # noqa: BLE001  answered in words
            known = of_exception(error)
            service.metrics.error(known.status)
            return known.response(identity)
        response.headers.update(identity)
        return response

    return handle


def _check_origin(request: Request, local: bool) -> None:
    """Raises APIError for pages of other sites, which may call this machine by a name of theirs."""
    if local and not LOCAL_NAME.fullmatch(request.headers.get("host", "")):
        sentence = "this server is localhost; a proxy sends that as Host, or --host opens it."
        raise APIError(400, sentence, code="unknown_host")
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise APIError(403, "requests from other sites are refused.", code="cross_site")
