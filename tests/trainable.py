"""A tiny model, a few records of every kind, and training runs in separate processes."""

import multiprocessing
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torch.distributed import TCPStore

from data.records import write_records
from tests.tiny import tiny_tokenizer
from training.recipe import Lora, Recipe, Source
from vlm.presets import build_model
from vlm.processor import PVCProcessor


def base_folder(root: Path) -> Path:
    """Writes base/, a tiny model; records.jsonl, questions about red and blue squares; and
    mixed.jsonl, text alone, one image and two images by turns, with answers of any length."""
    model = build_model("test")
    model.save_pretrained(root / "base")
    PVCProcessor.from_config(model.config, tiny_tokenizer()).save_pretrained(root / "base")
    plain, mixed = [], []
    for index, color in enumerate(("red", "blue") * 4):
        Image.new("RGB", (40, 30 + index), color).save(root / f"{index}.png")
        picture = {"type": "image", "image": f"{index}.png"}
        plain.append(_record(index, [picture], "?", color[0]))
        pictures = [picture] * (index % 2) * (1 + index % 4 // 2)
        mixed.append(_record(index, pictures, "?" * (1 + index), color * (1 + index % 3)))
    write_records(root / "records.jsonl", plain)
    write_records(root / "mixed.jsonl", mixed)
    return root


def _record(index: int, pictures: list[dict], question: str, answer: str) -> dict[str, Any]:
    content = [*pictures, {"type": "text", "text": question}]
    return {
        "id": str(index),
        "messages": [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ],
    }


def tiny_recipe(folder: Path, output: str, **changes: Any) -> Recipe:
    """A recipe for `base_folder` that runs for seconds."""
    values: dict[str, Any] = {
        "data": (Source("records.jsonl"),),
        "data_root": str(folder),
        "model": str(folder / "base"),
        "output": str(folder / output),
        "steps": 6,
        "batch_size": 2,
        "lora": Lora(rank=2, alpha=4, dropout=0.1),
        "workers": 0,
        "save_every": 3,
        "log_every": 1,
        "learning_rate": 3e-3,
        "report_to": (),
    }
    return Recipe(**{**values, **changes})


def trained(recipe: Recipe) -> dict[str, Tensor]:
    """The trained weights of a finished run."""
    return load_file(Path(recipe.output) / "trained" / "model.safetensors")


def in_processes(
    run: Callable[[], Any],
    num_processes: int = 1,
    environment: Mapping[str, str] = {},  # noqa: B006
    seconds: int = 240,
) -> list[int]:
    """Runs `run` in processes with a launcher's environment, and returns their exit codes.

    They are forked, because importing torch again takes longer than the tiny runs.
    """
    # They meet at a store of this process, as torchrun's do: a port that is chosen here and opened
    # by the first of them could be taken in between.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(
            target=_child, args=(run, rank, num_processes, store.port, dict(environment))
        )
        for rank in range(num_processes)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(seconds)
    codes = [child.exitcode if child.exitcode is not None else 999 for child in children]
    for child in children:
        if child.is_alive():
            child.kill()
    return codes


def _child(
    run: Callable[[], Any], rank: int, num_processes: int, port: int, environment: dict[str, str]
) -> None:
    from accelerate.state import AcceleratorState

    torch.set_num_threads(1)
    if num_processes > 1:
        os.environ.update(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(num_processes),
            LOCAL_WORLD_SIZE=str(num_processes),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
            TORCHELASTIC_USE_AGENT_STORE="True",
            ACCELERATE_USE_CPU="true",
        )
    os.environ.update(environment)
    AcceleratorState._reset_state(True)
    run()
    if num_processes > 1:
        torch.distributed.destroy_process_group()
