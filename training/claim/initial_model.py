"""What the four models start from: one model trained beforehand, as PVC starts from InternVL2.

The start is uncompressed and can read pages. Each of the four takes its image transformer, its
language model and its compressor. Where four by four patches become one token, that token begins as
the mean of the four tokens the start makes of them; what makes a layer of the tower a progressive
one is fresh, behind a gate that is a little open (alpha), and the adaptive norm begins as the plain
one. So with the gates shut "repeats", "progressive" and "pvc" say exactly the same at first.
"""

import torch

from training.claim.variants import Scale, Variant, config
from vlm.compressor import AdaptiveCompressor
from vlm.layers.norm import AdaLN
from vlm.model import PVCForConditionalGeneration


def fresh(variant: Variant, scale: Scale, seed: int) -> PVCForConditionalGeneration:
    """A model of random weights. Positions start as large as patches, words as large as looks:
    with the usual small ones so small a model needs long to find out what stands where."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PVCForConditionalGeneration(config(variant, scale))
        with torch.no_grad():
            model.tower.get_parameter("backbone.position_embedding").normal_(std=0.5)
            model.get_input_embeddings().get_parameter("weight").normal_(std=0.12)
    return model


def started(
    variant: Variant, scale: Scale, seed: int, start: PVCForConditionalGeneration
) -> PVCForConditionalGeneration:
    """One of the four as its training finds it."""
    model = fresh(variant, scale, seed)
    model.language_model.load_state_dict(start.language_model.state_dict())
    depth = model.config.tower_config.depth
    copied = model.tower.state_dict()
    for name, tensor in start.tower.state_dict().items():
        copied[_placed(name, depth)] = tensor
    model.tower.load_state_dict(copied)
    if variant.factor == start.compressor.factor:
        model.compressor.load_state_dict(start.compressor.state_dict())
    else:
        with torch.no_grad():
            _merge_tokens(model.compressor, start.compressor, model.tower.dim)
    return model


def _merge_tokens(ours: AdaptiveCompressor, theirs: AdaptiveCompressor, dim: int) -> None:
    """Makes a compressor say the mean of what `theirs` says of the parts of its squares.

    Its inner layer holds theirs once for each part; only the norm is over the whole square.
    """
    across = ours.factor // theirs.factor
    hidden = theirs.mlp.fc1.out_features
    # [hidden, f, f, C] -> [parts, hidden, F, F, C], zero but for the part's own channels
    small = theirs.mlp.fc1.weight.view(hidden, theirs.factor, theirs.factor, dim)
    wide = small.new_zeros(across, across, hidden, ours.factor, ours.factor, dim)
    for row in range(across):
        for column in range(across):
            rows = slice(row * theirs.factor, (row + 1) * theirs.factor)
            columns = slice(column * theirs.factor, (column + 1) * theirs.factor)
            wide[row, column, :, rows, columns] = small
    parts = across * across
    ours.mlp.fc1.weight.copy_(wide.view(parts * hidden, -1))
    ours.mlp.fc1.bias.copy_(theirs.mlp.fc1.bias.repeat(parts))
    ours.mlp.fc2.weight.copy_(theirs.mlp.fc2.weight.repeat(1, parts) / parts)
    ours.mlp.fc2.bias.copy_(theirs.mlp.fc2.bias)
    adaptive = isinstance(ours.norm, AdaLN)
    names = ("gamma.2.bias", "beta.2.bias") if adaptive else ("weight", "bias")
    for name, plain in zip(names, ("weight", "bias"), strict=True):
        # [f, f, C] once for each part, in the order of pixel_shuffle's channels
        one = theirs.norm.get_parameter(plain).view(1, theirs.factor, 1, theirs.factor, dim)
        values = one.repeat(across, 1, across, 1, 1).flatten()
        ours.norm.get_parameter(name).copy_(values)


def _placed(name: str, depth: int) -> str:
    """Where a weight of the start's tower belongs in one whose plain layers are `depth`."""
    layers = "backbone.layers."
    if not name.startswith(layers):
        return name
    index, _, rest = name.removeprefix(layers).partition(".")
    return name if int(index) < depth else f"blocks.{int(index) - depth}.{rest}"
