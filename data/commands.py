"""What the commands of `python -m data` do, from their parsed arguments to the exit code."""

import argparse
import json

from tqdm import tqdm

from data.checks.check import CheckOptions, check
from data.checks.clips import check_clips, clips_as_json, format_clips, is_clip_list
from data.checks.report import as_json, format_report
from data.convert.formats import LEFT_OUT
from data.convert.run import Converted, convert
from data.json_text import printable
from data.samples.dataset import Draw
from data.samples.token_lengths import LengthEstimator
from data.sources.record_file import RecordFile
from data.sources.shard_writer import write_shards
from data.words import add_words
from vlm.experts.expert_words import shipped_experts
from vlm.experts.options import expert_names
from vlm.plural import plural
from vlm.weights import sources

MAX_LEFT_OUT = 20  # conversations that are printed with the reason


def run_check(arguments: argparse.Namespace) -> int:
    """Checks files of records, or lists of clips; returns 1 if there are problems."""
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


def run_convert(arguments: argparse.Namespace) -> int:
    """Converts a file of another format; returns 1 if a conversation was left out."""
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


def run_shards(arguments: argparse.Namespace) -> int:
    """Writes records and their media into tar files."""
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


def run_words(arguments: argparse.Namespace) -> int:
    """Writes records with the experts' words."""
    if arguments.out.resolve().parent != arguments.source.resolve().parent:
        raise ValueError("OUT must be in the folder of IN: paths of media are relative to it")
    if arguments.frames < 1:
        raise ValueError("--frames must be at least 1")
    experts = shipped_experts(expert_names(arguments.experts) or ())
    num_media = add_words(arguments.source, arguments.out, experts, arguments.frames)
    print(f"{printable(str(arguments.out))}: words for {plural(num_media, 'file')}")
    return 0


COMMANDS = {
    "check": run_check,
    "convert": run_convert,
    "shards": run_shards,
    "words": run_words,
}
