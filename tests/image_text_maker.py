"""Tiny random models of five classes that transformers runs whole, as it saves them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from families import byte_tokenizer, loud
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    GenerationConfig,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

CONTEXT = 4096
QWEN_SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>", "<image>", "<video>",
]  # fmt: skip
GEMMA_SPECIAL = [
    "<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>",
    "<end_of_image>", "<image_soft_token>",
]  # fmt: skip
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'video' %}VIDEO"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VISION_MARKS = (
    "<|vision_start|><|image_pad|><|vision_end|>",
    "<|vision_start|><|video_pad|><|vision_end|>",
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
TEXT: dict[str, Any] = {
    "vocab_size": 440, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": CONTEXT,
    "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
PATCH, MERGE = 4, 2


def _template(image: str, video: str) -> str:
    return CHATML.replace("IMAGE", image).replace("VIDEO", video)


def _write(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pictures: Any,
    template: str,
    processor: dict[str, Any] | None = None,
    videos: dict[str, Any] | None = None,
) -> PreTrainedModel:
    """Writes the files of a repository on huggingface.co."""
    model = loud(model)
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pictures.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(template)
    if processor is not None:
        (folder / "processor_config.json").write_text(json.dumps(processor))
    if videos is not None:
        (folder / "video_preprocessor_config.json").write_text(json.dumps(videos))
    return model


def _qwen(
    folder: Path, model_class: Any, config_class: Any, vision: dict[str, Any], **text: Any
) -> PreTrainedModel:
    tokenizer = byte_tokenizer(QWEN_SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    ids = tokenizer.convert_tokens_to_ids
    config = config_class(
        text_config={**TEXT, "rope_parameters": ROPE, **text},
        vision_config={
            "depth": 2, "num_heads": 2, "patch_size": PATCH, "spatial_merge_size": MERGE,
            "temporal_patch_size": 2, **vision,
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )  # fmt: skip
    sides = {"patch_size": PATCH, "merge_size": MERGE}
    pictures = Qwen2VLImageProcessorPil(size={"shortest_edge": 256, "longest_edge": 4096}, **sides)
    three = config_class is Qwen3VLConfig
    videos = {"size": {"shortest_edge": 256, "longest_edge": 4096 * (8 if three else 1)}, **sides}
    if three:
        videos |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return _write(
        folder, model_class(config), tokenizer, pictures, _template(*VISION_MARKS), None, videos
    )


def qwen2_vl(folder: Path) -> PreTrainedModel:
    vision = {"embed_dim": 16, "hidden_size": 32, "mlp_ratio": 2}
    return _qwen(folder, Qwen2VLForConditionalGeneration, Qwen2VLConfig, vision)


def qwen2_5_vl(folder: Path) -> PreTrainedModel:
    vision = {
        "hidden_size": 16, "out_hidden_size": 32, "intermediate_size": 32, "window_size": 16,
        "fullatt_block_indexes": [1], "tokens_per_second": 2,
    }  # fmt: skip
    return _qwen(folder, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLConfig, vision)


def qwen3_vl(folder: Path) -> PreTrainedModel:
    vision = {
        "hidden_size": 16, "out_hidden_size": 32, "intermediate_size": 32,
        "num_position_embeddings": 64, "deepstack_visual_indexes": [0],
    }  # fmt: skip
    return _qwen(folder, Qwen3VLForConditionalGeneration, Qwen3VLConfig, vision, head_dim=8)


def llava_onevision(folder: Path) -> PreTrainedModel:
    tokenizer = byte_tokenizer(QWEN_SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    pinpoints = [[32, 32], [32, 64], [64, 32], [64, 64]]
    config = LlavaOnevisionConfig(
        text_config={"model_type": "qwen2", **TEXT},
        vision_config={
            "model_type": "siglip_vision_model", "hidden_size": 16, "intermediate_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8,
            "vision_use_head": False,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
    )  # fmt: skip
    size = {"height": 32, "width": 32}
    pictures = LlavaOnevisionImageProcessorPil(size=size, image_grid_pinpoints=pinpoints)
    processor = {
        "processor_class": "LlavaOnevisionProcessor", "num_image_tokens": 16,
        "vision_feature_select_strategy": "full",
    }  # fmt: skip
    model = LlavaOnevisionForConditionalGeneration(config)
    template = _template("<image>\n", "<video>\n")
    return _write(folder, model, tokenizer, pictures, template, processor, {"size": size})


def gemma3(folder: Path) -> PreTrainedModel:
    roles = {
        "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }  # fmt: skip
    tokenizer = byte_tokenizer(
        GEMMA_SPECIAL,
        bos_token="<bos>",
        eos_token="<end_of_turn>",
        pad_token="<pad>",
        extra_special_tokens=roles,
    )
    ids = tokenizer.convert_tokens_to_ids
    config = Gemma3Config(
        text_config={
            **TEXT, "head_dim": 8, "sliding_window": 64,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        vision_config={
            "model_type": "siglip_vision_model", "hidden_size": 16, "intermediate_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8,
            "vision_use_head": False,
        },
        mm_tokens_per_image=4,
        boi_token_index=ids(roles["boi_token"]),
        eoi_token_index=ids(roles["eoi_token"]),
        image_token_index=ids(roles["image_token"]),
    )  # fmt: skip
    pictures = Gemma3ImageProcessorPil(size={"height": 32, "width": 32})
    processor = {"processor_class": "Gemma3Processor", "image_seq_length": 4}
    model = Gemma3ForConditionalGeneration(config)
    return _write(folder, model, tokenizer, pictures, GEMMA_TEMPLATE, processor)


MAKERS: dict[str, Callable[[Path], PreTrainedModel]] = {
    "gemma3": gemma3,
    "llava_onevision": llava_onevision,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen2_vl": qwen2_vl,
    "qwen3_vl": qwen3_vl,
}
