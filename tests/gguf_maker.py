"""Tiny language models of each kind that llama.cpp runs, and folders of whole tiny assistants."""

from pathlib import Path
from typing import Any

import torch
from tiny import tiny_assistant
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

TINY: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
    "tie_word_embeddings": True,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
KINDS: dict[str, dict[str, Any]] = {
    "SmolLM2": {"model_type": "llama", "rope_parameters": {"rope_theta": 1e5}},
    "InternLM2 as Llama": {
        "model_type": "llama",
        "tie_word_embeddings": False,
        "rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e6, "factor": 2.0},
    },
    "Llama 3": {"model_type": "llama", "tie_word_embeddings": False, "rope_parameters": LLAMA3},
    "Qwen2.5": {"model_type": "qwen2", "rope_parameters": {"rope_theta": 1e6}},
    "Qwen3": {"model_type": "qwen3", "head_dim": 32, "tie_word_embeddings": False},
}


def tiny_language_model(kind: str, **changes: Any) -> PreTrainedModel:
    """A model of random weights, its biases and norms too, so that none can be mixed up."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(**{**TINY, **KINDS[kind], **changes})
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)
            elif "bias" in name:
                parameter.normal_()
            else:
                parameter.uniform_(0.5, 1.5)
    return model


def assistant_folder(folder: Path, **options: Any) -> Path:
    """Saves the tiny assistant as a model folder in float32."""
    assistant = tiny_assistant(**options)
    assistant.model.save_pretrained(folder)
    assistant.processor.save_pretrained(folder)
    assistant.close()
    return folder
