"""`import vlm` makes transformers' Auto classes know our model, at no cost where nobody uses them.

    import vlm
    from transformers import AutoModelForImageTextToText, AutoProcessor

Registering takes the model's own modules, and they take torch along: seconds that the process which
reads videos, or `--help`, must not pay. So it is put off until the module with the Auto class is
imported, before or after us; then the module of ours is imported, which registers itself.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# Whose import brings which of ours. Only what is complete by then is needed there.
OURS = {
    "transformers.models.auto.configuration_auto": "vlm.config",
    "transformers.models.auto.modeling_auto": "vlm.model",
    "transformers.models.auto.processing_auto": "vlm.processor",
}


def register_when_wanted() -> None:
    """With what is imported already at once, with the rest when it comes."""
    if not any(isinstance(finder, _Listener) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Listener())
    for theirs, ours in OURS.items():
        if theirs in sys.modules:
            importlib.import_module(ours)


class _Listener(MetaPathFinder):
    """Finds the modules of OURS as ever, and imports ours after them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in OURS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_follow(module: ModuleType) -> None:
            run(module)
            importlib.import_module(OURS[name])

        spec.loader.exec_module = run_and_follow  # type: ignore[method-assign]
        return spec
