"""The sentence for a name that is not in a table, and the known name that it is most like."""

import difflib
from collections.abc import Iterable


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Raises ValueError with the known names, if `name` is none of them."""
    known = tuple(known)
    if name not in known:
        raise ValueError(f'no {kind} "{name}"; there are {", ".join(known)}')


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns "; did you mean NAME?", or "." if none is like it."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f"; did you mean {by_lower[near[0]]}?" if near else "."
