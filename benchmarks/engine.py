"""The language model through transformers, through our loop in torch, and through llama.cpp.

All answer the same prompt, in alternation (transformers also in float32, the dtype of machines that
do not multiply bfloat16); then the time to the first token of a question
about 16 frames, in torch and with llama.cpp, without the experts, which take the same time with
both. Without llama-cpp-python its rows are missing.
"""

import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import torch

from benchmarks.chat import ONE_TOKEN, reply, write_clip
from benchmarks.embedded import plain_language_model
from benchmarks.timing import medians
from vlm.assistant import Assistant, Settings, State
from vlm.inference.decoding.decoder import Job
from vlm.inference.decoding.sampler import Sampler
from vlm.llamacpp.library import is_installed

TYPES = ("q8_0", "f32")
PROMPT = "Once upon a time there was a " * 12


def run(quick: bool = False) -> list[str]:
    """Returns Markdown tables."""
    tokens, repeats = (16, 2) if quick else (64, 5)
    with closing(Assistant.load("embedded", device="cpu", experts=())) as torchs:
        engines = {"ours in torch": torchs}
        if is_installed():
            for kind in TYPES[: 1 if quick else None]:
                made = Assistant.load("embedded", experts=(), engine="llama.cpp", gguf=kind)
                engines[f"llama.cpp, {kind}"] = made
        name = f"the embedded model, {str(torchs.model.dtype).removeprefix('torch.')}"
        lines = [*speed(engines, name, tokens, repeats), *first_token(engines, name, repeats)]
        if not is_installed():
            lines += ["llama-cpp-python is not installed: the rows of llama.cpp are missing.", ""]
        for other in list(engines.values())[1:]:
            other.close()
    return lines


def speed(engines: dict[str, Assistant], name: str, num_tokens: int, repeats: int) -> list[str]:
    """Measures reading a prompt and writing an answer, greedy."""
    torchs = next(iter(engines.values()))
    peers = {"transformers' generate": plain_language_model()}
    if torchs.model.dtype != torch.float32:
        peers["transformers' generate, float32"] = plain_language_model(torch.float32)
    ids = torch.tensor([torchs.processor.writer.plain(PROMPT)])

    def theirs(model: Any, count: int) -> None:
        model.generate(
            ids, max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0
        )

    tasks: dict[str, Callable[[], None]] = {}
    for count in (1, num_tokens):
        for what, model in peers.items():
            tasks[f"{what} {count}"] = partial(theirs, model, count)
        for what, assistant in engines.items():
            tasks[f"{what} {count}"] = partial(answer, assistant, ids, count)
    took = medians(tasks, repeats)
    rows = []
    for what in (*peers, *engines):
        one, whole = took[f"{what} 1"], took[f"{what} {num_tokens}"]
        steps = (num_tokens - 1) / 1e3
        step = (whole.clock - one.clock) / steps, (whole.processor - one.processor) / steps
        rows.append((what, one.clock, *step))
    _, base_first, base_step, base_processor = rows[0]
    return [
        f"## Engines ({name} in torch; {ids.shape[1]} tokens in, {num_tokens} out, greedy)",
        "",
        "| | read the prompt | relative | a further token | tokens/s | relative | CPU time |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {what} | {first * 1e3:.0f} ms | {base_first / first:.2f} x | {step:.1f} ms |"
            f" {1e3 / step:.0f} | {base_step / step:.2f} x | {base_processor / processor:.2f} x |"
            for what, first, step, processor in rows
        ),
        "",
    ]


def answer(assistant: Assistant, ids: torch.Tensor, num_tokens: int) -> None:
    """Reads a prompt and writes an answer of this length, none of it from a cache."""
    embeddings = assistant.model.get_input_embeddings()(ids).detach()
    cache = assistant.prefixes.fork(assistant.model.language_model, [0])
    settings = Settings(max_new_tokens=num_tokens, repetition_penalty=1.0)
    sampler = Sampler(settings, assistant.facts.suppressed_ids)
    job = Job(embeddings, cache, sampler, frozenset(), Event())
    assert len(list(assistant.decoder.tokens(job))) == num_tokens


def first_token(engines: dict[str, Assistant], name: str, repeats: int) -> list[str]:
    """Measures the time from a question about 16 frames to the first token of its answer."""
    settings = replace(ONE_TOKEN, num_frames=16)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, seconds=4)

        def ask(assistant: Assistant) -> None:
            assistant.forget()
            reply(assistant, State(), "What is this?", [clip], settings)

        took = medians({what: partial(ask, made) for what, made in engines.items()}, repeats)
    base = next(iter(took.values())).clock
    return [
        f"## First token of a question about 16 frames ({name}; H.264 1280 x 720)",
        "",
        "| | seconds | relative |",
        "|---|---|---|",
        *(f"| {what} | {one.clock:.2f} | {one.clock / base:.2f} x |" for what, one in took.items()),
        "",
    ]
