"""A PVC model in vLLM: our tower and compressor unchanged, vLLM's own language model."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from vllm.config import VllmConfig
from vllm.model_executor.models.interfaces import SupportsMultiModal, SupportsPP
from vllm.model_executor.models.module_mapping import MultiModelKeys
from vllm.model_executor.models.utils import (
    AutoWeightsLoader,
    init_vllm_registered_model,
    maybe_prefix,
)
from vllm.multimodal import MULTIMODAL_REGISTRY

from revisit_vllm.processing import PVCDummyInputs, PVCInfo, PVCMultiModalProcessor
from vlm.compressor import AdaptiveCompressor
from vlm.config import PVCConfig
from vlm.encoders import build_tower
from vlm.image_processor import PVCImageProcessor
from vlm.model import PVCForConditionalGeneration
from vlm.projector import build_stages


@MULTIMODAL_REGISTRY.register_processor(
    PVCMultiModalProcessor, info=PVCInfo, dummy_inputs=PVCDummyInputs
)
class PVC(nn.Module, SupportsMultiModal, SupportsPP):
    """Videos, pictures and text in, hidden states out. One medium is one item of vLLM's caches."""

    # The very functions of our own model, which need only these parts of it.
    encode = PVCForConditionalGeneration.encode
    tower_dtype = PVCForConditionalGeneration.tower_dtype
    project = PVCForConditionalGeneration.project

    @classmethod
    def get_placeholder_str(cls, modality: str, i: int) -> str | None:
        return {"image": "<img></img>", "video": "<IMG_CONTEXT>"}.get(modality)

    def __init__(self, *, vllm_config: VllmConfig, prefix: str = "") -> None:
        super().__init__()
        config = vllm_config.model_config.hf_config
        assert isinstance(config, PVCConfig)
        self.config = config
        # vLLM takes the head's tie from the outer config, where ours has none.
        config.tie_word_embeddings = config.text_config.tie_word_embeddings
        vocabulary = config.text_config.vocab_size
        self.configure_mm_token_handling(vocabulary, [config.image_token_id])
        self.squares = PVCImageProcessor(config.image_size, config.image_mean, config.image_std)
        with self._mark_tower_model(vllm_config, {"image", "video"}):
            self.tower = build_tower(config.tower_config)
            self.compressor = AdaptiveCompressor(
                self.tower.dim, config.text_width, config.compressor_config
            )
            stages = build_stages(config)
            for name, stage in stages.items():
                self.add_module(name, stage)
        self.stages = tuple(stages)
        with self._mark_language_model(vllm_config):
            self.language_model = init_vllm_registered_model(
                vllm_config=vllm_config,
                hf_config=config.text_config,
                prefix=maybe_prefix(prefix, "language_model"),
            )
        self.make_empty_intermediate_tensors = self.language_model.make_empty_intermediate_tensors

    def embed_multimodal(self, **kwargs: Any) -> list[Tensor]:
        """Encodes media, each on its own: [its looks * M, D] in the order of the arguments."""
        kinds = dict.fromkeys(name.partition("_")[0] for name in kwargs)
        return [
            tokens
            for kind in kinds
            if f"{kind}_frames" in kwargs
            for tokens in self._encode_kind(kind, kwargs)
        ]

    def _encode_kind(self, kind: str, kwargs: dict[str, Any]) -> list[Tensor]:
        """Encodes all pictures, or all videos, of a batch together."""
        frames = _joined(kwargs[f"{kind}_frames"])
        timesteps = _joined(kwargs[f"{kind}_timesteps"])
        clips, looks, num_frames = (
            [int(n) for n in kwargs[f"{kind}_{name}"]] for name in ("clips", "looks", "num_frames")
        )
        pixels = self.squares.pixel_values(frames)
        clip_frames = [t // n for n, t in zip(clips, num_frames, strict=True) for _ in range(n)]
        clip_looks = [r for n, r in zip(clips, looks, strict=True) for _ in range(n)]
        tokens = self.encode(pixels, clip_frames, clip_looks, timesteps)
        sizes = [n * r * self.config.tokens_per_look for n, r in zip(clips, looks, strict=True)]
        found = list(tokens.split(sizes))
        if kind == "image" and self.config.prompt_config.tile_order == "look":
            found = [
                item.unflatten(0, (n, r, -1)).transpose(0, 1).flatten(0, 2)
                for item, n, r in zip(found, clips, looks, strict=True)
            ]
        return found

    def forward(
        self,
        input_ids: Tensor | None,
        positions: Tensor,
        intermediate_tensors: Any = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        if intermediate_tensors is not None:
            inputs_embeds = None
        return self.language_model.model(
            input_ids, positions, intermediate_tensors, inputs_embeds=inputs_embeds
        )

    def compute_logits(self, hidden_states: Tensor) -> Tensor | None:
        return self.language_model.compute_logits(hidden_states)

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> set[str]:
        return AutoWeightsLoader(self).load_weights(weights)

    def get_mm_mapping(self) -> MultiModelKeys:
        """Names the parts of the model."""
        return MultiModelKeys.from_string_field(
            language_model="language_model", connector="compressor", tower_model="tower"
        )


def _joined(values: Tensor | list[Tensor]) -> Tensor:
    """Returns what vLLM hands over as one tensor or as one for each medium."""
    return values if isinstance(values, Tensor) else torch.cat(list(values))
