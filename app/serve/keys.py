"""API keys: who may ask, and whose files and conversations are whose."""

import hashlib
import hmac
from collections.abc import Sequence

from starlette.requests import Request

from app.serve.errors import APIError

NOBODY = "everyone"  # the owner of everything on a server without keys
SHORTEST = 8  # characters


class Keys:
    """The keys of a server; without any, everyone who reaches it may ask."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Raises ValueError for a key that is easily guessed."""
        if any(len(key) < SHORTEST or not key.isascii() or not key.isprintable() for key in keys):
            raise ValueError(
                f"an API key has at least {SHORTEST} characters, all of them printable ASCII; try:"
                ' python -c "import secrets; print(secrets.token_urlsafe(24))"'
            )
        self._digests = [_digest(key) for key in keys]

    def __len__(self) -> int:
        return len(self._digests)

    def owner(self, request: Request) -> str:
        """Returns who asks. Raises APIError without a right key.

        All keys are compared, each in constant time, so the time taken reveals nothing.
        """
        if not self._digests:
            return NOBODY
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        digest = _digest(given.strip() if scheme.lower() == "bearer" else "")
        found = [hmac.compare_digest(digest, known) for known in self._digests]
        if not any(found):
            sentence = "a right API key is needed: send Authorization: Bearer KEY."
            raise APIError(401, sentence, code="invalid_api_key")
        return digest.hex()[:16]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
