"""Subtitles that come with a question: their words go before it, as evaluation writes them."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.looks import Span
from vlm.media.confined.limits import MediaError
from vlm.media.source import display_name
from vlm.media.subtitles import Caption, clean_rule, read_subtitles, track_of

SUFFIXES = frozenset((".srt", ".vtt", ".ass"))
MAX_BYTES = 2 * 2**20
MAX_CHARACTERS = 4000  # of the words in a question
MOMENTS = (32, 16, 8, 4)  # at which captions are taken; fewer if their words are too many
LISTED = "This video's subtitles are listed below:\n{words}\n{question}"


def is_subtitles(path: Path) -> bool:
    """Returns whether a file is read as subtitles, by its name."""
    return path.suffix.lower() in SUFFIXES


def media_of(files: Iterable[Path]) -> tuple[Path, ...]:
    """Returns the files that are seen."""
    return tuple(path for path in files if not is_subtitles(path))


def with_subtitles(question: str, files: Iterable[Path], span: Span | None = None) -> str:
    """Returns the question with the words of the subtitles among its files, or of its films.

    Captions are those on show at evenly spaced moments of the film, or of `span` (seconds). Raises
    MediaError if a file of subtitles cannot be read.
    """
    files = list(files)
    captions = [caption for path in files if is_subtitles(path) for caption in _read(path)]
    captions = captions or [caption for path in files for caption in _track(path)]
    if not captions:
        return question
    words = _words(captions, span or (0.0, max(caption.end for caption in captions)))
    return LISTED.format(words=words, question=question)


def _words(captions: Sequence[Caption], span: Span) -> str:
    first, last = span
    for count in MOMENTS:
        times = [first + (last - first) * (i + 0.5) / count for i in range(count)]
        words = "\n".join(clean_rule(captions, times))
        if len(words) <= MAX_CHARACTERS:
            break
    return words[:MAX_CHARACTERS]


def _track(path: Path) -> Sequence[Caption]:
    """Returns the captions inside a film. One that cannot be read is reported when it is seen."""
    if is_subtitles(path) or not path.is_file():
        return ()
    status = path.stat()
    return _known_track(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=32)
def _known_track(path: Path, *state: int) -> Sequence[Caption]:
    try:
        return tuple(track_of(path))
    except MediaError:
        return ()


def _read(path: Path) -> list[Caption]:
    name = display_name(path)
    if path.stat().st_size > MAX_BYTES:
        raise MediaError(f"{name} is too large for subtitles; the limit is 2 MB.")
    try:
        return read_subtitles(path)
    except ValueError as error:
        sentence = str(error).replace(f"{path}: ", "", 1)
        raise MediaError(f"{name} cannot be used: {sentence}") from error
