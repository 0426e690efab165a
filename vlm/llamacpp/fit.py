"""The memory that a model takes with its language model as GGUF, and the sentence about it."""

from dataclasses import dataclass

import torch

from vlm.config import PVCConfig
from vlm.fit.estimate import Load, cache_bytes, encoding_bytes, meta_model, shallow_model
from vlm.fit.estimate import weight_bytes as module_bytes
from vlm.fit.hardware import GB, DeviceMemory, gigabytes
from vlm.fit.verdict import MARGIN, FitReport
from vlm.inference.decoding.generation import PREFILL_CHUNK
from vlm.llamacpp.write import BITS

# Keys and values are float16; scores of a chunk and its logits are float32.
KEYS = torch.float16


@dataclass(frozen=True)
class LlamaNeed:
    """Bytes of each part."""

    num_parameters: int
    text: int  # the language model's weights
    vision: int  # tower and compressor
    cache: int  # keys and values, taken whole at the start
    encoding: int  # peak while one file is encoded
    prefill: int  # the work of one chunk

    @property
    def total(self) -> int:
        return self.text + self.vision + self.cache + max(self.encoding, self.prefill)


def estimate(
    config: PVCConfig, kind: str, dtype: torch.dtype, load: Load, file_bytes: int | None = None
) -> LlamaNeed:
    """Estimates what a load takes; `file_bytes` is the size of the GGUF file, if it is there."""
    model = meta_model(config)
    text = config.get_text_config()
    weights = sum(p.numel() for p in model.language_model.parameters())
    whole = module_bytes(model, dtype)
    vision = whole - module_bytes(model.language_model, dtype)
    chunk = min(PREFILL_CHUNK, load.context)
    inner = max(getattr(text, "intermediate_size", 0), load.context * text.num_attention_heads // 8)
    return LlamaNeed(
        num_parameters=model.num_parameters(),
        text=file_bytes or int(weights * BITS[kind] / 8),
        vision=vision,
        cache=cache_bytes(text, load.context, KEYS),
        encoding=encoding_bytes(shallow_model(config), load, dtype),
        prefill=4 * chunk * (text.vocab_size + 2 * inner),
    )


def check_fit(kind: str, need: LlamaNeed, load: Load, room: DeviceMemory) -> FitReport:
    """Compares the need with what is free."""
    size = f"{need.num_parameters / GB:.2f} billion parameters"
    available = f"{gigabytes(room.free)} are free {room.name}"
    weights = need.text + need.vision
    parts = (
        f"{size}: {gigabytes(need.text)} of language model as {kind} with llama.cpp,"
        f" {gigabytes(need.vision)} of tower and compressor"
    )
    if weights * MARGIN > room.free:
        return FitReport(f"{parts}, but {available}; take another --gguf type.", False, False)
    parts += (
        f", {gigabytes(need.cache)} for {load.context:,} tokens of conversation,"
        f" {gigabytes(max(need.encoding, need.prefill))} to encode and read"
    )
    if need.total * MARGIN > room.free:
        sentence = f"{parts}, together {gigabytes(need.total)}, but {available}; lower --context."
        return FitReport(sentence, True, False)
    return FitReport(f"{parts}, together {gigabytes(need.total)}; {available}.", True, True)
