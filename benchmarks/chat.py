"""Latency of the first token and of follow-up questions, decoding speed, and cached memory."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from transformers import DynamicCache

from benchmarks import embedded
from benchmarks.timing import medians
from vlm.assistant import Assistant, Finished, Settings, State
from vlm.inference.caches import MediaCache, PrefixCache
from vlm.inference.decoding.generation import generate, prefill
from vlm.inference.decoding.sampler import Sampler

ONE_TOKEN = Settings(max_new_tokens=1, repetition_penalty=1.0)


def run(quick: bool = False) -> list[str]:
    """Returns Markdown tables."""
    assistant, name = embedded.load()
    repeats = 2 if quick else 7
    with tempfile.TemporaryDirectory() as folder:
        picture, clip = Path(folder) / "picture.jpg", Path(folder) / "clip.mp4"
        write_picture(picture)
        write_clip(clip, seconds=4 if quick else 30)
        counts = (16,) if quick else (16, 64)
        lines = [
            *first_words(assistant, name, picture, clip, counts, repeats),
            *speed(assistant, name, 16 if quick else 64, repeats),
            *memory(assistant, name, clip, (4, *counts)),
        ]
    assistant.close()
    return lines


def first_words(
    assistant: Assistant,
    name: str,
    picture: Path,
    clip: Path,
    counts: Sequence[int],
    repeats: int,
) -> list[str]:
    """Measures the time to the first token of a first question and of a follow-up question.

    The questions are about a picture, and about each number of frames in `counts`.
    """
    cases = {"an image": (picture, ONE_TOKEN)}
    for count in counts:
        cases[f"{count} frames"] = (clip, replace(ONE_TOKEN, num_frames=count))
    after: dict[str, Finished] = {}

    def first(case: str) -> None:
        path, settings = cases[case]
        assistant.media = MediaCache(2**28)
        assistant.prefixes = PrefixCache(2**30)
        after[case] = reply(assistant, State(), "What is this?", [path], settings)

    def follow_up(case: str) -> None:
        reply(assistant, after[case].state, "What else?", [], cases[case][1])

    tasks: dict[str, Callable[[], None]] = {}
    for case in cases:
        tasks[case] = partial(first, case)
        tasks[f"{case}, then"] = partial(follow_up, case)
    took = medians(tasks, repeats)
    lines = [
        f"## Time to the first token ({name}; JPEG 1600 x 1200, H.264 1280 x 720)",
        "",
        "| | prompt | first question | follow-up question | ratio |",
        "|---|---|---|---|---|",
    ]
    for case in cases:
        one, two = took[case].clock, took[f"{case}, then"].clock
        tokens = after[case].usage.prompt_tokens
        lines.append(
            f"| {case} | {tokens:,} tokens | {one:.2f} s | {two * 1e3:.0f} ms | {two / one:.2f} |"
        )
    return [*lines, ""]


def speed(assistant: Assistant, name: str, num_tokens: int, repeats: int) -> list[str]:
    """Measures tokens per second, compared with transformers' generate on the same weights."""
    model, plain = assistant.model.language_model, embedded.plain_language_model()
    ids = torch.tensor([assistant.processor.writer.plain("Once upon a time there was a " * 12)])
    embeddings = model.get_input_embeddings()(ids).detach()
    settings = Settings(max_new_tokens=num_tokens, repetition_penalty=1.0)

    def ours() -> None:
        cache = DynamicCache(config=model.config)
        logits = prefill(model, embeddings, cache)
        assert (
            len(list(generate(model, logits, cache, Sampler(settings), eos_ids=frozenset())))
            == num_tokens
        )

    def theirs() -> None:
        plain.generate(
            ids,
            max_new_tokens=num_tokens,
            min_new_tokens=num_tokens,
            do_sample=False,
            pad_token_id=0,
        )

    took = medians({"transformers' generate": theirs, "ours, streaming": ours}, repeats)
    base = took["transformers' generate"]
    return [
        f"## Tokens per second ({name}; {ids.shape[1]} tokens in, {num_tokens} out, greedy)",
        "",
        "| | median | relative to transformers | CPU time |",
        "|---|---|---|---|",
        *(
            f"| {what} | {num_tokens / clock:.1f} tokens/s | {base.clock / clock:.2f} x |"
            f" {base.processor / processor:.2f} x |"
            for what, (clock, processor) in took.items()
        ),
        "",
    ]


def memory(assistant: Assistant, name: str, clip: Path, counts: Sequence[int]) -> list[str]:
    """Measures the memory cached from a video for the next question."""
    lines = [
        f"## Memory cached for the next question ({name})",
        "",
        "| frames | prompt | pixels and visual tokens | keys and values | per frame |",
        "|---|---|---|---|---|",
    ]
    for num_frames in counts:
        assistant.media = MediaCache(2**28)
        assistant.prefixes = PrefixCache(2**30)
        settings = replace(ONE_TOKEN, num_frames=num_frames)
        usage = reply(assistant, State(), "What is this?", [clip], settings).usage
        media, keys = assistant.media.num_bytes / 2**20, assistant.prefixes.num_bytes / 2**20
        lines.append(
            f"| {num_frames} | {usage.prompt_tokens:,} tokens | {media:.1f} MB | {keys:.1f} MB |"
            f" {(media + keys) / num_frames:.2f} MB |"
        )
    return [*lines, ""]


def reply(
    assistant: Assistant, state: State, text: str, files: list[Path], settings: Settings
) -> Finished:
    *_, last = assistant.reply(state, text, files, settings)
    assert isinstance(last, Finished)
    return last


def write_picture(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (75, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1600, 1200)).save(path)


def write_clip(path: Path, seconds: int) -> None:
    """Writes a video of a square that moves over noise, with a key frame every second."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    background = np.asarray(Image.fromarray(noise).resize((1280, 720)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=30, options={"preset": "ultrafast", "g": "30"}
        )
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for i in range(30 * seconds):
            pixels = background.copy()
            pixels[200:400, 4 * i % 1080 : 4 * i % 1080 + 200] = (200, 40, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
