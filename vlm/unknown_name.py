"""The sentence for a name that is not in a table."""

from collections.abc import Iterable


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Raises ValueError with the known names, if `name` is none of them."""
    known = tuple(known)
    if name not in known:
        raise ValueError(f'no {kind} "{name}"; there are {", ".join(known)}')
