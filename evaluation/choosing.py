"""What a command line for `run` asks for, refused before anything heavy is loaded."""

import argparse
from collections.abc import Sequence

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Benchmark, Options
from evaluation.counting import check_mode

COUNTS = ("frames", "max_tiles", "looks", "max_new_tokens", "limit", "batch_size", "workers")
Chosen = tuple[Benchmark, Options]


def chosen(args: argparse.Namespace) -> list[Chosen]:
    """The named benchmarks and their options. ValueError, one sentence, for what cannot be."""
    unknown = [name for name in args.benchmarks if name not in BENCHMARKS]
    if unknown:
        raise ValueError(
            f"there is no benchmark {unknown[0]!r}; known are {', '.join(BENCHMARKS)}."
        )
    for option in COUNTS:
        value = getattr(args, option)
        if value is not None and value < 1:
            raise ValueError(f"--{option.replace('_', '-')} is {value}; it must be 1 or more.")
    if args.hub and args.data is not None:
        raise ValueError("--hub and --data name two places to read from; give one of them.")
    if args.revision != "main" and not args.hub:
        raise ValueError("--revision is one on the hub; it goes with --hub.")
    named = [BENCHMARKS[name] for name in dict.fromkeys(args.benchmarks)]
    check_mode(args.mode, named)
    return [(benchmark, _options(args, benchmark, named)) for benchmark in named]


def _options(args: argparse.Namespace, benchmark: Benchmark, named: Sequence[Benchmark]) -> Options:
    """What was chosen, where this benchmark has it. ValueError if none of them has."""
    wanted = Options(args.split, args.prompt, args.subtitles, args.subtitle_rule, args.limit)
    if len(named) == 1:
        benchmark.check(wanted)
        return wanted
    for what, value, known in (
        ("split", args.split, {name for one in named for name in one.splits}),
        ("prompt mode", args.prompt, {name for one in named for name in one.prompt_modes}),
    ):
        if value and value not in known:
            raise ValueError(f"none of these benchmarks has the {what} {value!r}; see `list`.")
    if args.subtitles and not any(one.has_subtitles for one in named):
        raise ValueError("none of these benchmarks has subtitles to show.")
    return Options(
        args.split if args.split in benchmark.splits else "",
        args.prompt if args.prompt in benchmark.prompt_modes else "",
        args.subtitles and benchmark.has_subtitles,
        args.subtitle_rule,
        args.limit,
    )
