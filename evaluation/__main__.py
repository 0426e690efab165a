"""The command line of `python -m evaluation`.

Defines only the parser and imports nothing heavy before a command runs, so that `--help` is fast.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.looks.options import add_looks
from evaluation.run_options import add_mode, add_run
from vlm.ending import discard_output, end, sentence
from vlm.experts.options import expert_names
from vlm.model_options import limit_threads

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
  python -m evaluation table out blind                 many runs beside many benchmarks
  python -m evaluation same out theirs                 what two runs differ in
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
        dest="command",
        metavar="{run,score,compare,table,same,export,list,toy,looks}",
        required=True,
    )
    add_run(commands)
    _add_score(commands)
    _add_compare(commands)
    _add_table(commands)
    _add_export(commands)
    commands.add_parser("list", help="list the benchmarks and the files each needs")
    _add_toy(commands)
    add_looks(commands)
    return top


def _add_score(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    score = commands.add_parser(
        "score",
        help="score an existing log again",
        description="Extracts and scores every answer of a log again, without model and data.",
        epilog="example:\n  python -m evaluation score out --mode lmms-eval",
        formatter_class=RAW,
    )
    score.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of the run")
    add_mode(score)


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    add_mode(compare)


def _add_table(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    table = commands.add_parser(
        "table",
        help="many runs beside many benchmarks",
        description="Puts runs beside benchmarks, with intervals, costs, and marks where a run\n"
        "differs from the first by more than chance. Writes table.md, table.csv and table.html.",
        epilog="example:\n  python -m evaluation table runs/ours runs/peer-a runs/peer-b",
        formatter_class=RAW,
    )
    table.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="--out folders of runs")
    table.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("runs/table"), help="(default: runs/table)"
    )
    add_mode(table)
    same = commands.add_parser(
        "same",
        help="what two runs differ in",
        description="Compares the cards of two runs line by line: model, settings, prompts, data,\n"
        "films, subtitles, code, answers. Exit code: 0 the same, 1 different.",
        epilog="example:\n  python -m evaluation same out theirs",
        formatter_class=RAW,
    )
    same.add_argument("first", type=Path, metavar="A", help="the --out folder of one run")
    same.add_argument("second", type=Path, metavar="B", help="the --out folder of the other")


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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


def _add_toy(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    toy = commands.add_parser(
        "toy",
        help="make small synthetic data sets in the published layouts",
        description="Makes a toy set for each benchmark of assistants: real file formats, invented"
        " content. Those of video encoders: python -m data.tasks DIR.",
        epilog="example:\n  python -m evaluation toy toys && "
        "python -m evaluation run videomme --data toys --out out",
        formatter_class=RAW,
    )
    toy.add_argument("folder", type=Path, metavar="DIR", help="output folder")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parser().parse_args(arguments)
    try:
        return _command(args)
    except BrokenPipeError:
        discard_output()
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
            print(f"python -m evaluation {args.command}: {sentence(error)}", file=sys.stderr)
        return BAD_INPUT


def _command(args: argparse.Namespace) -> int:
    if args.command == "run":
        _check_experts(args)
        limit_threads(args.threads)
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
        from evaluation.reports.compare import compare

        lines, complete = compare(args.first, args.second, args.mode)
        print("\n".join(lines))
        return 0 if complete else FAILED
    if args.command == "table":
        from evaluation.table_command import table_command

        print("\n".join(table_command(args.folders, args.out, args.mode)))
        return 0
    if args.command == "same":
        from evaluation.table_command import same_command

        lines, same = same_command(args.first, args.second)
        print("\n".join(lines))
        return 0 if same else FAILED
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


if __name__ == "__main__":
    end(main)
