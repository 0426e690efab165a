"""What the four models start from: one model trained beforehand, as PVC starts from InternVL2.

The start is uncompressed. Each of the four takes its image transformer and its language model; the
compressor is fresh, and so is what makes a layer of the tower a progressive one, behind a gate that
is still shut (alpha is 0). So before training "progressive" says exactly what "repeats" says.
"""

import torch
from torch import Tensor, nn

from training.claim.variants import Scale, Variant, config
from vlm.model import PVCForConditionalGeneration


def fresh(variant: Variant, scale: Scale, seed: int) -> PVCForConditionalGeneration:
    """A model of random weights. Positions start as large as patches, words as large as looks:
    with the usual small ones so small a model needs long to find out what stands where."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PVCForConditionalGeneration(config(variant, scale))
        with torch.no_grad():
            model.tower.backbone.position_embedding.normal_(std=0.5)
            model.get_input_embeddings().get_parameter("weight").normal_(std=0.12)
    return model


def started(
    variant: Variant, scale: Scale, seed: int, start: PVCForConditionalGeneration
) -> PVCForConditionalGeneration:
    """One of the four, its image transformer and language model those of the start."""
    model = fresh(variant, scale, seed)
    model.language_model.load_state_dict(start.language_model.state_dict())
    depth = model.config.tower_config.depth
    copied = model.tower.state_dict()
    for name, tensor in start.tower.state_dict().items():
        copied[_placed(name, depth)] = tensor
    model.tower.load_state_dict(copied)
    return model


def _placed(name: str, depth: int) -> str:
    """Where a weight of the start's tower belongs in one whose plain layers are `depth`."""
    layers = "backbone.layers."
    if not name.startswith(layers):
        return name
    index, _, rest = name.removeprefix(layers).partition(".")
    return name if int(index) < depth else f"blocks.{int(index) - depth}.{rest}"


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def same_weights(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
