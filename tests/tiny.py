"""A whole assistant of a few thousand random parameters, for tests that need a real one."""

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from vlm.assistant import Assistant
from vlm.presets import build_model, preset_config
from vlm.processor import PVCProcessor

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
VOCABULARY = 512


def tiny_tokenizer(image_token_id: int = 509) -> PreTrainedTokenizerFast:
    """Every byte is a token: every text has ids, and most lists of ids are broken UTF-8.

    Ids: three special tokens, 256 bytes, unused words, the picture markup at `image_token_id`.
    """
    vocabulary = {token: i for i, token in enumerate(SPECIAL)}
    for character in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocabulary[character] = len(vocabulary)
    while len(vocabulary) < image_token_id - 1:
        vocabulary[f"<unused{len(vocabulary)}>"] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>", "<img>", "<IMG_CONTEXT>", "</img>"],
    )
    assert fast.convert_tokens_to_ids("<IMG_CONTEXT>") == image_token_id
    return fast


def tiny_processor(**changes: Any) -> PVCProcessor:
    """`changes` are fields of the preset's config, such as prompt={...}."""
    return PVCProcessor.from_config(preset_config("test", **changes), tiny_tokenizer())


def tiny_assistant(seed: int = 0, context: int | None = None, **options: Any) -> Assistant:
    """The "test" preset with random weights: nonsense answers, computed as real ones."""
    model = build_model("test", seed=seed)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "embed_tokens" not in name:
            parameter.data.mul_(16)  # initial weights are so small that all prompts have one answer
    if context is not None:
        model.config.text_config.max_position_embeddings = context
    processor = PVCProcessor.from_config(model.config, tiny_tokenizer())
    return Assistant(model, processor, **options)
