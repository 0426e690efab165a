"""Data sets at the command line: `python -m data check`, `convert`, `shards`."""

import argparse
import json
import os
import sys
from pathlib import Path

from tqdm import tqdm

from data.checks.check import CheckOptions, check
from data.checks.report import as_json, format_report
from data.convert.formats import FORMATS
from data.convert.run import LEFT_OUT, Converted, convert
from data.samples.dataset import Draw
from data.samples.token_lengths import LengthEstimator
from data.sources.record_file import RecordFile
from data.sources.shard_writer import write_shards
from vlm.plural import plural
from vlm.weights import sources

SHOWN = 20  # conversations left out that are told


def main() -> int:
    """0: all is well; 1: there are problems; 2: a wrong command."""
    top = argparse.ArgumentParser(
        prog="python -m data", description="Look at training data, and convert other formats."
    )
    commands = top.add_subparsers(dest="command", metavar="{check,convert,shards}", required=True)
    _add_check(commands)
    _add_convert(commands)
    _add_shards(commands)
    arguments = top.parse_args()
    try:
        return int(arguments.run(arguments))
    except ValueError as error:
        print(f"python -m data {arguments.command}: {error}", file=sys.stderr)
        return 2


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="what is in files of records, and what of it cannot be used",
        description="Tell what is in files of records (docs/data.md shows the form): what they "
        "show, how long they are, and every line that cannot be used, with its reason. Ends with "
        "1 if there is one.",
        epilog="example: python -m data check mine/records.jsonl --decode",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSONL, or tar files")
    parser.add_argument(
        "--model",
        default="embedded",
        help="whose tokens are counted: a folder, or a repository on huggingface.co",
    )
    parser.add_argument("--frames", type=int, help="frames of a clip (default: the model's)")
    parser.add_argument("--looks", type=int, help="looks at a picture (default: the model's)")
    parser.add_argument("--max-tiles", type=int, default=1, help="tiles of a picture (default: 1)")
    parser.add_argument(
        "--decode", action="store_true", help="decode all media, not only read their headers"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for one file (default: 30)")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--all", action="store_true", help="show every problem, not the first 20")
    parser.add_argument("--json", action="store_true", help="tell it as JSON")
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    processor = sources.load_processor(sources.resolve(arguments.model))
    prompt = processor.prompt_config
    draw = Draw(arguments.looks or prompt.looks, arguments.frames or prompt.default_frames)
    checks = CheckOptions(
        LengthEstimator(processor, arguments.max_tiles), draw, arguments.decode, arguments.seconds
    )
    findings = check(arguments.files, checks, arguments.workers)
    if arguments.json:
        print(json.dumps(as_json(findings), indent=1, ensure_ascii=False))
    else:
        looks, frames = plural(draw.looks or 0, "look"), plural(draw.num_frames, "frame")
        measured = f"as {arguments.model} reads it ({looks} at a picture, at most {frames} a clip)"
        print(format_report(findings, measured, arguments.all))
    return 1 if findings.problems else 0


def _add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "convert",
        help="make records of LLaVA, ShareGPT, OpenAI or InternVL data",
        description="Turn a file of another format into a file of records. What has no "
        f"counterpart is left out, told, and listed beside the records in *{LEFT_OUT}. Ends with "
        "1 if anything was left out.",
        epilog="example: python -m data convert llava.json mine/records.jsonl --media mine/images",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="JSON or JSONL")
    parser.add_argument("out", type=Path, metavar="OUT", help="JSONL, or a folder for several")
    parser.add_argument(
        "--from", dest="format", choices=FORMATS, default="", help="default: told from the file"
    )
    parser.add_argument(
        "--media", type=Path, metavar="DIR", help="where media lie (default: beside IN)"
    )
    parser.add_argument(
        "--copy-media",
        action="store_true",
        help="bring media that lie elsewhere below OUT's folder (linked where the disk allows it)",
    )
    parser.set_defaults(run=_convert)


def _convert(arguments: argparse.Namespace) -> int:
    results = convert(
        arguments.source, arguments.out, arguments.format, arguments.media, arguments.copy_media
    )
    for result in results:
        _tell(result)
    if len(results) > 1:
        print("\nFor a recipe, each file seen as often as its list says:\ndata:")
        for result in results:
            weight = result.num_records * result.repeat
            print(f"  - {{path: {result.path.name}, weight: {weight:g}}}")
    return 1 if any(result.left_out for result in results) else 0


def _add_shards(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "shards",
        help="records and their media as tar files, for sets too large for single files",
        description="Write records and their media into tar files, in webdataset's layout. A "
        "recipe names them as `path: OUT/NAME-{000000..000099}.tar`. Shuffle the records before: "
        "training mixes them within a buffer only.",
        epilog="example: python -m data shards mine/records.jsonl mine/shards --name train",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="JSONL of records")
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder")
    parser.add_argument("--name", default="train", help="begins the tars' names (default: train)")
    parser.add_argument("--per-shard", type=int, default=1000, help="records of a tar")
    parser.set_defaults(run=_shards)


def _shards(arguments: argparse.Namespace) -> int:
    if arguments.per_shard < 1:
        raise ValueError("--per-shard must be at least 1")
    records = RecordFile(arguments.source)
    bar = tqdm(records, arguments.name, len(records), unit="record", delay=1)
    try:
        done = write_shards(bar, arguments.out, arguments.name, arguments.per_shard)
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror} (see python -m data check)") from None
    last = f"{max(0, len(done) - 1):06d}"
    path = arguments.out / f"{arguments.name}-{{000000..{last}}}.tar"
    print(f"{plural(len(records), 'record')} in {plural(len(done), 'tar file')}; in a recipe:")
    print(f"  - {{path: {path}, weight: 1}}")
    return 0


def _tell(result: Converted) -> None:
    total = result.num_records + len(result.left_out)
    print(
        f"{result.path}: {result.num_records:,} of {plural(total, 'conversation')} converted "
        f"from {result.format}."
    )
    for where, why in result.left_out[:SHOWN]:
        print(f"  left out: {where}: {why}")
    if len(result.left_out) > SHOWN:
        print(f"  ... and {len(result.left_out) - SHOWN:,} more")
    if result.left_out:
        print(f"  all that was left out: {result.path.with_name(result.path.stem + LEFT_OUT)}")


if __name__ == "__main__":
    sys.exit(main())
