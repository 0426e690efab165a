"""The command line: `python -m evaluation run`, `score`, `compare`, `export`, `list`, `toy`.

Only the parser lives here and nothing heavy is imported before a command runs, so `--help` answers
at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.looks.options import add_looks
from vlm.model_options import add_model_options

ABOUT = "Scores a model on Video-MME, DocVQA and their kin, from data sets on this machine."
EXAMPLES = """examples:
  python -m evaluation list                            what there is, and what each needs on disk
  python -m evaluation toy toys                        small made-up data sets, for a first try
  python -m evaluation run videomme docvqa --data toys --out out
                                                       ask the embedded model, then the table
  python -m evaluation run videomme --data toys --out blind --no-media
                                                       without seeing anything: the baseline
  python -m evaluation compare out blind               do the two differ?
  python -m evaluation score out                       count again from the log, without a model

A run that was stopped goes on when the same command is given again.
Several processes: torchrun --nproc-per-node 2 -m evaluation run ...
"""
BAD_INPUT, INTERRUPTED = 2, 130
RAW = argparse.RawDescriptionHelpFormatter


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    top = argparse.ArgumentParser(
        "python -m evaluation", description=ABOUT, epilog=EXAMPLES, formatter_class=RAW
    )
    commands = top.add_subparsers(
        dest="command", metavar="{run,score,compare,export,list,toy,looks}", required=True
    )
    _add_run(commands)
    score = commands.add_parser(
        "score",
        help="the numbers again, from the log",
        description="Reads every answer in the log again and counts; needs no model and no data.",
        epilog="example:\n  python -m evaluation score out --mode lmms-eval",
        formatter_class=RAW,
    )
    score.add_argument("folder", type=Path, metavar="DIR", help="what --out was")
    _add_mode(score)

    compare = commands.add_parser(
        "compare",
        help="do two runs differ?",
        description="Compares question by question what both runs answered, with an interval\n"
        "over videos or documents.",
        epilog="example:\n  python -m evaluation compare out-8-frames out-16-frames",
        formatter_class=RAW,
    )
    compare.add_argument("first", type=Path, metavar="A", help="what --out was in one run")
    compare.add_argument("second", type=Path, metavar="B", help="and in the other")
    _add_mode(compare)

    export = commands.add_parser(
        "export",
        help="files that leaderboards take",
        description="Writes the answers of a run as a leaderboard takes them.",
        epilog="examples:\n  python -m evaluation export out --format videomme\n"
        "  python -m evaluation export out/docvqa --format rrc --to docvqa_test.json",
        formatter_class=RAW,
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="what --out was")
    export.add_argument(
        "--format", required=True, help="videomme, rrc, ...; a wrong name lists all"
    )
    export.add_argument("--to", type=Path, metavar="FILE", help="default: beside the log")

    commands.add_parser("list", help="the benchmarks, and what each needs on disk")
    toy = commands.add_parser(
        "toy",
        help="small made-up data sets in the published layouts",
        description="Makes a toy set for each benchmark: real files, invented content.",
        epilog="example:\n  python -m evaluation toy toys && "
        "python -m evaluation run videomme --data toys --out out",
        formatter_class=RAW,
    )
    toy.add_argument("folder", type=Path, metavar="DIR", help="where they are put")
    add_looks(commands)
    return top


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser(
        "run",
        help="ask a model, log every answer, count",
        description="Asks every question of the named benchmarks. Each answer is in the log\n"
        "before the next is asked; given again, the command goes on where it was.\n"
        "Exit code: 0 all answered, 1 something failed or is missing, 2 something given was wrong.",
        epilog="examples:\n"
        "  python -m evaluation run docvqa --data ~/sets --model ~/models/pvc-8b --max-tiles 18\n"
        "  python -m evaluation run videomme --data ~/sets --frames 96 --subtitles\n"
        "  python -m evaluation run videomme --data ~/sets --limit 20\n"
        "  python -m evaluation run docvqa --hub --limit 20\n"
        "  torchrun --nproc-per-node 8 -m evaluation run videomme --data ~/sets --out out",
        formatter_class=RAW,
    )
    run.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help="names from `list`")
    where = run.add_argument_group("where")
    where.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="holds one folder for each benchmark, called as it is (default: sets)",
    )
    where.add_argument(
        "--hub",
        action="store_true",
        help="download the files from the Hugging Face hub instead (see `list`; films are big)",
    )
    where.add_argument(
        "--revision", default="main", metavar="NAME", help="branch or commit on the hub"
    )
    where.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="log, results.json and report.html (default: runs/evaluation/MODEL)",
    )
    asked = run.add_argument_group("what is asked")
    for name, letter, words in (
        ("--frames", "N", "frames of a video (default: the benchmark's, then the model's)"),
        ("--max-tiles", "N", "parts a picture is cut into at most"),
        ("--looks", "N", "looks at a picture, or at each part of it"),
        ("--max-new-tokens", "N", "longest answer (default: the protocol's)"),
        ("--limit", "N", "only the first N questions of each; gives no result"),
    ):
        asked.add_argument(name, type=int, metavar=letter, help=words)
    asked.add_argument("--no-media", action="store_true", help="ask blind: the text alone")
    asked.add_argument("--subtitles", action="store_true", help="with subtitles, where there are")
    asked.add_argument(
        "--subtitle-rule",
        default="clean",
        metavar="RULE",
        help="how captions are matched to frames: clean (default) or official",
    )
    asked.add_argument("--prompt", default="", metavar="MODE", help="whose wording (see `list`)")
    asked.add_argument("--split", default="", metavar="NAME", help="part of the set (see `list`)")
    _add_mode(run)
    model = run.add_argument_group("model")
    add_model_options(model)
    model.add_argument(
        "--batch-size",
        type=int,
        default=1,
        metavar="N",
        help="questions at once (default 1; in float32 it changes no answer)",
    )
    model.add_argument("--workers", type=int, metavar="N", help="films read ahead at once")
    model.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all cores)")


def _add_mode(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mode",
        metavar="MODE",
        help="how answers are read for the headline (default: each benchmark's first, see `list`)",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parser().parse_args(arguments)
    try:
        return _command(args)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        print(
            f"python -m evaluation {args.command}: {error.name} is not installed; what evaluation"
            ' needs comes with: pip install -e ".[embedded,evaluation]"',
            file=sys.stderr,
        )
        return BAD_INPUT
    except (ValueError, OSError, ImportError) as error:
        if str(error):  # else another process has told it
            print(f"python -m evaluation {args.command}: {error}", file=sys.stderr)
        return BAD_INPUT


def _command(args: argparse.Namespace) -> int:
    if args.command == "run":
        _limit_threads(args.threads)
        from evaluation.run_command import (  # imported late: see above
            run_command,
            select_benchmarks,
        )

        return run_command(args, select_benchmarks(args))
    if args.command == "looks":
        from evaluation.looks.experiment import looks

        return looks(args)
    if args.command == "score":
        from evaluation.score_command import score_folder

        return score_folder(args.folder, args.mode)
    if args.command == "compare":
        from evaluation.reports.compare import compare

        print("\n".join(compare(args.first, args.second, args.mode)))
        return 0
    if args.command == "export":
        from evaluation.reports.export import export_run

        for path in export_run(args.folder, args.format, args.to):
            print(path)
        return 0
    if args.command == "toy":
        from evaluation.toy import make_toys

        for line in make_toys(args.folder):
            print(line)
        return 0
    from evaluation.listing import listing

    print("\n".join(listing()))
    return 0


def _limit_threads(threads: int | None) -> None:
    """Must come before torch is imported, which reads these once."""
    if threads is not None:
        if threads < 1:
            raise ValueError("--threads takes a number from 1 on.")
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)


if __name__ == "__main__":
    sys.exit(main())
