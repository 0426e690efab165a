"""The overhead of training: ratios, each measured in alternation within one run.

Packed rows against padded ones; a step of our trainer against that of the bare model; decoding in
workers against a model that waits; four looks with and without shared computation; a frozen
backbone that runs against cached features (benchmarks/training_features.py); memory against length
(benchmarks/training_memory.py); and with a GPU, models of real size (benchmarks/training_gpu.py).
Everything is in fp32 with random weights.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import training_features, training_gpu, training_memory
from benchmarks.timing import medians
from data.samples.collate import Collator
from data.samples.dataset import Sample
from data.samples.packing import PackedRow, pack
from training.claim.variants import VARIANTS, Scale, config, tokenizer
from training.model.trainable_parts import parameter_groups, prepare_parts
from training.recipe import Recipe, Source
from training.trainer import PVCTrainer
from vlm.config import PVCConfig
from vlm.conversation import Conversation, Image, Message, Part, Text, Video
from vlm.media.decode import read_video
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

T = TypeVar("T")
SIDE = 96  # pixels of a frame: 8 x 8 patches, 4 tokens per look
ROW = 640  # tokens of a packed row: about BATCH samples
BATCH = 8  # samples, as in training/recipes/


def run(quick: bool = False) -> list[str]:
    """Returns Markdown tables."""
    repeats = 2 if quick else 5
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            *packing(repeats, 32 if quick else 96),
            *step(Path(folder), 8 if quick else 24),
            *workers(Path(folder), 6 if quick else 12),
            *looks(repeats),
        ]
    return [
        *lines,
        *training_features.run(quick),
        *training_memory.run(quick),
        *training_gpu.run(quick),
    ]


def model_config() -> PVCConfig:
    """Returns a PVC of 23 million parameters, 3 million of them in its language model."""
    numbers = config(VARIANTS["pvc"], Scale(192, 6, 2, 256, 4, start_steps=0, questions=0))
    values = numbers.to_dict()
    values["tower"]["image_size"] = SIDE
    return PVCConfig(
        **{key: values[key] for key in ("tower", "compressor", "prompt", "text_config")},
        image_token_id=numbers.image_token_id,
    )


def small_model() -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Builds the model with random weights from a fixed seed."""
    torch.manual_seed(0)
    model = PVCForConditionalGeneration(model_config())
    model.config.use_cache = False
    return model, PVCProcessor.from_config(model.config, tokenizer())


def mixed_samples(processor: PVCProcessor, number: int) -> list[Sample]:
    """Returns text, images and videos of very different lengths, as in instruction data."""
    rng = np.random.default_rng(0)
    samples = []
    for index in range(number):
        words = int(np.clip(rng.lognormal(3.6, 0.9), 8, 320))
        answer = "".join(rng.choice(list("0123456789"), words))
        parts: list[Part] = [Text("read")]
        kind = rng.choice(["text", "image", "video"], p=[0.4, 0.45, 0.15])
        frames = rng.integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
        if kind == "image":
            parts.insert(0, Image(frames[0], 4))
        elif kind == "video":
            parts.insert(0, Video(frames, np.arange(8.0)))
        turns = (Message("user", tuple(parts)), Message("assistant", (Text(answer),)))
        rendered = processor.render(Conversation(turns))
        samples.append(Sample(str(index), rendered))
    return samples


