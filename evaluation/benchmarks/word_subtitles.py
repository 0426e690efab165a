"""Subtitles by the word, as Video-MME-v2 has them: one JSON object per spoken word.

Words of one sentence are joined: a new one begins after a pause of half a second, or after a full
stop, question or exclamation mark and a pause of a tenth. This is the rule of the authors' script.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from vlm.media.subtitles import Caption

PAUSE, PAUSE_AFTER_SENTENCE = 0.5, 0.1  # seconds


def read_words(path: Path) -> list[Caption]:
    """Returns the words in file order. Raises ValueError if a line lacks its text or times."""
    words = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{path}: the subtitles cannot be read ({error}).") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            times = float(row["start_time"]), float(row["end_time"])
            words.append(Caption(*times, str(row["text"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}, line {number} is not a word of subtitles ({error!r}); it needs text,"
                " start_time and end_time."
            ) from error
    return words


def sentences(words: Sequence[Caption]) -> list[Caption]:
    """Joins consecutive words into sentences with the times of their first and last word."""
    ends = [i for i, (word, following) in enumerate(pairwise(words)) if _parted(word, following)]
    starts = [0, *(end + 1 for end in ends)]
    return [
        Caption(part[0].start, part[-1].end, " ".join(word.text for word in part))
        for part in (words[a:b] for a, b in zip(starts, [*starts[1:], len(words)], strict=True))
        if part
    ]


def between(captions: Sequence[Caption], start: float, end: float) -> Iterator[Caption]:
    """Yields the captions that overlap the time from `start` up to `end`."""
    for caption in captions:
        if caption.end >= start and caption.start < end:
            yield caption


def _parted(word: Caption, following: Caption) -> bool:
    pause = following.start - word.end
    ended = word.text.rstrip().endswith((".", "!", "?"))
    return pause > PAUSE or (ended and pause > PAUSE_AFTER_SENTENCE)
