"""The PVC model: video tower, adaptive compressor, any causal language model of transformers.

    pixels [F, 3, S, S] -> tower [T, N, C] -> compressor [T, M, D] -> among the words -> answer

An ordinary transformers model: `from_pretrained`, `save_pretrained`, `generate`, Trainer and peft
work on it. Pictures come as *clips*: a video is a clip of T frames seen once each, a still picture
(or one tile of it) is a clip of one frame seen R times. The repeat count is passed as a number;
pixels are never duplicated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling, CausalLMOutputWithPast

from vlm.compressor import AdaptiveCompressor
from vlm.config import PVCConfig
from vlm.encoders import build_tower, frozen_parameters
from vlm.encoders.base import VideoEncoder, VideoFeatures
from vlm.generate_inputs import PictureGenerationMixin
from vlm.layers.norm import AdaLN
from vlm.projector import build_stages, project
from vlm.timesteps import relative_timesteps

# Fields of configs whose models change the logits after the head: Gemma 2, Cohere, Granite.
AFTER_THE_HEAD = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")


@dataclass
class PVCOutput(CausalLMOutputWithPast):
    """The loss, and the visual tokens it was computed from."""

    image_hidden_states: Tensor | None = None  # [V, D]


class PVCForConditionalGeneration(PreTrainedModel, PictureGenerationMixin):
    """Videos, pictures and text in, text out."""

    config_class = PVCConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    input_modalities = ("image", "video", "text")
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True

    def __init__(self, config: PVCConfig) -> None:
        super().__init__(config)
        width = config.text_width
        self.tower: VideoEncoder = build_tower(config.tower_config)
        self.compressor = AdaptiveCompressor(self.tower.dim, width, config.compressor_config)
        stages = build_stages(config)
        for name, stage in stages.items():
            self.add_module(name, stage)
        self.stages = tuple(stages)
        # Called part by part, which hooks that move tensors between devices do not see.
        whole = (self.tower, self.compressor, *stages.values())
        self._no_split_modules = [type(module).__name__ for module in whole]
        self.language_model = AutoModelForCausalLM.from_config(config.text_config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Our modules initialize themselves; only AdaLN must survive being materialized late."""
        if isinstance(module, AdaLN):
            module.reset_parameters()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """As in transformers, but raises ValueError for missing or unexpected weights."""
        with_info = kwargs.pop("output_loading_info", False)
        model, info = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        problems = [
            f"{kind.replace('_', ' ')}: {', '.join(sorted(map(str, info[kind])))}"
            for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
            if info.get(kind)
        ]
        if problems:
            raise ValueError(f"{args[0]} does not hold this model's weights; {'; '.join(problems)}")
        for name in frozen_parameters(model.config.tower_config):
            model.tower.get_parameter(name).requires_grad_(False)
        return (model, info) if with_info else model

    def train(self, mode: bool = True) -> "PVCForConditionalGeneration":
        """Sets the mode; the tower's BatchNorm keeps its statistics.

        Those of a batch would depend on what else is in it: a few clips, some of them blank
        (training/loop/distributed.py).
        """
        super().train(mode)
        for norm in self.tower.batch_norms():
            norm.eval()
        return self

    def get_input_embeddings(self) -> nn.Module:
        return self.language_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        return self.language_model.get_output_embeddings()

    def get_decoder(self) -> nn.Module:
        return self.language_model.get_decoder()

    def encode(
        self,
        pixel_values: Tensor,
        clip_frames: Tensor | list[int],
        clip_looks: Tensor | list[int],
        timesteps: Tensor | list[float],
        extra: Mapping[str, tuple[Tensor, Tensor]] | None = None,
    ) -> Tensor:
        """Encodes the pixels of all clips in a row into their visual tokens in a row.

        pixel_values [F, 3, S, S]; clip_frames and clip_looks have, for each clip, how many of the F
        frames are its own and how many looks it gets in all (T for a video of T frames, R for a
        still picture); timesteps has one number for each look. -> [sum(looks) * M, D].

        `extra` replaces outputs of the backbone for some frames: name -> (indices of the frames
        [n], values [n, ...]).
        """
        num_frames = [int(n) for n in clip_frames]
        num_looks = [int(n) for n in clip_looks]
        if sum(num_frames) != len(pixel_values) or sum(num_looks) != len(timesteps):
            raise ValueError(
                f"{len(pixel_values)} frames and {len(timesteps)} times were given for clips of "
                f"{sum(num_frames)} frames and {sum(num_looks)} looks"
            )
        frames = self.tower.encode_frames(pixel_values.to(self.tower_dtype)).with_extra(extra or {})
        times = torch.as_tensor(timesteps, dtype=torch.float32, device=pixel_values.device)
        starts = torch.tensor([0, *num_frames]).cumsum(0).tolist()
        look_starts = torch.tensor([0, *num_looks]).cumsum(0).tolist()

        # Clips of the same shape go through the tower together.
        groups: dict[tuple[int, int], list[int]] = {}
        for index, shape in enumerate(zip(num_frames, num_looks, strict=True)):
            groups.setdefault(shape, []).append(index)
        out: list[Tensor | None] = [None] * len(num_frames)
        for (T, R), members in groups.items():
            rows = torch.cat([torch.arange(starts[i], starts[i] + T) for i in members])
            group_times = torch.stack([times[look_starts[i] : look_starts[i] + R] for i in members])
            clip = frames[rows.to(pixel_values.device)].clips(len(members))
            features, _ = self.tower.encode_clips(clip, group_times)
            for index, tokens in zip(members, self.project(features, group_times), strict=True):
                out[index] = tokens.flatten(0, 1)  # [R * M, D]
        return torch.cat([tokens for tokens in out if tokens is not None])

    def look(
        self, pixel_values: Tensor | None, timesteps: Sequence[Sequence[float]], state: Any = None
    ) -> tuple[Tensor, Any]:
        """Looks at B still pictures R times each; without pixels, R times more than in `state`.

        pixel_values [B, 3, S, S]; timesteps has R numbers for each. -> the tokens of the new looks
        [B * R * M, D], as `encode` returns them, and the state for more looks.
        """
        times = torch.tensor(timesteps, dtype=torch.float32, device=self.device)
        clip = None if pixel_values is None else pixel_values[:, None].to(self.tower_dtype)
        features, state = self.tower.step(clip, times, state)
        return self.project(features, times).flatten(0, 2), state

    def encode_steps(
        self, pixel_values: Tensor, looks: int, timesteps: Tensor | list[float], chunk: int
    ) -> Iterator[Tensor]:
        """Encodes one clip `chunk` looks at a time, so that a caller can show progress and stop.

        pixel_values [T, 3, S, S] and looks == T, or [1, 3, S, S] and any number of looks. Yields
        [chunk * M, D]; together they equal what `encode` returns. A tower that is not incremental
        encodes the whole clip at once.
        """
        T = len(pixel_values)
        if T not in (1, looks):
            raise ValueError(f"a clip of {T} frames is looked at {T} times, not {looks}")
        times = torch.as_tensor(timesteps, dtype=torch.float32, device=pixel_values.device)[None]
        chunk = chunk if self.tower.incremental else looks
        cache: Any = None
        for start in range(0, looks, chunk):
            frames = pixel_values[None, start : start + chunk] if T > 1 else pixel_values[None]
            clip = frames.to(self.tower_dtype) if T > 1 or cache is None else None
            now = times[:, start : start + chunk]
            features, cache = self.tower.step(clip, now, cache)
            yield self.project(features, now)[0].flatten(0, 1)

    def get_image_features(
        self,
        pixel_values: Tensor,
        clip_looks: Tensor | list[int] | None = None,
        timesteps: Tensor | list[float] | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """Encodes still pictures, as in transformers: `pooler_output` has [R * M, D] for each.

        pixel_values [F, 3, S, S], a square or a tile each. Without clip_looks and timesteps each
        gets the looks that the model was made for.
        """
        F = len(pixel_values)
        looks = clip_looks if clip_looks is not None else [self.config.prompt_config.looks] * F
        return self._features(pixel_values, [1] * F, looks, timesteps)

    def get_video_features(
        self,
        pixel_values_videos: Tensor,
        clip_frames: Tensor | list[int] | None = None,
        timesteps: Tensor | list[float] | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """Encodes videos, as in transformers: `pooler_output` has [T * M, D] for each.

        pixel_values_videos [F, 3, S, S] of all videos in a row, clip_frames how many are each
        one's own. Without clip_frames they are one video, without timesteps evenly spaced.
        """
        frames = clip_frames if clip_frames is not None else [len(pixel_values_videos)]
        return self._features(pixel_values_videos, frames, frames, timesteps)

    def _features(
        self,
        pixels: Tensor,
        frames: Tensor | list[int],
        looks: Tensor | list[int],
        timesteps: Tensor | list[float] | None,
    ) -> BaseModelOutputWithPooling:
        tower = self.config.tower_config
        if timesteps is None:
            form = (tower.timestep_scale, tower.timestep_form)
            timesteps = [t for n in looks for t in relative_timesteps(range(int(n)), *form)]
        tokens = self.encode(pixels, frames, looks, timesteps)
        each = tokens.split([int(n) * self.config.tokens_per_look for n in looks])
        return BaseModelOutputWithPooling(pooler_output=each)

    @property
    def tower_dtype(self) -> torch.dtype:
        """The dtype the tower computes in."""
        return self.tower.dtype

    def project(self, features: VideoFeatures, times: Tensor) -> Tensor:
        """A tower's features -> [B, T, M, D]."""
        stages = [self.get_submodule(name) for name in self.stages]
        return project(self.compressor, stages, features, times)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        pixel_values: Tensor | None = None,
        clip_frames: Tensor | None = None,
        clip_looks: Tensor | None = None,
        timesteps: Tensor | None = None,
        visual_tokens: Tensor | None = None,
        extra: Mapping[str, tuple[Tensor, Tensor]] | None = None,
        logits_to_keep: int | Tensor = 0,
        num_items_in_batch: Tensor | int | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """input_ids [B, L] -> logits [B, L, vocabulary], and the loss if labels are given.

        Each `image_token_id` takes the next row of the visual tokens, which are computed from
        pixel_values (see `encode`) or given as visual_tokens [V, D].

        labels [B, L] are the ids themselves, -100 where nothing is learned; logits are then only
        those that predict a label, [n, vocabulary]. The loss is the sum over the labels divided by
        num_items_in_batch, or by their number.

        Without ids only the visual tokens are returned.

        Rows may hold several samples (data/samples/packing.py): position_ids then start at 0 with
        each of them, there is no attention_mask, and without labels use_cache must be False.
        """
        if visual_tokens is None and pixel_values is not None:
            assert clip_frames is not None
            assert clip_looks is not None
            assert timesteps is not None
            visual_tokens = self.encode(pixel_values, clip_frames, clip_looks, timesteps, extra)
        if input_ids is None and inputs_embeds is None:
            return PVCOutput(image_hidden_states=visual_tokens)
        if inputs_embeds is not None:
            if visual_tokens is not None:
                raise ValueError(
                    "input_ids place pictures, but inputs_embeds were given: pass input_ids, or put"
                    " the visual tokens into the embeddings with vlm.model.fuse"
                )
        else:
            assert input_ids is not None
            inputs_embeds = self.get_input_embeddings()(input_ids)
            if visual_tokens is not None:
                inputs_embeds = fuse(
                    inputs_embeds, input_ids, visual_tokens, self.config.image_token_id
                )
        inputs = {
            "inputs_embeds": inputs_embeds,
            "attention_mask": attention_mask,
            "position_ids": position_ids,
            "past_key_values": past_key_values,
            **kwargs,
        }
        if labels is None:
            return self.language_model(**inputs, logits_to_keep=logits_to_keep)

        # No cache: it would cost memory, and transformers would miss where packed samples begin.
        inputs["use_cache"] = False
        targets = labels[:, 1:]
        learned = targets != -100
        if any(getattr(self.language_model.config, name, None) for name in AFTER_THE_HEAD):
            out = self.language_model(**inputs)
            logits = out.logits[:, :-1][learned]
        else:
            out = self.language_model.get_decoder()(**inputs)
            # A 2-D selection: a strided 3-D slice would make the head copy its matrix each time.
            logits = self.get_output_embeddings()(out.last_hidden_state[:, :-1][learned])
        loss = F.cross_entropy(logits.float(), targets[learned], reduction="sum")
        count = learned.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
        return PVCOutput(
            loss=loss / count,
            logits=logits,
            past_key_values=out.past_key_values,
            image_hidden_states=visual_tokens,
        )


AutoModelForImageTextToText.register(PVCConfig, PVCForConditionalGeneration)


def fuse(embeddings: Tensor, ids: Tensor, visual: Tensor, image_token_id: int) -> Tensor:
    """Replaces the embeddings [B, L, D] of placeholders in ids [B, L] by visual tokens [V, D].

    Raises ValueError if the prompt does not contain exactly V placeholders.
    """
    is_image = ids == image_token_id
    num_placeholders = int(is_image.sum())
    if num_placeholders != len(visual):
        raise ValueError(
            f"the prompt has {num_placeholders} placeholders for visual tokens, but {len(visual)}"
            " were given: the prompt was written for other pictures"
        )
    return embeddings.masked_scatter(is_image[..., None], visual.to(embeddings.dtype))
