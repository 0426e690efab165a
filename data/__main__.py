"""The commands for data sets: `python -m data check`, `convert`, `shards`, `words`."""

import argparse
import json
import os
import sys
from pathlib import Path

from tqdm import tqdm

from data.checks.check import CheckOptions, check
from data.checks.clips import check_clips, clips_as_json, format_clips, is_clip_list
from data.checks.report import as_json, format_report
from data.convert.formats import FORMATS
from data.convert.run import LEFT_OUT, Converted, convert
from data.json_text import printable
from data.samples.dataset import Draw
from data.samples.token_lengths import LengthEstimator
from data.sources.record_file import RecordFile
from data.sources.shard_writer import write_shards
from data.words import add_words
from vlm.ending import end, sentence
from vlm.experts.expert_words import shipped_experts
from vlm.experts.options import NAMES, add_experts, expert_names
from vlm.plural import plural
from vlm.weights import sources

MAX_LEFT_OUT = 20  # conversations that are printed with the reason


def main() -> int:
    """Returns 0 without problems, 1 with problems, 2 for a wrong command."""
    top = argparse.ArgumentParser(
        prog="python -m data",
        description="Check training data, convert other formats, write tar shards, add words.",
    )
    commands = top.add_subparsers(
        dest="command", metavar="{check,convert,shards,words}", required=True
    )
    _add_check(commands)
    _add_convert(commands)
    _add_shards(commands)
    _add_words(commands)
    arguments = top.parse_args()
    try:
        return int(arguments.run(arguments))
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        print(f"python -m data {arguments.command}: {sentence(error)}", file=sys.stderr)
    return 2


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="count the contents of record files or clip lists and find what is unusable",
        description="Report what record files contain (docs/data.md describes the format): their "
        "media, their lengths, and every unusable line with the reason; or what lists of labeled "
        "clips contain (data/clips/lists.py), or a folder of class folders. Exits with 1 if there "
        "is a problem.",
        epilog="example: python -m data check mine/records.jsonl --decode",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="JSONL or tar files of records; or lists of clips, or a folder of class folders",
    )
    parser.add_argument(
        "--data-root", type=Path, metavar="DIR", help="of clips: where they are, if not by the list"
    )
    parser.add_argument(
        "--classes", type=Path, metavar="FILE", help="of clips: the class names, one a line"
    )
    parser.add_argument(
        "--model",
        default="embedded",
        help="the model whose tokens are counted: a folder or a repository on huggingface.co",
    )
    parser.add_argument("--frames", type=int, help="frames per clip (default: the model's)")
    parser.add_argument("--looks", type=int, help="looks per picture (default: the model's)")
    parser.add_argument("--max-tiles", type=int, default=1, help="tiles per picture (default: 1)")
    parser.add_argument(
        "--max-length",
        type=int,
        metavar="TOKENS",
        help="report longer records; a recipe's `max_length` (default: the model's context)",
    )
    parser.add_argument(
        "--decode",
        action="store_true",
        help="decode all media instead of reading only their headers",
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="time limit per media file (default: 30)"
    )
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument(
        "--all", action="store_true", help="print every problem, not just the first 20"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    kinds = {is_clip_list(path) for path in arguments.files}
    if len(kinds) > 1:
        raise ValueError("check files of records and lists of clips by a command each")
    return _check_clips(arguments) if True in kinds else _check_records(arguments)


def _check_clips(arguments: argparse.Namespace) -> int:
    options = (arguments.decode, arguments.seconds, arguments.workers)
    found = check_clips(arguments.files, arguments.data_root, arguments.classes, *options)
    if arguments.json:
        print(printable(json.dumps(clips_as_json(found), indent=1, ensure_ascii=False)))
    else:
        print(printable(format_clips(found, arguments.all)))
    return 1 if found.problems else 0


def _check_records(arguments: argparse.Namespace) -> int:
    folder = sources.resolve(arguments.model)
    processor = sources.load_processor(folder)
    context = sources.config_of(folder).get_text_config().max_position_embeddings
    max_length = context if arguments.max_length is None else arguments.max_length
    if max_length < 1:
        raise ValueError("--max-length must be at least 1")
    prompt = processor.prompt_config
    draw = Draw(arguments.looks or prompt.looks, arguments.frames or prompt.default_frames)
    options = CheckOptions(
        LengthEstimator(processor, arguments.max_tiles),
        draw,
        arguments.decode,
        arguments.seconds,
        min(max_length, context),
    )
    findings = check(arguments.files, options, arguments.workers)
    if arguments.json:
        print(printable(json.dumps(as_json(findings), indent=1, ensure_ascii=False)))
    else:
        looks, frames = plural(draw.looks or 0, "look"), plural(draw.num_frames, "frame")
        measured = f"as {arguments.model} reads it ({looks} per picture, at most {frames} per clip)"
        print(printable(format_report(findings, measured, arguments.all)))
    return 1 if findings.problems else 0


def _add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "convert",
        help="convert LLaVA, ShareGPT, OpenAI, trl, ms-swift or InternVL data to records",
        description="Convert a file of another format to a file of records. Conversations without "
        "a counterpart are left out and listed with the reason, here and next to the records in "
        f"*{LEFT_OUT}. Exits with 1 if any was left out.",
        epilog="example: python -m data convert llava.json mine/records.jsonl --media mine/images",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="JSON or JSONL")
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="JSONL, or a folder if there are several"
    )
    parser.add_argument(
        "--from", dest="format", choices=FORMATS, default="", help="default: detected from the file"
    )
    parser.add_argument(
        "--media", type=Path, metavar="DIR", help="folder of the media (default: that of IN)"
    )
    parser.add_argument(
        "--copy-media",
        action="store_true",
        help="copy media from elsewhere below OUT's folder (as links where the disk allows it)",
    )
    parser.set_defaults(run=_convert)


