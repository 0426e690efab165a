"""Opens the assistant of any model by its name: ours, a published family, or one of transformers.

assistant = open_assistant("Qwen/Qwen2.5-VL-3B-Instruct")
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm.assistant import Assistant
from vlm.image_text.folder import is_image_text
from vlm.weights import sources


def open_assistant(
    path_or_name: str | Path = "embedded",
    *,
    experts: Sequence[str] | None = None,
    read_text: bool = False,
    **options: Any,
) -> Assistant:
    """Loads a model; the arguments are those of `Assistant.load`.

    Raises ValueError, one sentence, if there is no such model or it cannot be run.
    """
    own: dict[str, Any] = {"experts": experts, "read_text": read_text}
    if str(path_or_name) == sources.EMBEDDED:
        return Assistant.load(path_or_name, **own, **options)
    folder = sources.resolve(path_or_name)
    if not is_image_text(folder):
        return Assistant.load(path_or_name, **own, **options)
    from vlm.image_text.assistant import ImageTextAssistant

    name = Path(path_or_name).expanduser().absolute().name
    if experts or read_text:
        raise ValueError(f"{name}: the experts work with models of `python -m vlm.families` alone.")
    return ImageTextAssistant.open(folder, name, **options)
