"""This repository's models in lmms-eval: `lmms-eval --model revisit --model_args pretrained=DIR`.

lmms-eval finds the model through the entry point `revisit` in the group `lmms_eval.models`, which
an editable install of the checkout registers: `pip install --no-deps -e .`. This package imports
lmms-eval only when lmms-eval loads the model.
"""

from typing import Any


def manifest() -> Any:
    """Returns the name and classes of the model in the form that lmms-eval 0.7.2 or later reads."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(
        model_id="revisit",
        simple_class_path="evaluation.lmms.model.RevisitSimple",
        chat_class_path="evaluation.lmms.model.Revisit",
    )
