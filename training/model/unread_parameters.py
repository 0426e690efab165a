"""Parameters of a tower that an assistant's tokens do not depend on.

An encoder may have layers for its summary of a clip alone (attention pooling, global blocks), which
no compressor reads. They would get no gradient, and processes that train together wait for one.
"""

import torch

from vlm.config import PVCConfig
from vlm.encoders import build_tower, encoder_class

NUM_FRAMES = 4


def unread_parameters(config: PVCConfig) -> set[str]:
    """Names, within the tower, of the parameters that no visual token depends on."""
    tower_config = config.tower_config
    if not encoder_class(tower_config.encoder).takes_options:
        return set()  # PVC's tower has none
    side = config.image_size
    with torch.device("meta"):
        tower = build_tower(tower_config)
        features = tower(torch.empty(1, NUM_FRAMES, 3, side, side))
    read = [features.tokens]
    if config.compressor_config.global_token and features.global_token is not None:
        read.append(features.global_token)
    named = {name: p for name, p in tower.named_parameters() if p.requires_grad}
    learned = [output for output in read if output.requires_grad]
    if not learned:
        return set(named)
    found = torch.autograd.grad(
        sum(output.sum() for output in learned), list(named.values()), allow_unused=True
    )
    return {name for name, gradient in zip(named, found, strict=True) if gradient is None}
