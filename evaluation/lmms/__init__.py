"""This repository's models in lmms-eval: `lmms-eval --model revisit --model_args pretrained=DIR`.

lmms-eval finds the model through the entry point `revisit` of the group `lmms_eval.models`, which
an editable install of the checkout registers: `pip install --no-deps -e .`. Nothing here imports
lmms-eval before it asks.
"""

from typing import Any


def manifest() -> Any:
    """What lmms-eval (0.7.2 or later) wants to know: a name and where the classes are."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(
        model_id="revisit",
        simple_class_path="evaluation.lmms.model.RevisitSimple",
        chat_class_path="evaluation.lmms.model.Revisit",
    )
