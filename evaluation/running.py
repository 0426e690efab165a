"""What `run` does: the named benchmarks one after the other, then the report.

One benchmark that cannot be asked does not keep the others from it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from evaluation.benchmarks.base import Benchmark, Options
from evaluation.choosing import Chosen
from evaluation.counting import counted
from evaluation.generate import Answerer
from evaluation.provenance import describe_model
from evaluation.runner import CannotBegin, Task, run
from evaluation.sharding import Processes
from vlm.model_options import model_options

FAILED, BAD_INPUT = 1, 2


def run_command(args: argparse.Namespace, chosen: Sequence[Chosen]) -> int:
    """Asks, then reports. Returns the exit code: 1 where something failed or is missing."""
    tasks = [_task(args, benchmark, options) for benchmark, options in chosen]
    processes = Processes.from_environment()
    if "MASTER_ADDR" in os.environ and "WORLD_SIZE" not in os.environ:
        _tell(
            "accelerate launch has started one process only: where there are not several GPUs it"
            " needs --multi-gpu for more, or take torchrun."
        )
    answerer, model = _load(args, processes)
    out = args.out or Path("runs/evaluation") / model["name"]
    processes.start()
    try:
        begun = []
        for task in tasks:
            try:
                run(task, answerer, model, out / task.benchmark.name, processes, _tell)
                begun.append(task.benchmark.name)
            except CannotBegin as error:
                if str(error):  # else another process has told it
                    _tell(f"python -m evaluation run: {error}")
        if not begun:
            return BAD_INPUT
        if not processes.first:
            return 0
        items = [item for item in counted(out, args.mode) if item.benchmark.name in begun]
        whole = all(item.state != "partial" for item in items)
        return 0 if whole and len(begun) == len(tasks) else FAILED
    finally:
        processes.end()


def _task(args: argparse.Namespace, benchmark: Benchmark, options: Options) -> Task:
    return Task(
        benchmark,
        (args.data or Path("sets")) / benchmark.name,
        options,
        num_frames=args.frames,
        max_tiles=args.max_tiles,
        looks=args.looks,
        max_new_tokens=args.max_new_tokens,
        media=not args.no_media,
        workers=args.workers,
        hub=args.revision if args.hub else None,
    )


def _load(args: argparse.Namespace, processes: Processes) -> tuple[Answerer, dict[str, Any]]:
    """The model, and what the manifest says of it. ValueError, one sentence, if it is none."""
    options = model_options(args)
    if options["device"] is None and options["device_map"] is None and torch.cuda.is_available():
        options["device"] = torch.device("cuda", processes.local_rank % torch.cuda.device_count())
    logging.set_verbosity_error()  # what is wrong is told once, below
    try:
        answerer = Answerer.load(
            args.model, args.batch_size, say=_tell if processes.first else None, **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        # transformers says what it misses in many words and kinds of error
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"--model {args.model} cannot be loaded: {first}") from error
    name = Path(args.model).expanduser().resolve().name
    return answerer, describe_model(answerer.model, name) if processes.first else {"name": name}


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
