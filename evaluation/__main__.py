"""The command line of `python -m evaluation`.

Defines only the parser and imports nothing heavy before a command runs, so that `--help` is fast.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.looks.options import add_looks
from vlm.experts.options import add_experts, expert_names
from vlm.model_options import add_model_options

ABOUT = (
    "Scores a model on Video-MME, DocVQA and similar benchmarks, from data sets on this machine."
)
EXAMPLES = """examples:
  python -m evaluation list                            lists benchmarks and the files each needs
  python -m evaluation toy toys                        makes small synthetic data sets, for a trial
  python -m evaluation run videomme docvqa --data toys --out out
                                                       asks the embedded model, prints a table
  python -m evaluation run videomme --data toys --out blind --no-media
                                                       the blind baseline: text only
  python -m evaluation score out --mode clean          scores answers in sentences, as the embedded
                                                       model gives
  python -m evaluation compare out blind               tests whether the two runs differ
  python -m evaluation score out                       scores the log again, without a model

Repeat the same command to resume a stopped run.
Several processes: torchrun --nproc-per-node 2 -m evaluation run ...
"""
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
RAW = argparse.RawDescriptionHelpFormatter


def parser() -> argparse.ArgumentParser:
    """Builds the parser of all commands and options."""
    top = argparse.ArgumentParser(
        "python -m evaluation", description=ABOUT, epilog=EXAMPLES, formatter_class=RAW
    )
    commands = top.add_subparsers(
        dest="command", metavar="{run,score,compare,export,list,toy,looks}", required=True
    )
    _add_run(commands)
    score = commands.add_parser(
        "score",
        help="score an existing log again",
        description="Extracts and scores every answer of a log again, without model and data.",
        epilog="example:\n  python -m evaluation score out --mode lmms-eval",
        formatter_class=RAW,
    )
    score.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of the run")
    _add_mode(score)

    compare = commands.add_parser(
        "compare",
        help="test whether two runs differ",
        description="Compares two runs on the questions that both answered, pair by pair, with an\n"
        "interval over videos or documents.",
        epilog="example:\n  python -m evaluation compare out-8-frames out-16-frames",
        formatter_class=RAW,
    )
    compare.add_argument("first", type=Path, metavar="A", help="the --out folder of one run")
    compare.add_argument("second", type=Path, metavar="B", help="the --out folder of the other")
    _add_mode(compare)

    export = commands.add_parser(
        "export",
        help="write submission files for leaderboards",
        description="Writes the answers of a run in the format of a leaderboard.",
        epilog="examples:\n  python -m evaluation export out --format videomme\n"
        "  python -m evaluation export out/docvqa --format rrc --to docvqa_test.json",
        formatter_class=RAW,
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of the run")
    export.add_argument(
        "--format", required=True, help="videomme, rrc, ...; an unknown name lists all"
    )
    export.add_argument(
        "--to", type=Path, metavar="FILE", help="output file (default: beside the log)"
    )

    commands.add_parser("list", help="list the benchmarks and the files each needs")
    toy = commands.add_parser(
        "toy",
        help="make small synthetic data sets in the published layouts",
        description="Makes a toy set for each benchmark: real file formats, invented content.",
        epilog="example:\n  python -m evaluation toy toys && "
        "python -m evaluation run videomme --data toys --out out",
        formatter_class=RAW,
    )
    toy.add_argument("folder", type=Path, metavar="DIR", help="output folder")
    add_looks(commands)
    return top


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser(
        "run",
        help="ask a model, log every answer, score",
        description="Asks every question of the named benchmarks. Each answer is on disk before\n"
        "the next question is asked; the same command resumes a stopped run.\n"
        "Exit code: 0 all answered, 1 samples failed or are missing, 2 wrong arguments or data.",
        epilog="examples:\n"
        "  python -m evaluation run docvqa --data ~/sets --model ~/models/pvc-8b --max-tiles 18\n"
        "  python -m evaluation run videomme --data ~/sets --frames 96 --subtitles\n"
        "  python -m evaluation run videomme --data ~/sets --limit 20\n"
        "  python -m evaluation run docvqa --hub --limit 20\n"
        "  torchrun --nproc-per-node 8 -m evaluation run videomme --data ~/sets --out out",
        formatter_class=RAW,
    )
    run.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help="names from `list`")
    where = run.add_argument_group("files")
    where.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with one subfolder per benchmark, of the same name (default: sets)",
    )
    where.add_argument(
        "--hub",
        action="store_true",
        help="download the files from the Hugging Face hub instead (see `list`; videos are large)",
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
    questions = run.add_argument_group("questions")
    for name, letter, text in (
        ("--frames", "N", "frames per video (default: the benchmark's, then the model's)"),
        ("--max-tiles", "N", "maximum number of tiles per image"),
        ("--looks", "N", "looks at each image or tile (PVC's static-video repeats)"),
        ("--max-new-tokens", "N", "maximum answer length (default: the protocol's)"),
        ("--limit", "N", "only the first N questions of each benchmark; gives no result"),
    ):
        questions.add_argument(name, type=int, metavar=letter, help=text)
    questions.add_argument("--no-media", action="store_true", help="ask blind: text only")
    questions.add_argument(
        "--subtitles", action="store_true", help="show subtitles, if the benchmark has them"
    )
    questions.add_argument(
        "--subtitle-rule",
        default="clean",
        metavar="RULE",
        help="rule that matches captions to frames: clean (default) or official",
    )
    questions.add_argument(
        "--prompt", default="", metavar="MODE", help="prompt wording (see `list`)"
    )
    questions.add_argument(
        "--split", default="", metavar="NAME", help="split of the set (see `list`)"
    )
    _add_mode(run)
    model = run.add_argument_group("model")
    add_model_options(model)
    add_experts(model, default=None, otherwise="those the model was trained with")
    model.add_argument(
        "--words-only",
        action="store_true",
        help="show the experts' words in place of the media: no visual tokens",
    )
    model.add_argument(
        "--batch-size",
        type=int,
        default=1,
        metavar="N",
        help="questions per batch (default 1; changes no answer in float32)",
    )
    model.add_argument("--workers", type=int, metavar="N", help="videos decoded ahead in parallel")
    model.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all cores)")


def _add_mode(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mode",
        metavar="MODE",
        help="answer-extraction mode of the headline (default: each benchmark's first, see `list`)",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parser().parse_args(arguments)
    try:
        return _command(args)
    except BrokenPipeError:  # the reader of our output closed it, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nStopped; repeat the same command to resume.", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        print(
            f"python -m evaluation {args.command}: {error.name} is not installed; install the"
            ' requirements with: pip install -e ".[embedded,evaluation]"',
            file=sys.stderr,
        )
        return BAD_INPUT
    except (ValueError, OSError, ImportError) as error:
        if str(error):  # empty if another process prints it
            print(f"python -m evaluation {args.command}: {error}", file=sys.stderr)
        return BAD_INPUT


def _command(args: argparse.Namespace) -> int:
    if args.command == "run":
        _check_experts(args)
        _limit_threads(args.threads)
        from evaluation.run_command import (  # imported late: see the module docstring
            run_command,
            select_benchmarks,
        )

        return run_command(args, select_benchmarks(args))
    if args.command == "looks":
        from evaluation.looks.experiment import run_looks

        return run_looks(args)
    if args.command == "score":
        from evaluation.score_command import score_folder

        return score_folder(args.folder, args.mode)
    if args.command == "compare":
        from evaluation.reports.compare import compare_all

        lines, complete = compare_all(args.first, args.second, args.mode)
        print("\n".join(lines))
        return 0 if complete else FAILED
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


def _check_experts(args: argparse.Namespace) -> None:
    """Raises ValueError for experts that do not exist or that no question would show."""
    names = expert_names(args.experts)
    if args.words_only and (args.no_media or names == ()):
        other = "--no-media" if args.no_media else "--experts none"
        raise ValueError(f"--words-only shows what {other} leaves out; give only one of them.")


def _limit_threads(threads: int | None) -> None:
    """Must run before torch is imported, which reads these variables once."""
    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads is {threads}; it must be 1 or more.")
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)


if __name__ == "__main__":
    sys.exit(main())
