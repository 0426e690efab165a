"""`python -m evaluation run --encoder DIR`: which options belong to an encoder, and its asker."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evaluation.asking.sharding import Processes
from evaluation.benchmarks.base import Benchmark
from evaluation.benchmarks.tasks.base import TaskBenchmark

if TYPE_CHECKING:  # torch takes seconds, and invalid options are refused before
    from evaluation.asking.asker import Asker
    from evaluation.asking.task import Task

CROPS = (1, 3)


def check_encoder(args: argparse.Namespace, named: Sequence[Benchmark]) -> None:
    """Raises ValueError if a benchmark and what is to answer it do not fit."""
    of_encoders = [one.name for one in named if isinstance(one, TaskBenchmark)]
    others = [one.name for one in named if not isinstance(one, TaskBenchmark)]
    if args.encoder is None:
        if of_encoders:
            raise ValueError(
                f"{of_encoders[0]} is a benchmark of video encoders; give one with --encoder DIR,"
                " the folder that python -m training.encoders writes."
            )
        if args.clips is not None or args.crops is not None:
            raise ValueError("--clips and --crops belong to --encoder.")
        return
    if others:
        raise ValueError(f"{others[0]} asks in words, which --encoder cannot answer.")
    if args.server is not None:
        raise ValueError("--encoder and --server are two models; give only one.")
    if args.no_media or args.words_only:
        raise ValueError("an encoder answers from media; leave --no-media and --words-only out.")
    if args.crops is not None and args.crops not in CROPS:
        raise ValueError(f"--crops is {args.crops}; it is 1, the whole frame, or 3 squares.")


def encoder_asker(args: argparse.Namespace, processes: Processes) -> tuple[Asker, dict[str, Any]]:
    """Loads and describes the encoder. Raises ValueError if it cannot be loaded."""
    import torch

    from evaluation.encoders.asker import EncoderAsker
    from evaluation.encoders.loaded import load_encoder

    device = torch.device(args.device or "cpu")
    if args.device is None and torch.cuda.is_available():
        device = torch.device("cuda", processes.local_rank % torch.cuda.device_count())
    encoder = load_encoder(args.encoder.expanduser(), device)
    asker = EncoderAsker(encoder, args.clips or 1, args.crops or 1, args.batch_size)
    return asker, encoder.describe()


def bound(asker: Asker, task: Task) -> Asker:
    """Returns the asker for the benchmark of a task. Raises CannotBegin if no head fits."""
    from evaluation.asking.runner import CannotBegin
    from evaluation.encoders.asker import EncoderAsker

    if not isinstance(asker, EncoderAsker):
        return asker
    assert isinstance(task.benchmark, TaskBenchmark)
    try:
        return asker.on(task.benchmark, task.benchmark.classes(task.folder, task.options))
    except (ValueError, OSError) as error:
        raise CannotBegin(f"{task.benchmark.name}: {error}") from error


def with_views(task: Task, asker: Asker) -> Task:
    """Returns the task with the views of an encoder; frames are those of one clip."""
    from evaluation.encoders.asker import EncoderAsker

    if not isinstance(asker, EncoderAsker):
        return task
    frames = task.num_frames and task.num_frames * asker.clips
    return replace(task, num_frames=frames, clips=asker.clips, crops=asker.crops)
