"""A tiny random InternVL as transformers saves it, and the same weights as OpenGVLab publishes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from families import byte_tokenizer, loud
from safetensors.torch import save_file
from torch import Tensor
from transformers import InternVLConfig, InternVLForConditionalGeneration, PreTrainedModel
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.internvl.processing_internvl import InternVLProcessor

SIDE, PATCH, TOKENS = 32, 8, 4  # 4 x 4 patches, 2 x 2 of them per token
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>"]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
VISION: dict[str, Any] = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": [SIDE, SIDE], "patch_size": [PATCH, PATCH], "attention_bias": True,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "model_type": "qwen2", "vocab_size": 400, "hidden_size": 16, "intermediate_size": 32,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "max_position_embeddings": 2048, "tie_word_embeddings": False,
}  # fmt: skip
# As in the folders with -hf in their names.
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif content['type'] == 'video' %}{{ '<video>\n' }}"
    "{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{'<|im_end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
)


class Processor(InternVLProcessor):
    """transformers' processor; its video processor, which needs torchvision, is replaced."""

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
        return None

    def frames(self, frames: np.ndarray) -> Tensor:
        """Each frame as their image processor prepares a picture that is not cut."""
        pictures = self.image_processor(list(frames), crop_to_patches=False, return_tensors="pt")
        return pictures["pixel_values"]

    def inputs(self, messages: list[dict[str, Any]], *media: np.ndarray) -> dict[str, Tensor]:
        """Model inputs for messages whose pictures [H, W, 3] and videos [T, H, W, 3] these are."""
        text = self.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        pixels = []
        for one in media:
            if one.ndim == 4:
                prepared = self.frames(one)
                videos = {"pixel_values_videos": prepared[None]}
                text = text.replace("<video>", self.replace_video_token(videos, 0), 1)
            else:
                given = self.image_processor([one], crop_to_patches=True, return_tensors="pt")
                prepared = given["pixel_values"]
                # A stand-in, so that the next picture replaces its own placeholder.
                markup = self.replace_image_token(given, 0).replace("<IMG_CONTEXT>", "<@>")
                text = text.replace("<IMG_CONTEXT>", markup, 1)
            pixels.append(prepared)
        inputs = self.tokenizer([text.replace("<@>", "<IMG_CONTEXT>")], return_tensors="pt")
        inputs.pop("token_type_ids", None)
        return {**inputs, **({"pixel_values": torch.cat(pixels)} if pixels else {})}


def processor() -> Processor:
    tokenizer = byte_tokenizer(
        [*SPECIAL, "<video>"],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    )
    pictures = GotOcr2ImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_mean=MEAN, image_std=STD, max_patches=6
    )
    return Processor(pictures, tokenizer, None, TOKENS, chat_template=TEMPLATE)


def hugging_face(folder: Path, **text: Any) -> tuple[PreTrainedModel, Processor]:
    """Writes a folder like OpenGVLab/InternVL3-1B-hf; returns its model and its processor."""
    made = processor()
    config = InternVLConfig(
        vision_config=VISION,
        text_config={**TEXT, **text},
        image_token_id=made.image_token_id,
        image_seq_length=TOKENS,
        tie_word_embeddings=False,
    )
    model = loud(InternVLForConditionalGeneration(config))
    model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    made.image_processor.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return model, made


def original(folder: Path, template: str = "internvl2_5") -> tuple[PreTrainedModel, Processor]:
    """Writes a folder like OpenGVLab/InternVL3-1B, with the weights of `hugging_face`'s model."""
    model, made = hugging_face(folder)
    tensors: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if (theirs := original_name(name)) is None:
            continue
        tensors[theirs] = tensor.clone()
    for layer in range(VISION["num_hidden_layers"]):
        place = f"vision_model.encoder.layers.{layer}.attn.qkv"
        for kind in ("weight", "bias"):
            parts = [tensors.pop(f"{place}.{part}.{kind}") for part in "qkv"]
            tensors[f"{place}.{kind}"] = torch.cat(parts)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    vision = {
        **VISION, "image_size": SIDE, "patch_size": PATCH, "qkv_bias": True, "norm_type":
        "layer_norm", "qk_normalization": False, "model_type": "intern_vit_6b",
    }  # fmt: skip
    config = {
        "model_type": "internvl_chat", "architectures": ["InternVLChatModel"], "template": template,
        "auto_map": {"AutoModel": "modeling_internvl_chat.InternVLChatModel"}, "ps_version": "v2",
        "downsample_ratio": 0.5, "select_layer": -1, "force_image_size": SIDE,
        "dynamic_image_size": True, "use_thumbnail": True, "max_dynamic_patch": 6,
        "vision_config": vision,
        "llm_config": {**TEXT, "architectures": ["Qwen2ForCausalLM"], "_name_or_path": "x"},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "chat_template.jinja").unlink()
    return model, made


def original_name(name: str) -> str | None:
    """OpenGVLab's name for one of transformers' (with q, k and v still apart)."""
    if name.startswith("model.language_model."):
        return name.replace("model.language_model.", "language_model.model.")
    if name == "lm_head.weight":
        return "language_model.lm_head.weight"
    for theirs, ours in (
        ("model.multi_modal_projector.layer_norm", "mlp1.0"),
        ("model.multi_modal_projector.linear_1", "mlp1.1"),
        ("model.multi_modal_projector.linear_2", "mlp1.3"),
        ("model.vision_tower.embeddings.cls_token", "vision_model.embeddings.class_embedding"),
        ("model.vision_tower.embeddings.position_embeddings",
         "vision_model.embeddings.position_embedding"),
        ("model.vision_tower.embeddings.patch_embeddings.projection",
         "vision_model.embeddings.patch_embedding"),
    ):  # fmt: skip
        name = name.replace(theirs, ours)
    name = name.replace("model.vision_tower.encoder.layer.", "vision_model.encoder.layers.")
    for theirs, ours in (
        ("attention.q_proj", "attn.qkv.q"), ("attention.k_proj", "attn.qkv.k"),
        ("attention.v_proj", "attn.qkv.v"), ("attention.projection_layer", "attn.proj"),
        ("layernorm_before", "norm1"), ("layernorm_after", "norm2"),
        ("lambda_1", "ls1"), ("lambda_2", "ls2"),
    ):  # fmt: skip
        name = name.replace(theirs, ours)
    return None if name.startswith("model.vision_tower.") else name
