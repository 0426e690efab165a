"""`python -m evaluation run`: runs the named benchmarks one after the other, then reports.

Invalid options are rejected before torch and a model are loaded. A benchmark that cannot start does
not stop the others.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.asking.progress import Bar
from evaluation.asking.sharding import Processes
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Benchmark, Options
from evaluation.encoders.run_encoder import bound, check_encoder, encoder_asker, with_views
from evaluation.groups import expanded
from evaluation.score_command import check_mode, score_run
from vlm.ending import sentence
from vlm.experts.options import expert_names
from vlm.model_options import model_options

if TYPE_CHECKING:
    from evaluation.asking.asker import Asker
    from evaluation.asking.task import Task

COUNTS = (
    *("frames", "max_tiles", "looks", "max_new_tokens", "limit", "batch_size", "workers"),
    *("clips", "crops"),
)
Selected = tuple[Benchmark, Options]
FAILED, BAD_INPUT = 1, 2


def select_benchmarks(args: argparse.Namespace) -> list[Selected]:
    """Returns the named benchmarks with their options. Raises ValueError for invalid arguments."""
    names = expanded(args.benchmarks)
    for option in COUNTS:
        value = getattr(args, option)
        if value is not None and value < 1:
            raise ValueError(f"--{option.replace('_', '-')} is {value}; it must be 1 or more.")
    if args.hub and args.data is not None:
        raise ValueError("--hub and --data are two sources of the same files; give only one.")
    if args.revision != "main" and not args.hub:
        raise ValueError("--revision names a version on the hub; give it together with --hub.")
    if (args.server is None) != (args.model_name is None):
        raise ValueError("--server and --model-name belong together; give both.")
    named = [BENCHMARKS[name] for name in names]
    check_encoder(args, named)
    check_mode(args.mode, named)
    return [(benchmark, _options(args, benchmark, named)) for benchmark in named]


def _options(args: argparse.Namespace, benchmark: Benchmark, named: Sequence[Benchmark]) -> Options:
    """Returns the requested options as far as the benchmark supports them.

    Raises ValueError if none of the named benchmarks supports one of them.
    """
    requested = Options(args.split, args.prompt, args.subtitles, args.subtitle_rule, args.limit)
    if len(named) == 1:
        benchmark.check(requested)
        return requested
    for what, value, known in (
        ("split", args.split, {name for one in named for name in one.splits}),
        ("prompt mode", args.prompt, {name for one in named for name in one.prompt_modes}),
    ):
        if value and value not in known:
            raise ValueError(f"none of these benchmarks has the {what} {value!r}; see `list`.")
    if args.subtitles and not any(one.has_subtitles for one in named):
        raise ValueError("none of these benchmarks has subtitles.")
    return Options(
        args.split if args.split in benchmark.splits else "",
        args.prompt if args.prompt in benchmark.prompt_modes else "",
        args.subtitles and benchmark.has_subtitles,
        args.subtitle_rule,
        args.limit,
    )


def run_command(args: argparse.Namespace, chosen: Sequence[Selected]) -> int:
    """Asks, then reports. Returns the exit code: 1 if samples failed or are missing."""
    from evaluation.runs.lock import only_writer  # imported late: see the module docstring

    processes = Processes.from_environment()
    if "MASTER_ADDR" in os.environ and "WORLD_SIZE" not in os.environ:
        _warn(
            "accelerate launch started a single process: without several GPUs it needs --multi-gpu"
            " to start more; torchrun works as well."
        )
    warn = _warn if processes.first else lambda sentence: None
    if args.server is None and args.encoder is None:
        _check_model(args.model)
    ready = [one for one in chosen if args.hub or _has_data(*one, _data_folder(args, one[0]), warn)]
    if not ready:
        return BAD_INPUT
    out = args.out or Path("runs/evaluation") / _model_name(args)
    problem = ""
    with contextlib.ExitStack() as held:
        if processes.first:
            try:
                held.enter_context(only_writer(out))
            except (ValueError, OSError) as error:
                problem = sentence(error)
        processes.start()
        try:
            processes.wait(problem)
            return _ask(args, ready, len(chosen), out, processes)
        finally:
            processes.end()


def _ask(
    args: argparse.Namespace, ready: Sequence[Selected], asked: int, out: Path, processes: Processes
) -> int:
    """Runs the benchmarks that have data and reports. `asked` is the number of all."""
    from evaluation.asking.runner import CannotBegin, run

    encoder = encoder_asker(args, processes) if args.encoder is not None else None
    if encoder is not None:
        answerer, model = encoder
    else:
        answerer, model = _peer(args) if args.server is not None else _load(args, processes)
    begun = []
    tasks = [_task(args, benchmark, options) for benchmark, options in ready]
    bar = _shared_bar(tasks, processes) if len(tasks) > 1 and processes.first else None
    for task in tasks:
        name = task.benchmark.name
        try:
            asker = bound(answerer, task)
            run(with_views(task, asker), asker, model, out / name, processes, _warn, bar)
            begun.append(name)
        except CannotBegin as error:
            if bar is not None:
                bar.leave(name)
            if str(error):  # empty if another process prints it
                _warn(f"python -m evaluation run: {sentence(error)}")
    if bar is not None:
        bar.close()
    if not begun:
        return BAD_INPUT
    if not processes.first:
        return 0
    items = [item for item in score_run(out, args.mode) if item.benchmark.name in begun]
    whole = all(item.state != "partial" for item in items)
    return 0 if whole and len(begun) == asked else FAILED


def _shared_bar(tasks: Sequence[Task], processes: Processes) -> Bar:
    """Returns one progress line for all benchmarks, with the samples of this process."""
    planned = {}
    for task in tasks:
        planned[task.benchmark.name] = 0
        if task.hub is None:  # else the questions are not here yet
            with contextlib.suppress(ValueError, OSError):  # reported when its turn comes
                found = task.benchmark.questions(task.folder, task.options)
                planned[task.benchmark.name] = len(processes.share(found))
    return Bar(f"{len(tasks)} benchmarks", 0, planned=planned)


def _peer(args: argparse.Namespace) -> tuple[Asker, dict[str, Any]]:
    """Returns the model behind --server. Raises ValueError if nothing answers there."""
    from evaluation.asking.server import ServerAsker
    from vlm.experts.expert_words import shipped_experts

    names = expert_names(args.experts)
    words = shipped_experts(names) if names else None
    if args.words_only and words is None:
        raise ValueError("--words-only needs experts; name them with --experts kinds,things,text.")
    asker = ServerAsker(args.server, args.model_name, args.batch_size, words=words)
    asker.check()
    return asker, asker.describe()


def _data_folder(args: argparse.Namespace, benchmark: Benchmark) -> Path:
    return benchmark.data_folder(args.data or Path("sets"))


def _has_data(
    benchmark: Benchmark, options: Options, folder: Path, warn: Callable[[str], None]
) -> bool:
    """Returns whether the annotation files of a benchmark exist, before a model is loaded."""
    try:
        benchmark.check_files(folder, options)
    except (ValueError, OSError) as error:
        warn(f"python -m evaluation run: {sentence(error)}")
        return False
    return True


def _check_model(name: str) -> None:
    """Raises ValueError if a path holds no model, without assembling or downloading one."""
    from vlm.weights.sources import EMBEDDED, resolve

    path = Path(name).expanduser()
    if name != EMBEDDED and (path.exists() or path.is_absolute()):
        try:
            resolve(name)
        except ValueError as error:
            raise ValueError(f"--model {name} cannot be loaded: {error}") from error


def _model_name(args: argparse.Namespace) -> str:
    if args.server is not None:
        return re.sub(r"[^\w.-]+", "-", args.model_name)
    if args.encoder is not None:
        return args.encoder.expanduser().resolve().name
    return Path(args.model).expanduser().resolve().name


def _task(args: argparse.Namespace, benchmark: Benchmark, options: Options) -> Task:
    from evaluation.asking.task import Task

    return Task(
        benchmark,
        _data_folder(args, benchmark),
        options,
        num_frames=args.frames,
        max_tiles=args.max_tiles,
        looks=args.looks,
        max_new_tokens=args.max_new_tokens,
        media=not args.no_media,
        words_only=args.words_only,
        workers=args.workers,
        hub=args.revision if args.hub else None,
    )


def _load(args: argparse.Namespace, processes: Processes) -> tuple[Asker, dict[str, Any]]:
    """Loads and describes the model. Raises ValueError if it cannot be loaded."""
    import torch
    from transformers.utils import logging

    from evaluation.asking.answerer import Answerer
    from evaluation.runs.provenance import describe_model

    options = model_options(args)
    if options["device"] is None and options["device_map"] is None and torch.cuda.is_available():
        options["device"] = torch.device("cuda", processes.local_rank % torch.cuda.device_count())
    logging.set_verbosity_error()  # errors are reported once, below
    try:
        answerer = Answerer.load(
            args.model,
            args.batch_size,
            experts=expert_names(args.experts),
            announce=_warn if processes.first else None,
            **options,
        )
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        # transformers reports missing files in many words and exception types
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"--model {args.model} cannot be loaded: {first}") from error
    if args.words_only and answerer.words is None:
        raise ValueError(
            f"--words-only needs experts, and --model {args.model} has none; name them with"
            " --experts kinds,things,text."
        )
    name = _model_name(args)
    return answerer, describe_model(answerer.model, name) if processes.first else {"name": name}


def _warn(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
