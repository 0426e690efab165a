"""Revisit's library: media, tower, compressor, language model, generation, assistant.

    from vlm import Assistant                      # answers questions about files
    from vlm import PVCForConditionalGeneration    # and transformers' Auto classes know it, too

`import vlm` alone imports nothing heavy: one encoder or the video reader costs what it needs
itself, and `--help` answers at once. The names below are imported when they are asked for (PEP
562); any of them registers the model, its config and its processor with transformers.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlm.assistant import Assistant as Assistant
    from vlm.config import PVCConfig as PVCConfig
    from vlm.model import PVCForConditionalGeneration as PVCForConditionalGeneration
    from vlm.processor import PVCProcessor as PVCProcessor

__version__ = "0.1.0"

LAZY = {
    "Assistant": "vlm.assistant",
    "PVCConfig": "vlm.config",
    "PVCForConditionalGeneration": "vlm.model",
    "PVCProcessor": "vlm.processor",
}
REGISTERING = ("vlm.config", "vlm.model", "vlm.processor")  # with the Auto classes, on import


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in REGISTERING:
        importlib.import_module(module)
    return getattr(importlib.import_module(LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *LAZY])
