"""Image models of transformers, tiny and random, and their weights in our encoders.

What an encoder on an image transformer must equal, frame by frame, as long as nothing was trained.
"""

import torch
from torch import Tensor, nn
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.weights.io.rename import for_each, rename
from vlm.weights.towers import clip, siglip

FAMILIES = {
    "clip": (CLIPVisionModel, CLIPVisionConfig, clip.EMBEDDINGS),
    "siglip": (SiglipVisionModel, SiglipVisionConfig, siglip.EMBEDDINGS),
}


def scrambled(model: nn.Module) -> nn.Module:
    """The model with every parameter random: norms and scales too."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def image_model(config: TowerConfig) -> PreTrainedModel:
    """transformers' model of the same sizes."""
    model_class, config_class, _ = FAMILIES[config.backbone.name]
    return scrambled(
        model_class(
            config_class(
                hidden_size=config.block.dim,
                intermediate_size=config.block.mlp_dim,
                num_hidden_layers=config.backbone.depth,
                num_attention_heads=config.block.num_heads,
                patch_size=config.backbone.patch_size,
                image_size=config.image_size,
                hidden_act=config.block.activation,
                layer_norm_eps=config.block.norm_eps,
            )
        )
    )


def load_image_model(encoder: VideoEncoder, model: PreTrainedModel, config: TowerConfig) -> None:
    """Puts the image model's weights into the encoder; what the encoder adds stays as it is."""
    depth = config.backbone.depth
    layers = [{"tower": "", "layer": i, "target": f"blocks.{i}"} for i in range(depth)]
    ending = rename("post_layernorm", "norm", "weight", "bias")
    rules = [
        *for_each(FAMILIES[config.backbone.name][2], {"tower": ""}),
        *for_each(clip.LAYER, *layers),
        *ending,
    ]
    theirs = {name.removeprefix("vision_model."): t for name, t in model.state_dict().items()}
    ours: dict[str, Tensor] = {}
    for rule in rules:
        ours.update(rule.apply(theirs.__getitem__))
    ours = {name.replace("backbone.", "stem."): tensor for name, tensor in ours.items()}
    missing, unexpected = encoder.load_state_dict(ours, strict=False)
    assert not unexpected
    assert not [name for name in missing if name.startswith(("stem.", "norm."))]


@torch.no_grad()
def frame_features(model: PreTrainedModel, clip: Tensor) -> tuple[Tensor, Tensor]:
    """[B, T, 3, H, W] -> all tokens after the last norm [B, T, prefix + N, C], pooled [B, T, C]."""
    out = model(pixel_values=clip.flatten(0, 1))
    inner = getattr(model, "vision_model", model)
    tokens = out.last_hidden_state
    if isinstance(model, CLIPVisionModel):  # transformers norms the pooled token alone
        tokens = inner.post_layernorm(tokens)
    return tokens.unflatten(0, clip.shape[:2]), out.pooler_output.unflatten(0, clip.shape[:2])
