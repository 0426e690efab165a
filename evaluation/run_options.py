"""The options of `python -m evaluation run`. Nothing heavy is imported here."""

import argparse
from pathlib import Path

from vlm.experts.options import add_experts
from vlm.model_options import add_model_options, add_threads

RAW = argparse.RawDescriptionHelpFormatter


def add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    run.add_argument(
        "benchmarks",
        nargs="+",
        metavar="BENCHMARK",
        help="names from `list`, or groups: video, documents, images, motion, online",
    )
    _add_files(run.add_argument_group("files"))
    _add_questions(run.add_argument_group("questions"))
    add_mode(run)
    _add_model(run.add_argument_group("model"))


def _add_files(where: argparse._ArgumentGroup) -> None:
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


def _add_questions(questions: argparse._ArgumentGroup) -> None:
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


def _add_model(model: argparse._ArgumentGroup) -> None:
    add_model_options(model)
    add_experts(
        model, default=None, otherwise="those the model was trained with, and shapes beside things"
    )
    model.add_argument(
        "--words-only",
        action="store_true",
        help="show the experts' words in place of the media: no visual tokens",
    )
    model.add_argument(
        "--server",
        metavar="URL",
        help="ask a model behind an OpenAI-compatible address (such as http://127.0.0.1:8000/v1)"
        " on the same questions, frames and prompts; media are sent there",
    )
    model.add_argument("--model-name", metavar="NAME", help="the name of that model")
    model.add_argument(
        "--encoder",
        type=Path,
        metavar="DIR",
        help="a video encoder with heads, as python -m training.encoders writes it; the benchmarks"
        " of encoders need it (groups: recognition, retrieval, localization, grounding, masks)",
    )
    model.add_argument(
        "--clips", type=int, metavar="K", help="clips of a video that an encoder averages"
    )
    model.add_argument("--crops", type=int, metavar="C", help="crops of each clip: 1 or 3")
    model.add_argument(
        "--batch-size",
        type=int,
        default=1,
        metavar="N",
        help="questions per batch (default 1; changes no answer in float32)",
    )
    model.add_argument("--workers", type=int, metavar="N", help="videos decoded ahead in parallel")
    add_threads(model)


def add_mode(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mode",
        metavar="MODE",
        help="answer-extraction mode of the headline (default: each benchmark's first, see `list`)",
    )
