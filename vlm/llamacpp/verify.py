"""Measures on the machine at hand how far llama.cpp is from torch, on a question about a film.

Both get the same visual tokens, so the difference is the language model's: rounded weights, and the
order of sums. In float32 only the latter is left, so a wrong conversion shows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from vlm.fit.hardware import memory_of
from vlm.inference.caches import MediaCache
from vlm.inference.decoding.generation import PREFILL_CHUNK
from vlm.inference.events import State
from vlm.inference.verify import QUESTIONS, made_film
from vlm.inference.visual.looking import VisualEncoder
from vlm.llamacpp.context import LlamaContext
from vlm.llamacpp.decoder import LlamaDecoder
from vlm.llamacpp.folder import form_of, is_gguf_folder
from vlm.llamacpp.options import GGUF
from vlm.llamacpp.text import GGUFText
from vlm.llamacpp.write import write_gguf
from vlm.loading import load_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlm.assistant import Assistant
    from vlm.inference.reply import Prompt

NUM_LIKELY = 10  # tokens whose log-probabilities are compared at each position
# Largest mean divergence KL(torch || llama.cpp), in nats, that rounding may cause. By Pinsker's
# inequality two tokens drawn together differ in at most sqrt(KL / 2) of the draws: 0.07 %, 1 %, 2.5
# % and 10 %. A wrong conversion costs whole nats. The K types depend too much on the model.
LIMITS = {"f32": 1e-6, "f16": 2e-4, "bf16": 1.25e-3, "q8_0": 0.02}


@dataclass(frozen=True)
class EngineCheck:
    """Differences of llama.cpp's probabilities from torch's, at each position of a question."""

    kind: str  # of the GGUF file
    divergence: float  # mean KL in nats
    mean: float  # of the log-probabilities of torch's likeliest tokens
    largest: float
    num_same: int  # positions at which both find the same token likeliest
    num_positions: int

    @property
    def passed(self) -> bool:
        return self.divergence <= LIMITS.get(self.kind, float("inf"))

    @property
    def sentence(self) -> str:
        """Reports the result in one line."""
        limit = LIMITS.get(self.kind)
        verdict = "" if limit is None else " passed" if self.passed else " FAILED"
        allowed = "" if limit is None else f" (at most {limit:g} may come from rounding)"
        return (
            f"Engine check{verdict}: llama.cpp with {self.kind} diverges from torch by"
            f" {max(self.divergence, 0):.1e} nats{allowed}; the log-probabilities of the"
            f" {NUM_LIKELY} likeliest tokens differ by {self.mean:.1e} on average and by"
            f" {self.largest:.1e} at most; the likeliest token is the same at {self.num_same} of"
            f" {self.num_positions} positions."
        )

    def required(self) -> str:
        """Returns the sentence. Raises ValueError with it if the check failed."""
        if not self.passed:
            raise ValueError(self.sentence)
        return self.sentence


def verify_engine(assistant: Assistant, name: str | Path) -> Iterator[EngineCheck]:
    """Yields the check in float32, if memory allows it, then that of the assistant's own file.

    The first one finds a wrong conversion; the second one measures what rounding costs. Raises
    ValueError if the model is there as GGUF alone.
    """
    text = assistant.model.language_model
    if not isinstance(text, GGUFText):
        raise ValueError("--verify-engine compares --engine llama.cpp with torch; add --engine.")
    if is_gguf_folder(Path(name).expanduser()):
        raise ValueError(f"{name} holds no weights for torch; name the model it was made from.")
    kind = form_of(text.path.parent)["type"]
    with tempfile.TemporaryDirectory() as folder:
        prompt = assistant.see(State(), QUESTIONS[0], [made_film(Path(folder), 0)])
    ours = llama_logits(assistant, prompt)
    assistant.forget()
    free = memory_of(torch.device("cpu")).free
    size = 4 * form_of(text.path.parent)["whole"]
    model, processor, _ = load_folder(name, torch.float32 if 2 * size < free else None, "cpu")
    encoder = VisualEncoder(model.eval(), processor, MediaCache(0))
    with torch.inference_mode():
        embeddings = encoder.embed(prompt.ids, prompt.turn.media)
        theirs = model.language_model(inputs_embeds=embeddings, use_cache=False).logits[0].float()
    if kind != "f32" and 3 * size < free:
        yield compare("f32", exact_logits(model.language_model, embeddings[0]), theirs)
    yield compare(kind, ours, theirs)


@torch.inference_mode()
def exact_logits(language_model: PreTrainedModel, embeddings: Tensor) -> Tensor:
    """Returns llama.cpp's logits [L, V] for embeddings [L, D], all in float32."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / GGUF
        write_gguf(language_model, path, "f32")
        context = LlamaContext(path, len(embeddings), torch.get_num_threads(), exact=True)
        starts = range(0, len(embeddings), PREFILL_CHUNK)
        chunks = embeddings.split(PREFILL_CHUNK)
        logits = [context.read(0, at, c, every=True) for at, c in zip(starts, chunks, strict=True)]
        context.close()
    return torch.cat(logits)


def llama_logits(assistant: Assistant, prompt: Prompt) -> Tensor:
    """Returns llama.cpp's logits [L, V] after each position of a prompt that is not yet read."""
    decoder = assistant.decoder
    assert isinstance(decoder, LlamaDecoder)
    chunks = prompt.embeddings[0].split(PREFILL_CHUNK)

    def read() -> Tensor:
        return torch.cat([decoder.sequences.read(prompt.cache, c, every=True) for c in chunks])

    return decoder.run(read)


def compare(kind: str, ours: Tensor, theirs: Tensor) -> EngineCheck:
    """Compares logits [L, V] with torch's."""
    expected = theirs.log_softmax(-1)
    likely = expected.topk(min(NUM_LIKELY, expected.shape[-1])).indices
    gaps = (ours.log_softmax(-1).gather(1, likely) - expected.gather(1, likely)).abs()
    same = int((ours.argmax(-1) == theirs.argmax(-1)).sum())
    divergence = F.kl_div(ours.log_softmax(-1), expected, reduction="batchmean", log_target=True)
    return EngineCheck(
        kind, float(divergence), float(gaps.mean()), float(gaps.max()), same, len(ours)
    )
