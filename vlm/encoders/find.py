"""Finds the preset that a user's word means."""

import difflib

from vlm.encoders import ENCODERS, PRESETS
from vlm.encoders.preset import Preset


def find_preset(name: str) -> tuple[str, Preset]:
    """A preset by its name, or the first of an encoder by the encoder's; with the preset's name.

    Raises ValueError, one sentence with the nearest names, for any other word.
    """
    if name in ENCODERS:
        name = next(iter(ENCODERS[name].presets), name)
    if name not in PRESETS:
        raise ValueError(
            f'no encoder or preset "{name}"{did_you_mean(name)} `python -m vlm.encoders --presets`'
            " lists all."
        )
    return name, PRESETS[name]


def did_you_mean(name: str, most: int = 3) -> str:
    """Returns the end of a sentence: the names most like this one, if any is."""
    known = [*ENCODERS, *(preset for preset in PRESETS if not preset.endswith("-test"))]
    near = difflib.get_close_matches(name.lower(), known, most, 0.5)
    # A part of a name, such as "swin", is like few names as a whole.
    near += [one for one in known if name.lower() in one and one not in near]
    return f"; did you mean {' or '.join(near[:most])}?" if name and near else "."
