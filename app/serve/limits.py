"""The most a request may cost. A request may ask for less, never for more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServeLimits:
    """Sizes in bytes, times in seconds."""

    body: int = 64 * 2**20  # JSON of a request; larger films go through /v1/files
    bodies: int = 2**30  # JSON of all requests that arrive or wait
    idle_seconds: float = 30.0  # without a byte of a body, or of a stream that nobody reads
    depth: int = 50  # lists and objects inside each other
    messages: int = 1000
    text: int = 1_000_000  # characters of all messages
    media: int = 64  # files of a request; harnesses send a film as so many pictures
    frames: int = 512  # pictures in a list of frames
    choices: int = 8  # n
    stops: int = 16  # stop strings, each of at most `stop` characters
    stop: int = 200
    new_tokens: int = 4096
    running: int = 8  # requests that are answered at once
    queue: int = 64  # requests that wait
    per_key: int = 32  # requests of one key, running and waiting
    seconds: float = 600.0  # of a request from its admission to its last token
    fetch_seconds: float = 30.0  # for a remote file
    upload: int = 2 * 2**30  # one file of /v1/files
    quota: int = 20 * 2**30  # all files of one key
    lifetime: int = 24 * 3600  # of a file without `expires_after`
    longest_lifetime: int = 30 * 24 * 3600
    responses: int = 200  # kept conversations
