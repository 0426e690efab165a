"""From a tower's features to visual tokens: the compressor, then the stages a config names.

A stage changes the compressor's tokens with what else the tower gave (`VideoFeatures.extra`). It
is a module of the model under its own name, so that a model without it has no trace of it. A new
one is one file and one line in STAGES.
"""

from typing import Protocol, cast

from torch import Tensor, nn

from vlm.classifier_words import ClassWordEmbeddings
from vlm.compressor import AdaptiveCompressor
from vlm.config import PVCConfig
from vlm.encoders.base import VideoFeatures
from vlm.unknown_name import check_name


class Stage(Protocol):
    """Built from the whole config; called with tokens [B, T, M, D] and the compressor's factor."""

    @classmethod
    def from_config(cls, config: PVCConfig) -> "Stage": ...

    def __call__(self, tokens: Tensor, features: VideoFeatures, factor: int) -> Tensor: ...


# By the name in `compressor.stages`, which is also the prefix of its weights.
STAGES: dict[str, type[Stage]] = {
    "concepts": ClassWordEmbeddings,
}


def build_stages(config: PVCConfig) -> dict[str, nn.Module]:
    """Returns the stages of a config by name.

    Raises ValueError with the known ones for an unknown name.
    """
    names = config.compressor_config.stages
    for name in names:
        check_name("stage", name, STAGES)
    return {name: cast(nn.Module, STAGES[name].from_config(config)) for name in names}


def project(
    compressor: AdaptiveCompressor,
    stages: list[nn.Module],
    features: VideoFeatures,
    times: Tensor,
) -> Tensor:
    """Features of B clips, timesteps [B, T] -> visual tokens [B, T, M, D]."""
    tokens = compressor(features, times)
    for stage in stages:
        tokens = stage(tokens, features, compressor.factor)
    return tokens
