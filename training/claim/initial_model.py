"""Initializes the four models from one model trained beforehand, as PVC starts from InternVL2.

The start model is uncompressed and can read pages. Each of the four takes over its image
transformer, language model and compressor. If four by four patches become one token, that token is
initialized to the mean of the start model's four tokens for them. The temporal parts of progressive
layers are fresh, behind a slightly open gate (alpha), and the adaptive norm is initialized to the
plain norm. So with closed gates "repeats", "progressive" and "pvc" give equal tokens at first.
"""

import torch

from training.claim.variants import Scale, Variant, config
from vlm.compressor import AdaptiveCompressor
from vlm.layers.norm import AdaLN
from vlm.model import PVCForConditionalGeneration


def fresh(variant: Variant, scale: Scale, seed: int) -> PVCForConditionalGeneration:
    """Returns a model of random weights.

    Position embeddings are initialized as large as patches, word embeddings as large as visual
    tokens: with the usual small values, so small a model learns positions slowly.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PVCForConditionalGeneration(config(variant, scale))
        with torch.no_grad():
            model.tower.get_parameter("backbone.position_embedding").normal_(std=0.5)
            model.get_input_embeddings().get_parameter("weight").normal_(std=0.12)
    return model


def from_start(
    variant: Variant, scale: Scale, seed: int, start: PVCForConditionalGeneration
) -> PVCForConditionalGeneration:
    """Returns one of the four models before its training."""
    model = fresh(variant, scale, seed)
    model.language_model.load_state_dict(start.language_model.state_dict())
    depth = model.config.tower_config.backbone.depth
    copied = model.tower.state_dict()
    for name, tensor in start.tower.state_dict().items():
        copied[_renamed(name, depth)] = tensor
    model.tower.load_state_dict(copied)
    if variant.factor == start.compressor.factor:
        model.compressor.load_state_dict(start.compressor.state_dict())
    else:
        with torch.no_grad():
            _merge_tokens(model.compressor, start.compressor, model.tower.dim)
    return model


def _merge_tokens(target: AdaptiveCompressor, source: AdaptiveCompressor, dim: int) -> None:
    """Makes `target` output the mean of the outputs of `source` on the parts of a square.

    Its hidden layer has the source's once for each part; only the norm is over the whole square.
    """
    across = target.factor // source.factor
    hidden = source.mlp.fc1.out_features
    # [hidden, f, f, C] -> [parts, hidden, F, F, C], zero but for the part's own channels
    small = source.mlp.fc1.weight.view(hidden, source.factor, source.factor, dim)
    wide = small.new_zeros(across, across, hidden, target.factor, target.factor, dim)
    for row in range(across):
        for column in range(across):
            rows = slice(row * source.factor, (row + 1) * source.factor)
            columns = slice(column * source.factor, (column + 1) * source.factor)
            wide[row, column, :, rows, columns] = small
    parts = across * across
    target.mlp.fc1.weight.copy_(wide.view(parts * hidden, -1))
    target.mlp.fc1.bias.copy_(source.mlp.fc1.bias.repeat(parts))
    target.mlp.fc2.weight.copy_(source.mlp.fc2.weight.repeat(1, parts) / parts)
    target.mlp.fc2.bias.copy_(source.mlp.fc2.bias)
    adaptive = isinstance(target.norm, AdaLN)
    names = ("gamma.2.bias", "beta.2.bias") if adaptive else ("weight", "bias")
    for name, plain in zip(names, ("weight", "bias"), strict=True):
        # [f, f, C] once for each part, in the order of pixel_shuffle's channels
        one = source.norm.get_parameter(plain).view(1, source.factor, 1, source.factor, dim)
        values = one.repeat(across, 1, across, 1, 1).flatten()
        target.norm.get_parameter(name).copy_(values)


def _renamed(name: str, depth: int) -> str:
    """Returns the name of a start model's tower weight in a tower with `depth` plain layers."""
    layers = "backbone.layers."
    if not name.startswith(layers):
        return name
    index, _, rest = name.removeprefix(layers).partition(".")
    return name if int(index) < depth else f"blocks.{int(index) - depth}.{rest}"
