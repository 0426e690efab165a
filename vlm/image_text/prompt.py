"""From a conversation to the inputs of a model of transformers, by its own processor.

    inputs = written(processor, planning.conversation(state, "What happens?", media))
    model.generate(**inputs.tensors)

A video that the processor does not know is shown as pictures, each after its time. Markup that a
user types stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vlm.conversation import Conversation, Media, Text
from vlm.prompt.safe_tokenizer import clean

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, ProcessorMixin

MILLISECONDS = 1000  # frames of a video are numbered in them, so that any times can be given
# Names of the placeholder of a picture or a frame, in a processor or in a config.
VISUAL = ("image_token_id", "video_token_id", "image_token_index", "video_token_index")


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of a model for one prompt."""

    tensors: Mapping[str, Any]
    ids: list[int]


def written(processor: ProcessorMixin, conversation: Conversation) -> Inputs:
    """Writes a conversation with its pictures and videos."""
    videos = takes_videos(processor)
    messages = [
        {
            "role": message.role,
            "content": [block for part in message.parts for block in _blocks(part, videos)],
        }
        for message in conversation.messages
    ]
    times = [
        part.times
        for message in conversation.messages
        for part in message.parts
        if videos and isinstance(part, Media) and part.kind == "video"
    ]
    found = processor.apply_chat_template(
        messages,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        sanitize_control_tokens=True,
        processor_kwargs={"videos_kwargs": _video_options(processor, times)} if times else {},
    )
    tensors = {name: value for name, value in found.items() if name != "video_metadata"}
    return Inputs(tensors, tensors["input_ids"][0].tolist())


def takes_videos(processor: ProcessorMixin) -> bool:
    """Returns whether the processor has a form of its own for videos."""
    return getattr(processor, "video_processor", None) is not None


def visual_ids(processor: ProcessorMixin, config: PreTrainedConfig) -> frozenset[int]:
    """Returns the placeholders of pictures and frames."""
    found = {getattr(owner, name, None) for owner in (processor, config) for name in VISUAL}
    tokens = {getattr(processor.tokenizer, f"{kind}_token_id", None) for kind in ("image", "video")}
    return frozenset(i for i in found | tokens if isinstance(i, int))


def frame_label(time: float) -> str:
    """Returns the text before a frame that is shown as a picture; `time` in seconds."""
    return f"Frame at {time:.1f} s: "


def frame_metadata(times: Sequence[float]) -> dict[str, Any]:
    """Returns the metadata of a video whose frames stand at these times in seconds.

    Its frame rate is taken over the time that the frames stand for.
    """
    count = len(times)
    span = (times[-1] - times[0]) * count / (count - 1) if count > 1 else 0.0
    return {
        "total_num_frames": round(span * MILLISECONDS) or MILLISECONDS,
        "fps": float(MILLISECONDS),
        "frames_indices": [round(time * MILLISECONDS) for time in times],
    }


def _video_options(processor: ProcessorMixin, times: Sequence[Sequence[float]]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "video_metadata": [frame_metadata(one) for one in times],
        "do_sample_frames": False,
    }
    known = getattr(processor.video_processor, "valid_kwargs", None)
    if known is not None and "cap_pixels_per_frame" in known.__annotations__:
        options["cap_pixels_per_frame"] = True  # as in qwen-vl-utils
    return options


def _blocks(part: Any, videos: bool) -> list[dict[str, Any]]:
    """Returns the blocks of one part of a message, in transformers' form."""
    if isinstance(part, Text):
        return [{"type": "text", "text": clean(part.text)}]
    assert isinstance(part, Media)
    if part.kind == "image":
        return [{"type": "image", "image": np.asarray(clip.frames[0])} for clip in part.clips]
    frames = part.clips[0].frames
    if videos:
        return [{"type": "video", "video": frames}]
    blocks: list[dict[str, Any]] = []
    for time, frame in zip(part.times, frames, strict=True):
        blocks.append({"type": "text", "text": frame_label(time)})
        blocks.append({"type": "image", "image": frame})
    return blocks


def on_device(
    tensors: Mapping[str, Any], device: torch.device, dtype: torch.dtype
) -> dict[str, Any]:
    """Moves inputs to a device; floating-point tensors become `dtype`."""
    moved: dict[str, Any] = {}
    for name, value in tensors.items():
        if isinstance(value, Tensor):
            moved[name] = value.to(device, dtype if value.is_floating_point() else None)
        else:
            moved[name] = value
    return moved
