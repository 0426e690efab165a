"""The visual tokens that one call of `generate` needs, if it is not a plain prompt.

transformers copies a prompt (for beams or several answers) by repeating each entry of each tensor,
which suits tensors with one entry per prompt. Frames, clips and looks are concatenated over
prompts, so that would interleave them. And of a prompt that continues a cache only the new
positions are read, so the pictures of the cached ones must be left out.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, GenerationMixin

# The arguments of `forward` that become visual tokens.
VISUAL_INPUTS = (
    "pixel_values",
    "clip_frames",
    "clip_looks",
    "timesteps",
    "visual_tokens",
    "extra",
)


class PictureGenerationMixin(GenerationMixin):
    """transformers' `generate` for a model with `encode`: any number of copies, any cache."""

    def _expand_inputs_for_generation(
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: Tensor | None = None,
        **model_kwargs: Any,
    ) -> tuple[Tensor, dict[str, Any]]:
        """Copies prompts for beams or several answers, each with its pictures, encoded once."""
        if expand_size == 1 or input_ids is None:
            return super()._expand_inputs_for_generation(
                expand_size, is_encoder_decoder, input_ids, **model_kwargs
            )
        cache = model_kwargs.get("past_key_values")
        num_known = 0 if cache is None else cache.get_seq_length()
        visual = {name: model_kwargs.pop(name, None) for name in VISUAL_INPUTS}
        tokens = self._visual_tokens(visual)
        if tokens is not None:
            is_image = (input_ids == self.config.image_token_id).to(tokens.device)
            tokens = copy_rows(tokens, is_image, num_known, expand_size)
        if cache is not None and num_known:
            _copy_cache(cache, len(input_ids), expand_size)
        input_ids, model_kwargs = super()._expand_inputs_for_generation(
            expand_size, is_encoder_decoder, input_ids, **model_kwargs
        )
        return input_ids, {**model_kwargs, "visual_tokens": tokens}

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        next_sequence_length: int | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        is_first_iteration: bool | None = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Passes pictures with the prompt only, and of these only what the cache does not hold."""
        inputs = super().prepare_inputs_for_generation(
            input_ids,
            next_sequence_length=next_sequence_length,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            is_first_iteration=is_first_iteration,
            **kwargs,
        )
        visual = {name: kwargs.get(name) for name in VISUAL_INPUTS}
        num_known = past_key_values.get_seq_length() if past_key_values is not None else 0
        if num_known and not is_first_iteration:
            visual = {}
        elif is_first_iteration and inputs_embeds is None:
            is_image = input_ids == self.config.image_token_id
            # Ids may be those of the whole prompt, or only those that the cache does not hold.
            new_length = next_sequence_length or is_image.shape[1]
            visual = self._new_visual_inputs(visual, is_image, is_image.shape[1] - new_length)
        for name in VISUAL_INPUTS:
            value = visual.get(name)
            inputs[name] = value.to(self.device) if isinstance(value, Tensor) else value
        return inputs

    def _visual_tokens(self, visual: Mapping[str, Any]) -> Tensor | None:
        """Encodes the visual inputs of a call; None if there are none."""
        if visual.get("visual_tokens") is not None:
            return visual["visual_tokens"].to(self.device)
        if visual.get("pixel_values") is None:
            return None
        return self.encode(
            visual["pixel_values"].to(self.device),
            visual["clip_frames"],
            visual["clip_looks"],
            visual["timesteps"],
            visual.get("extra"),
        )

    def _new_visual_inputs(
        self, visual: dict[str, Any], is_image: Tensor, num_known: int
    ) -> dict[str, Any]:
        """Leaves out the visual tokens of the first `num_known` positions, which are cached.

        The inputs may be those of the whole prompt or only those behind these positions. Clips that
        are cached whole are not encoded again. Raises ValueError if pictures are missing or left
        over.
        """
        M = self.config.tokens_per_look
        given = count_visual_tokens(visual, M)
        new = is_new(is_image, num_known)
        num_new = int(new.sum())
        if (given or 0) == num_new:
            return visual
        if given != len(new):
            raise ValueError(wrong_count(given or 0, len(new), num_new))
        if num_new == 0:
            return {}
        if visual.get("visual_tokens") is None and visual.get("extra") is None:
            looks = torch.as_tensor(visual["clip_looks"]).tolist()
            clips = new.split([M * n for n in looks])
            keep = torch.stack([clip.any() for clip in clips])
            visual = only_clips(visual, keep)
            new = torch.cat([clip for clip in clips if clip.any()])
        tokens = self._visual_tokens(visual)
        assert tokens is not None
        return {"visual_tokens": tokens[new.to(tokens.device)]}


def _copy_cache(cache: Cache, num_prompts: int, copies: int) -> None:
    """Copies the keys and values of an earlier turn, unless they are of that many rows already.

    Raises ValueError if they belong to another number of prompts.
    """
    num_rows = len(cache.layers[0].keys)
    if num_rows == num_prompts:
        cache.batch_repeat_interleave(copies)
    elif num_rows != num_prompts * copies:
        raise ValueError(
            f"past_key_values hold {num_rows} rows, but {num_prompts} prompts with {copies} copies"
            f" each were given: pass those of {num_prompts} or {num_prompts * copies} rows"
        )


def count_visual_tokens(visual: Mapping[str, Any], tokens_per_look: int) -> int | None:
    """Returns how many visual tokens these inputs give, None if there are none of them."""
    if visual.get("visual_tokens") is not None:
        return len(visual["visual_tokens"])
    if visual.get("pixel_values") is None:
        return None
    return sum(int(looks) for looks in visual["clip_looks"]) * tokens_per_look


def is_new(is_image: Tensor, num_known: int) -> Tensor:
    """Whether each placeholder of is_image [B, L] is behind the first `num_known`. -> [V]."""
    positions = torch.arange(is_image.shape[1], device=is_image.device)
    return (positions >= num_known).expand_as(is_image)[is_image]


def copy_rows(visual_tokens: Tensor, is_image: Tensor, num_known: int, copies: int) -> Tensor:
    """Repeats the visual tokens [V, D] of each prompt as a whole. -> [copies * V, D].

    is_image [B, L] marks the placeholders of the prompts. The tokens are those of all placeholders,
    or of those behind the first `num_known` positions. Raises ValueError otherwise.
    """
    per_row = is_image.sum(1)
    if len(visual_tokens) != int(per_row.sum()):
        new = is_image[:, num_known:].sum(1)
        if len(visual_tokens) != int(new.sum()):
            raise ValueError(wrong_count(len(visual_tokens), int(per_row.sum()), int(new.sum())))
        per_row = new
    rows = visual_tokens.split(per_row.tolist())
    return torch.cat([row for row in rows for _ in range(copies)])


def only_clips(visual: Mapping[str, Any], keep: Tensor) -> dict[str, Any]:
    """Returns the pixels of some clips only; keep [number of clips] is bool."""
    keep = keep.cpu()
    num_frames = torch.as_tensor(visual["clip_frames"]).cpu()
    num_looks = torch.as_tensor(visual["clip_looks"]).cpu()
    pixels, times = visual["pixel_values"], torch.as_tensor(visual["timesteps"])
    return {
        "pixel_values": pixels[keep.repeat_interleave(num_frames).to(pixels.device)],
        "clip_frames": num_frames[keep],
        "clip_looks": num_looks[keep],
        "timesteps": times[keep.repeat_interleave(num_looks).to(times.device)],
    }


def wrong_count(given: int, in_prompt: int, in_rest: int) -> str:
    """Returns the sentence for visual tokens that fit neither the prompt nor its new part."""
    rest = f", {in_rest} of them behind the cached part" if in_rest != in_prompt else ""
    return (
        f"the prompt has {in_prompt} placeholders for visual tokens{rest}, but {given} visual"
        " tokens were given: pass the pictures of the whole prompt, or only those that the cache"
        " does not hold"
    )