def _convert(arguments: argparse.Namespace) -> int:
    results = convert(
        arguments.source, arguments.out, arguments.format, arguments.media, arguments.copy_media
    )
    for result in results:
        _print_result(result)
    if len(results) > 1:
        print("\nFor a recipe, with the repeat counts of the list:\ndata:")
        for result in results:
            weight = result.num_records * result.repeat
            print(f"  - {{path: {result.path.name}, weight: {weight:g}}}")
    return 1 if any(result.left_out for result in results) else 0


def _add_shards(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "shards",
        help="pack records and media into tar files, for sets too large for single files",
        description="Write records and their media into tar files in webdataset's layout. A "
        "recipe names them as `path: OUT/NAME-{000000..000099}.tar`. Shuffle the records first: "
        "training shuffles them within a buffer only.",
        epilog="example: python -m data shards mine/records.jsonl mine/shards --name train",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="JSONL of records")
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder")
    parser.add_argument("--name", default="train", help="prefix of the tar files (default: train)")
    parser.add_argument(
        "--per-shard", type=int, default=1000, help="records per tar file (default: 1000)"
    )
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
    print(f"{plural(len(records), 'record')} in {plural(len(done), 'tar file')}; for a recipe:")
    print(f"  - {{path: {path}, weight: 1}}")
    return 0


def _add_words(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "words",
        help="add what the experts find in pictures and videos, in words",
        description="Write records with the lines that the chat gives a model beside its visual "
        "tokens: what a classifier, a detector and a reader find. Tune a model that reads such "
        "lines on records that have them.",
        epilog="example: python -m data words mine/records.jsonl mine/with-words.jsonl",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="JSONL of records")
    parser.add_argument("out", type=Path, metavar="OUT", help="JSONL, in the folder of IN")
    add_experts(parser, default=",".join(NAMES), otherwise="all")
    parser.add_argument("--frames", type=int, default=8, help="frames of a video (default: 8)")
    parser.set_defaults(run=_words)


def _words(arguments: argparse.Namespace) -> int:
    if arguments.out.resolve().parent != arguments.source.resolve().parent:
        raise ValueError("OUT must be in the folder of IN: paths of media are relative to it")
    if arguments.frames < 1:
        raise ValueError("--frames must be at least 1")
    experts = shipped_experts(expert_names(arguments.experts) or ())
    num_media = add_words(arguments.source, arguments.out, experts, arguments.frames)
    print(f"{printable(str(arguments.out))}: words for {plural(num_media, 'file')}")
    return 0


def _print_result(result: Converted) -> None:
    total = result.num_records + len(result.left_out)
    found = f"{result.num_records:,} of {plural(total, 'conversation')}"
    print(f"{printable(str(result.path))}: {found} converted from {result.format}.")
    if result.num_opened:
        print(
            f"  {plural(result.num_opened, 'conversation')} opened by the assistant: converted "
            "from the first question on"
        )
    for where, why in result.left_out[:MAX_LEFT_OUT]:
        print(f"  left out: {where}: {why}")
    if len(result.left_out) > MAX_LEFT_OUT:
        print(f"  ... and {len(result.left_out) - MAX_LEFT_OUT:,} more")
    if result.left_out:
        listed = result.path.with_name(result.path.stem + LEFT_OUT)
        print(f"  full list: {printable(str(listed))}")


if __name__ == "__main__":
    end(main)
