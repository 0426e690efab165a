"""Which moments of a film a sample shows: those that StreamFormer's tasks take.

    recognition, retrieval   the clip, one moment of each of T equal parts
    localization             the same of the whole film
    grounding                a stretch of at least T seconds around what the sentence means
    masks                    one frame of each of T equal parts

In training a moment is random in its part; in measuring, the middle.
"""

import random
from collections.abc import Sequence

from data.tasks.annotations import Captioned, Grounded, Localized, Recognition

Film = Captioned | Grounded | Localized | Recognition


def moments(one: Film, duration: float, num_frames: int, rng: random.Random | None) -> list[float]:
    """Seconds of T frames of a film that lasts `duration`; without `rng`, for measuring."""
    start, end = 0.0, duration
    if isinstance(one, (Recognition, Captioned)):
        start = min(one.start or 0.0, duration)
        end = min(duration if one.end is None else one.end, duration)
    elif isinstance(one, Grounded) and rng is not None:
        start, end = around(one.windows, duration, float(num_frames), rng)
    if end <= start:
        start, end = 0.0, duration
    return [start + (end - start) * place / num_frames for place in places(num_frames, rng)]


def places(num_frames: int, rng: random.Random | None) -> list[float]:
    """Returns a place in each of T parts of length 1."""
    return [k + (0.5 if rng is None else rng.random()) for k in range(num_frames)]


def around(
    windows: Sequence[tuple[float, float]], duration: float, least: float, rng: random.Random
) -> tuple[float, float]:
    """Returns a random stretch of at least `least` seconds that has one of the windows in it."""
    first, last = rng.choice(list(windows))
    length = min(max(least, last - first), duration)
    earliest = max(0.0, min(last, duration) - length)
    latest = min(first, duration - length)
    start = rng.uniform(min(earliest, latest), max(earliest, latest))
    return start, start + length


def frame_numbers(available: int, num_frames: int, rng: random.Random | None) -> list[int]:
    """T of the frames of a sequence in order; of a shorter one, some more than once."""
    return [int(place * available / num_frames) for place in places(num_frames, rng)]
