"""POST, GET and DELETE /v1/files: films and pictures that are too large for JSON."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive

from app.sanitize import for_label
from app.serve.errors import APIError, invalid
from app.serve.media.file_store import PURPOSES
from app.serve.service import Service
from vlm.media.kinds import HEAD_BYTES, describe_rejected, recognize

OVERHEAD = 2**16  # bytes of a form around its file
LIFETIME, ANCHOR = "expires_after[seconds]", "expires_after[anchor]"
SHORTEST = 60  # seconds


async def upload(service: Service, request: Request, owner: str) -> Response:
    """Stores a file for its key."""
    most = service.limits.upload + OVERHEAD
    length = request.headers.get("content-length", "")
    if length.isdecimal():
        num_bytes = int(length)
        if num_bytes > most:
            raise _too_large(most)
    else:  # Node's client sends pieces
        left = service.limits.quota - service.store.used(owner)
        num_bytes = min(most, max(left, OVERHEAD))
        request = Request(request.scope, _bounded(request.receive, num_bytes))
    service.store.reserve(owner, num_bytes)
    arrived = service.store.incoming()
    try:
        try:
            async with request.form(max_files=1, max_fields=8, max_part_size=1000) as form:
                return await _keep(service, form, owner, arrived)
        except (HTTPException, ClientDisconnect):
            raise invalid("the body is not a complete multipart form.", "file") from None
    finally:
        service.store.release(owner, num_bytes)
        arrived.unlink(missing_ok=True)


def _bounded(receive: Receive, most: int) -> Receive:
    """Returns `receive` that raises APIError once more than `most` bytes have come."""
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> APIError:
    sentence = f"the file exceeds {(most - OVERHEAD) / 2**20:.0f} MB."
    return APIError(413, sentence, code="file_too_large", param="file")


async def _keep(service: Service, form: FormData, owner: str, arrived: Path) -> Response:
    unknown = [name for name in form if name not in ("file", "purpose", LIFETIME, ANCHOR)]
    if unknown:
        place = for_label(unknown[0])
        raise APIError(400, f"unknown field {place!r}.", code="unknown_parameter", param=place)
    file, purpose = form.get("file"), form.get("purpose", PURPOSES[0])
    if not isinstance(file, UploadFile):
        raise invalid("file is missing.", "file", "missing_required_parameter")
    if purpose not in PURPOSES:
        raise invalid(f"purpose must be one of {', '.join(PURPOSES)}.", "purpose")
    lifetime = _lifetime(form, service)
    head = await file.read(HEAD_BYTES)
    if recognize(head) is None:
        service.metrics.refused("unknown_kind")
        sentence = f"the file is {describe_rejected(head)}."
        raise APIError(415, sentence, code="unusable_media", param="file")
    await asyncio.to_thread(_copy, head, file, arrived)
    name = for_label(file.filename or "file")
    stored = service.store.keep(arrived, owner, name, str(purpose), lifetime)
    return JSONResponse(stored.record)


def _copy(head: bytes, file: UploadFile, target: Path) -> None:
    with target.open("wb") as copy:
        copy.write(head)
        shutil.copyfileobj(file.file, copy, 2**20)


def _lifetime(form: FormData, service: Service) -> float:
    """Returns the seconds until the file is deleted."""
    given, most = form.get(LIFETIME), service.limits.longest_lifetime
    if form.get(ANCHOR, "created_at") != "created_at":
        raise invalid("expires_after.anchor must be created_at.", "expires_after")
    if given is None:
        return service.limits.lifetime
    if not (isinstance(given, str) and given.isdecimal() and SHORTEST <= int(given) <= most):
        sentence = f"expires_after.seconds must be from {SHORTEST} to {most}."
        raise invalid(sentence, "expires_after")
    return int(given)


async def list_files(service: Service, request: Request, owner: str) -> Response:
    """Lists the files of a key."""
    records = [file.record for file in service.store.all(owner)]
    return JSONResponse({"object": "list", "data": records, "has_more": False})


async def get_file(service: Service, request: Request, owner: str) -> Response:
    """Describes a file; its content is not sent back."""
    file = service.store.get(request.path_params["id"], owner)
    if file is None:
        raise _missing(request.path_params["id"])
    return JSONResponse(file.record)


async def delete_file(service: Service, request: Request, owner: str) -> Response:
    """Deletes a file. Answers that read it at the moment end as usual."""
    key = request.path_params["id"]
    if not service.store.delete(key, owner):
        raise _missing(key)
    deleted: dict[str, Any] = {"id": key, "object": "file", "deleted": True}
    return JSONResponse(deleted)


def _missing(key: str) -> APIError:
    return APIError(404, f"there is no file {key!r:.100}.", code="file_not_found", param="id")
