"""Names and shapes of a model's tensors, without allocating them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlm.config import PVCConfig
    from vlm.weights.io.rename import Shape

TIED_HEAD = "language_model.lm_head.weight"


def model_shapes(config: PVCConfig) -> dict[str, Shape]:
    """Returns name -> shape for a weight file of this config: a tied head is left out."""
    import torch

    from vlm.model import PVCForConditionalGeneration

    with torch.device("meta"):
        model = PVCForConditionalGeneration(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if getattr(config.text_config, "tie_word_embeddings", False):
        shapes.pop(TIED_HEAD)
    return shapes
