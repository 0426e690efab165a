"""Measures on the machine at hand how far llama.cpp is from torch, on a question about a film.

Both get the same visual tokens, so the difference is the language model's: rounded weights, and the
order of sums. A wrong conversion differs by more than any rounding.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vlm.fit.hardware import memory_of
from vlm.inference.caches import MediaCache
from vlm.inference.events import State
from vlm.inference.generation import PREFILL_CHUNK
from vlm.inference.looking import VisualEncoder
from vlm.inference.verify import QUESTIONS, made_film
from vlm.llamacpp.decoder import LlamaDecoder
from vlm.llamacpp.folder import form_of, is_gguf_folder
from vlm.llamacpp.text import GGUFText
from vlm.loading import load_folder

if TYPE_CHECKING:
    from vlm.assistant import Assistant
    from vlm.inference.reply import Prompt

NUM_LIKELY = 10  # tokens whose log-probabilities are compared at each position
# Largest mean difference that rounding may cause; of the K types it depends on the model.
TOLERANCES = {"f32": 1e-3, "f16": 0.02, "bf16": 0.05, "q8_0": 0.1}


@dataclass(frozen=True)
class EngineCheck:
    """Differences between log-probabilities of torch's likeliest tokens."""

    kind: str  # of the GGUF file
    mean: float
    largest: float
    num_same: int  # positions at which both find the same token likeliest
    num_positions: int

    @property
    def passed(self) -> bool:
        return self.mean <= TOLERANCES.get(self.kind, float("inf"))

    @property
    def sentence(self) -> str:
        """Reports the result in one line."""
        limit = TOLERANCES.get(self.kind)
        verdict = "" if limit is None else " passed" if self.passed else " FAILED"
        allowed = "" if limit is None else f" (at most {limit:g} may come from rounding)"
        return (
            f"Engine check{verdict}: llama.cpp with {self.kind} and torch differ by {self.mean:.1e}"
            f" on average{allowed} and by {self.largest:.1e} at most in the log-probabilities of"
            f" the {NUM_LIKELY} likeliest tokens at {self.num_positions} positions; the likeliest"
            f" token is the same at {self.num_same}."
        )

    def required(self) -> str:
        """Returns the sentence. Raises ValueError with it if the check failed."""
        if not self.passed:
            raise ValueError(self.sentence)
        return self.sentence


def verify_engine(assistant: Assistant, name: str | Path) -> EngineCheck:
    """Compares both engines. Raises ValueError if the model is there as GGUF alone."""
    text = assistant.model.language_model
    if not isinstance(text, GGUFText):
        raise ValueError("--verify-engine compares --engine llama.cpp with torch; add --engine.")
    if is_gguf_folder(Path(name).expanduser()):
        raise ValueError(f"{name} holds no weights for torch; name the model it was made from.")
    with tempfile.TemporaryDirectory() as folder:
        prompt = assistant.see(State(), QUESTIONS[0], [made_film(Path(folder), 0)])
    ours = llama_logits(assistant, prompt)
    free = memory_of(torch.device("cpu")).free
    size = 4 * form_of(text.path.parent)["whole"]
    model, processor, _ = load_folder(name, torch.float32 if 2 * size < free else None, "cpu")
    encoder = VisualEncoder(model.eval(), processor, MediaCache(0))
    with torch.inference_mode():
        embeddings = encoder.embed(prompt.ids, prompt.turn.media)
        theirs = model.language_model(inputs_embeds=embeddings, use_cache=False).logits[0].float()
    assistant.forget()
    return compare(form_of(text.path.parent)["type"], ours, theirs)


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
    return EngineCheck(kind, float(gaps.mean()), float(gaps.max()), same, len(ours))
