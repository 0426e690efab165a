"""Errors in OpenAI's shape: a status, one sentence, and the field it is about."""

import errno
import logging
from collections.abc import Mapping
from types import TracebackType

from fastapi.responses import JSONResponse

from vlm.inference.errors import NotEnoughMemory, PromptTooLong
from vlm.media.confined.limits import MediaError

log = logging.getLogger(__name__)

OURS = ("app.", "vlm.")  # packages whose ValueErrors are sentences for users
FULL = (errno.ENOSPC, errno.EDQUOT)

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "service_unavailable_error",
}


class APIError(Exception):
    """Ends a request. `param` names the field, `code` is for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, object]:
        """The object that OpenAI's clients read."""
        kind = TYPES.get(self.status, "invalid_request_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": error}

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """Returns the response that ends the request."""
        extra = dict(headers or {})
        if self.retry_after is not None:
            extra["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            extra["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body, self.status, extra)


def invalid(message: str, param: str | None = None, code: str = "invalid_value") -> APIError:
    """Returns the error of a field that cannot be used."""
    return APIError(400, message, code=code, param=param)


def of_exception(error: BaseException, media: Mapping[str, str] | None = None) -> APIError:
    """Returns what a client learns of an exception: input errors are sentences, others are logged.

    `media` maps the names of the request's files to their fields.
    """
    if isinstance(error, APIError):
        return error
    if isinstance(error, MediaError):
        named = [
            field  # of the file itself, or of one of its frames
            for name, field in (media or {}).items()
            if f'"{name}"' in str(error) or f'"{name}, frame' in str(error)
        ]
        param = named[0] if named else None
        return APIError(422, str(error), code="unusable_media", param=param)
    if isinstance(error, NotEnoughMemory):
        return APIError(503, str(error), code="insufficient_memory", retry_after=5)
    if isinstance(error, MemoryError):
        sentence = "the server has too little memory for this; send less at once."
        return APIError(503, sentence, code="insufficient_memory", retry_after=5)
    if isinstance(error, OSError) and error.errno in FULL:
        log.error("the disk of temporary files is full")
        return APIError(507, "the server's disk has no room for this.", code="disk_full")
    if isinstance(error, PromptTooLong):
        return invalid(str(error), "messages", "context_length_exceeded")
    if isinstance(error, ValueError) and _is_ours(error.__traceback__):
        return invalid(str(error))
    log.error("a request failed", exc_info=error)
    name = type(error).__name__
    return APIError(500, f"Internal error ({name}); the server's log has details.", code="internal")


def _is_ours(trace: TracebackType | None) -> bool:
    """Returns whether an exception was raised in this program, not in a library it calls.

    A library's text may hold paths and shapes, which mean nothing to a client.
    """
    module = ""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        trace = trace.tb_next
    return module.startswith(OURS)
