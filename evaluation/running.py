"""What `run` does: the named benchmarks one after the other, then the report.

One benchmark that cannot be asked does not keep the others from it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Benchmark, Options
from evaluation.counting import check_mode, counted
from evaluation.generate import Answerer
from evaluation.provenance import describe_model
from evaluation.runner import CannotBegin, Task, run
from evaluation.sharding import Processes

FAILED, BAD_INPUT = 1, 2


def run_command(args: argparse.Namespace) -> int:
    """Asks, then reports. Returns the exit code: 1 where something failed or is missing."""
    tasks = _tasks(args)
    processes = Processes.from_environment()
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


def _tasks(args: argparse.Namespace) -> list[Task]:
    """The benchmarks that were named. ValueError for what can be refused before a model is read."""
    unknown = [name for name in args.benchmarks if name not in BENCHMARKS]
    if unknown:
        raise ValueError(
            f"there is no benchmark {unknown[0]!r}; known are {', '.join(BENCHMARKS)}."
        )
    for option in ("frames", "max_tiles", "looks", "max_new_tokens", "limit", "batch_size"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise ValueError(f"--{option.replace('_', '-')} is {value}; it must be 1 or more.")
    chosen = [BENCHMARKS[name] for name in dict.fromkeys(args.benchmarks)]
    check_mode(args.mode, chosen)
    return [
        Task(
            benchmark,
            args.data / benchmark.name,
            _options(args, benchmark, chosen),
            num_frames=args.frames,
            max_tiles=args.max_tiles,
            looks=args.looks,
            max_new_tokens=args.max_new_tokens,
            media=not args.no_media,
            workers=args.workers,
        )
        for benchmark in chosen
    ]


def _options(
    args: argparse.Namespace, benchmark: Benchmark, chosen: Sequence[Benchmark]
) -> Options:
    """What was chosen, where this benchmark has it. ValueError if none of them has."""
    wanted = Options(args.split, args.prompt, args.subtitles, args.subtitle_rule, args.limit)
    if len(chosen) == 1:
        benchmark.check(wanted)
        return wanted
    for what, value, known in (
        ("split", args.split, {name for one in chosen for name in one.splits}),
        ("prompt mode", args.prompt, {name for one in chosen for name in one.prompt_modes}),
    ):
        if value and value not in known:
            raise ValueError(f"none of these benchmarks has the {what} {value!r}; see `list`.")
    if args.subtitles and not any(one.has_subtitles for one in chosen):
        raise ValueError("none of these benchmarks has subtitles to show.")
    return Options(
        args.split if args.split in benchmark.splits else "",
        args.prompt if args.prompt in benchmark.prompt_modes else "",
        args.subtitles and benchmark.has_subtitles,
        args.subtitle_rule,
        args.limit,
    )


def _load(args: argparse.Namespace, processes: Processes) -> tuple[Answerer, dict[str, Any]]:
    """The model, and what the manifest says of it. ValueError, one sentence, if it is none."""
    dtype = getattr(torch, args.dtype) if args.dtype else None
    device = None
    if torch.cuda.is_available():
        device = torch.device("cuda", processes.local_rank % torch.cuda.device_count())
    if args.model != "embedded" and not Path(args.model).expanduser().is_dir():
        raise ValueError(f"--model {args.model}: there is no such folder.")
    logging.set_verbosity_error()  # what is wrong is told once, below
    try:
        answerer = Answerer.load(args.model, args.batch_size, None, dtype, device)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        # transformers says what it misses in many words and kinds of error
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"--model {args.model} cannot be loaded: {first}") from error
    name = Path(args.model).expanduser().resolve().name
    return answerer, describe_model(answerer.model, name) if processes.first else {"name": name}


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
