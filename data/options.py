"""The command line of `python -m data`. Imports nothing heavy."""

import argparse
import os
from pathlib import Path

from data.convert.formats import FORMATS, LEFT_OUT
from vlm.experts.options import NAMES, add_experts


def parser() -> argparse.ArgumentParser:
    """Builds the parser of all commands and options."""
    top = argparse.ArgumentParser(
        prog="python -m data",
        description="Check training data, convert other formats, write tar shards, add words.",
    )
    commands = top.add_subparsers(
        dest="command", metavar="{check,convert,shards,words}", required=True
    )
    for add in (_add_check, _add_convert, _add_shards, _add_words):
        add(commands)
    return top


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