def packing(repeats: int, number: int) -> list[str]:
    """Trains on the same samples, padded and packed.

    A padded batch has as many samples as the batches of the recipes, and every row has the length
    of the longest; a packed batch is one row of about as many samples.
    """
    model, processor = small_model()
    collate = Collator(processor)
    samples = mixed_samples(processor, number)
    lengths = [len(sample.rendered.ids) for sample in samples]
    rows = [PackedRow([samples[i] for i in row], ROW) for row in pack(lengths, ROW)]
    by_length = sorted(samples, key=lambda sample: len(sample.rendered.ids))
    ways = {
        f"padded, {BATCH} samples in random order": [collate(p) for p in _parts(samples, BATCH)],
        f"padded, {BATCH} samples of similar length": [
            collate(p) for p in _parts(by_length, BATCH)
        ],
        f"packed, one row of {ROW} tokens": [collate([row]) for row in rows],
    }
    language = {name: [_encoded(model, batch) for batch in ways[name]] for name in ways}
    took = medians({name: _train(model, batches) for name, batches in ways.items()}, repeats)
    alone = medians({name: _train(model, batches) for name, batches in language.items()}, repeats)
    base, base_alone = next(iter(took.values())), next(iter(alone.values()))
    lines = [
        f"## Packed and padded rows ({number} samples of {min(lengths)} to {max(lengths)} tokens, "
        f"{sum(lengths):,} in total; forward, backward, optimizer)",
        "",
        "| | token positions | language model alone | with tower and compressor | "
        "useful tokens per second |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, batches in ways.items():
        positions = sum(batch["input_ids"].numel() for batch in batches)
        lines.append(
            f"| {name} | {positions:,} | {base_alone.clock / alone[name].clock:.2f} x | "
            f"{base.clock / took[name].clock:.2f} x | {sum(lengths) / took[name].clock:,.0f} |"
        )
    return [*lines, ""]


def _encoded(model: PVCForConditionalGeneration, batch: dict[str, Any]) -> dict[str, Any]:
    """Replaces the pixels of a batch by their visual tokens."""
    if "pixel_values" not in batch:
        return batch
    names = ("pixel_values", "clip_frames", "clip_looks", "timesteps")
    with torch.no_grad():
        visual = model.encode(*(batch[name] for name in names))
    return {k: v for k, v in batch.items() if k not in names} | {"visual_tokens": visual}


class Ready(Dataset[Sample]):
    """A dataset of samples in memory."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def step(folder: Path, steps: int) -> list[str]:
    """Times our trainer, and the model alone on the same batches."""
    model, processor = small_model()
    recipe = _recipe(folder, steps, BATCH)
    prepare_parts(model, recipe)
    samples = [s for s in mixed_samples(processor, 3 * steps * BATCH) if s.rendered.media]
    samples = samples[: steps * BATCH]
    collate = Collator(processor)
    trainer = PVCTrainer(model, recipe, Ready(samples), collate)
    moments: list[tuple[float, float]] = []
    inner = trainer.training_step

    def timed(*args: Any, **kwargs: Any) -> Any:
        moments.append((time.perf_counter(), time.process_time()))
        return inner(*args, **kwargs)

    trainer.training_step = timed
    batches = [collate(part) for part in _parts(samples, BATCH)]
    alone = _train(model, batches[:4], parameter_groups(model, recipe))
    before = medians({"alone": alone}, 2)["alone"]
    trainer.train()
    after = medians({"alone": alone}, 2)["alone"]
    # From the start of one step to the start of the next: data, step, bookkeeping.
    clock, processor_time = (
        statistics.median(b[i] - a[i] for a, b in zip(moments, moments[1:], strict=False))
        for i in (0, 1)
    )
    bare = [(x + y) / 2 / 4 for x, y in zip(before, after, strict=True)]
    return [
        f"## A step of the trainer (batches of {BATCH}; the model alone was measured before and "
        "after)",
        "",
        "| | step | share of the model | CPU time |",
        "|---|---:|---:|---:|",
        f"| forward, backward, optimizer alone | {bare[0] * 1e3:.0f} ms | 1.00 | 1.00 |",
        f"| our trainer, from samples in memory | {clock * 1e3:.0f} ms | {bare[0] / clock:.2f} | "
        f"{bare[1] / processor_time:.2f} |",
        "",
    ]


class Clips(Dataset[Sample]):
    """Questions about files that are decoded on access."""

    def __init__(self, processor: PVCProcessor, path: Path, number: int) -> None:
        self.processor, self.path, self.number = processor, path, number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> Sample:
        video = read_video(self.path, num_frames=8, isolated=False)
        question = Message("user", (Video(video.frames, video.times), Text("way")))
        conversation = Conversation((question, Message("assistant", (Text("left"),))))
        return Sample(str(index), self.processor.render(conversation))


def workers(folder: Path, batches: int) -> list[str]:
    """Times decoding in a worker, and a model that waits for it."""
    model, processor = small_model()
    path = folder / "clip.mp4"
    write_clip(path)
    clips = Clips(processor, path, 4 * batches)
    collate = Collator(processor)
    train = _train(model, [collate([clips[i] for i in range(4)])])
    tasks: dict[str, Callable[[], None]] = {
        "no decoding": lambda: [train() for _ in range(batches)] and None,
    }

    def decoding(num_workers: int) -> Callable[[], None]:
        def all_batches() -> None:
            loader = DataLoader(clips, 4, collate_fn=collate, num_workers=num_workers)
            for batch in loader:
                _train(model, [batch])()

        return all_batches

    tasks["the model waits"] = decoding(0)
    tasks["one worker decodes"] = decoding(1)
    took = medians(tasks, 2)
    base = took["the model waits"].clock
    return [
        f"## Decoding in workers ({batches} batches of 4 clips, H.264, 640 x 360, 8 frames)",
        "",
        "| | seconds | relative to waiting |",
        "|---|---:|---:|",
        *(f"| {name} | {one.clock:.2f} | {base / one.clock:.2f} x |" for name, one in took.items()),
        "",
    ]


def looks(repeats: int) -> list[str]:
    """Times four looks at an image, forward and backward, with shared parts computed once."""
    model, processor = small_model()
    rng = np.random.default_rng(0)
    num = 16
    pictures = processor.pixel_values(rng.integers(0, 256, (num, SIDE, SIDE, 3), dtype=np.uint8))
    times = [0.0, 0.25, 0.5, 0.75] * num

    def shared() -> None:
        model.encode(pictures, [1] * num, [4] * num, times).sum().backward()

    def copied() -> None:
        frames = pictures.repeat_interleave(4, dim=0)
        model.encode(frames, [4] * num, [4] * num, times).sum().backward()

    ways = {"four copies": copied, "four looks, shared": shared}
    flops = {}
    for name, way in ways.items():
        with FlopCounterMode(display=False) as counter:
            way()
        flops[name] = counter.get_total_flops()
    took = medians(ways, repeats)
    base = took["four copies"]
    ratio = flops["four looks, shared"] / flops["four copies"]
    lines = [
        f"## Four looks at a still image in training ({num} images, forward and backward)",
        "",
        "| | counted operations | median | relative to copies, counted | wall-clock | CPU time |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in took.items():
        lines.append(
            f"| {name} | {flops[name] / 1e9:.1f} GFLOP | {one.clock * 1e3:.0f} ms | "
            f"{ratio if name != 'four copies' else 1:.2f} | {one.clock / base.clock:.2f} | "
            f"{one.processor / base.processor:.2f} |"
        )
    return [*lines, ""]


def write_clip(path: Path) -> None:
    """Writes four seconds of drifting noise."""
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for i in range(96):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, 4 * i, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _recipe(folder: Path, steps: int, batch_size: int) -> Recipe:
    return Recipe(
        data=(Source("in memory"),),
        output=str(folder / "run"),
        steps=steps,
        batch_size=batch_size,
        lora=None,
        train_language_model=True,
        bf16=False,
        workers=0,
        save_every=10**9,
    )


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _train(
    model: PVCForConditionalGeneration,
    batches: Sequence[dict[str, Any]],
    groups: list[dict[str, Any]] | None = None,
) -> Callable[[], None]:
    """Returns a task that runs forward, backward and optimizer over these batches."""
    text = ("input_ids", "attention_mask", "position_ids", "labels")
    vision = ("pixel_values", "clip_frames", "clip_looks", "timesteps", "visual_tokens")
    optimizer = torch.optim.AdamW(groups or list(model.parameters()), lr=1e-5)

    def train() -> None:
        model.train()
        for batch in batches:
            inputs = {key: batch[key] for key in (*text, *vision) if key in batch}
            model(**inputs).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return train
