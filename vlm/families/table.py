"""The table of families: the model_type in a folder's config.json -> the function that opens it.

A new family is one file and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vlm.families import internvl, smolvlm
from vlm.families.opened import Opened
from vlm.weights.io.schema import read_json_object

FAMILIES: dict[str, Callable[[Path], Opened]] = {
    "idefics3": smolvlm.open_smolvlm,
    "internvl": internvl.open_hugging_face,
    "internvl_chat": internvl.open_original,
    "smolvlm": smolvlm.open_smolvlm,
}


def open_family(folder: Path) -> Opened | None:
    """Opens the folder of a published family; None if it is of none of them."""
    kind = read_json_object(folder / "config.json").values.get("model_type")
    return FAMILIES[kind](folder) if isinstance(kind, str) and kind in FAMILIES else None
