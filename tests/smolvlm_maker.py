"""A tiny random SmolVLM2, or SmolVLM, as transformers saves it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from families import byte_tokenizer, loud
from torch import Tensor
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    PreTrainedModel,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil
from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE, SmolVLMProcessor

SIDE, PATCH, FACTOR = 32, 8, 2
TOKENS = 4  # of a square
ROWS = 2  # squares along the longer side of a picture
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)),
    "<fake_token_around_image>", "<image>", "<end_of_utterance>",
]  # fmt: skip
VISION: dict[str, Any] = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2,
    "image_size": SIDE, "patch_size": PATCH,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "model_type": "llama", "vocab_size": 460, "hidden_size": 16, "intermediate_size": 32,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "max_position_embeddings": 2048, "pad_token_id": 0,
}  # fmt: skip


class Processor(SmolVLMProcessor):
    """transformers' processor; its video processor, which needs torchvision, is replaced."""

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
        return None

    def frames(self, frames: np.ndarray) -> Tensor:
        """Each frame [S, S, 3] as a picture that is not split: no resizing takes part."""
        given = self.image_processor(
            list(frames),
            do_image_splitting=False,
            size={"longest_edge": SIDE},
            return_tensors="pt",
        )
        return given["pixel_values"]

    def inputs(
        self, messages: list[dict[str, Any]], *media: np.ndarray, times: list[float] | None = None
    ) -> dict[str, Tensor]:
        """Model inputs for messages whose pictures [H, W, 3] and videos [T, H, W, 3] these are."""
        text = self.tokenizer.apply_chat_template(
            messages,
            chat_template=DEFAULT_CHAT_TEMPLATE,
            add_generation_prompt=True,
            tokenize=False,
        )
        pixels = []
        for one in media:
            if one.ndim == 4:
                prepared = self.frames(one)
                moments = times if times is not None else [float(i) for i in range(len(one))]
                metadata = SimpleNamespace(fps=1.0, timestamps=moments, duration=None)
                videos = {
                    "pixel_values": prepared.unflatten(1, (-1,)),
                    "video_metadata": [metadata],
                }
                videos["pixel_values"] = prepared.reshape(1, -1, *prepared.shape[-3:])
                markup = self.replace_video_token(videos, 0)
                text = text.replace("<video>", markup.replace("<image>", "<@>"), 1)
            else:
                given = self.image_processor([one], return_row_col_info=True, return_tensors="pt")
                prepared = given["pixel_values"]
                markup = self.replace_image_token(given, 0).replace("<image>", "<@>")
                text = text.replace("<image>", markup, 1)
            pixels.append(prepared.reshape(-1, *prepared.shape[-3:]))
        inputs = self.tokenizer([text.replace("<@>", "<image>")], return_tensors="pt")
        inputs.pop("token_type_ids", None)
        return {**inputs, **({"pixel_values": torch.cat(pixels)[None]} if pixels else {})}


def processor() -> Processor:
    tokenizer = byte_tokenizer(
        SPECIAL,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        extra_special_tokens={
            "fake_image_token": "<fake_token_around_image>",
            "image_token": "<image>",
            "end_of_utterance_token": "<end_of_utterance>",
            "global_image_token": "<global-img>",
        },
    )
    pictures = SmolVLMImageProcessorPil(
        size={"longest_edge": ROWS * SIDE}, max_image_size={"longest_edge": SIDE}
    )
    return Processor(pictures, tokenizer, None, TOKENS, chat_template=DEFAULT_CHAT_TEMPLATE)


def smolvlm(folder: Path, version: int = 2, **vision: Any) -> tuple[PreTrainedModel, Processor]:
    """Writes a folder like HuggingFaceTB/SmolVLM2-256M; returns its model and its processor."""
    made = processor()
    kinds = {
        1: (Idefics3ForConditionalGeneration, Idefics3Config),
        2: (SmolVLMForConditionalGeneration, SmolVLMConfig),
    }
    model_class, config_class = kinds[version]
    config = config_class(
        vision_config={**VISION, **vision},
        text_config=TEXT,
        scale_factor=FACTOR,
        image_token_id=made.image_token_id,
        tie_word_embeddings=False,
    )
    model = loud(model_class(config))
    model.generation_config.eos_token_id = made.tokenizer.eos_token_id
    model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    made.image_processor.save_pretrained(folder)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": made.chat_template}))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    if version == 2:
        path = folder / "preprocessor_config.json"
        settings = json.loads(path.read_text())
        settings["video_sampling"] = {
            "fps": 1, "max_frames": 8, "video_size": {"longest_edge": SIDE},
        }  # fmt: skip
        path.write_text(json.dumps(settings))
    return model, made
