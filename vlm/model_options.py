"""The command line options that choose a model and how it is loaded, for every command.

Nothing heavy is imported here, so `--help` answers at once.
"""

import argparse
import os
from typing import Any

DTYPES = ("float32", "bfloat16", "float16")


def add_model_options(group: "argparse._ArgumentGroup | argparse.ArgumentParser") -> None:
    """Adds --model, --dtype, --device, --quantize, --device-map, --context, --anyway."""
    group.add_argument(
        "--model",
        default="embedded",
        metavar="NAME",
        help="a folder, or a repository on huggingface.co such as OpenGVLab/PVC-InternVL2-8B"
        " (default: the embedded model)",
    )
    group.add_argument(
        "--dtype", choices=DTYPES, help="number format (default: the machine's fastest)"
    )
    group.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, cuda:1, mps (default: the first GPU, else cpu)"
    )
    group.add_argument(
        "--quantize",
        choices=("8bit", "4bit"),
        help="quantize the language model's weights",
    )
    group.add_argument(
        "--device-map",
        choices=("auto",),
        help="spread the language model over all GPUs, memory and disk",
    )
    group.add_argument(
        "--context",
        type=int,
        metavar="N",
        help="tokens in a conversation (default: the model's maximum)",
    )
    group.add_argument(
        "--anyway", action="store_true", help="load the model even if its weights do not fit"
    )


def add_threads(group: "argparse._ArgumentGroup | argparse.ArgumentParser") -> None:
    """Adds --threads."""
    group.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all cores)")


def limit_threads(threads: int | None) -> None:
    """Sets the thread count; must run before torch is imported, which reads it once.

    Raises ValueError if it is not positive.
    """
    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads is {threads}; it must be 1 or more.")
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)


def model_options(args: argparse.Namespace) -> dict[str, Any]:
    """Returns keyword arguments for `Assistant.load`. Raises ValueError for impossible values."""
    import torch

    from vlm.fit.verdict import MediaOptions

    if args.context is not None and args.context < 1:
        raise ValueError(f"--context is {args.context}; it must be 1 or more.")
    return {
        "dtype": getattr(torch, args.dtype) if args.dtype else None,
        "device": args.device,
        "quantize": args.quantize,
        "device_map": args.device_map,
        "context": args.context,
        "anyway": args.anyway,
        "media_options": MediaOptions(*_media_options(args)),
    }


def _media_options(args: argparse.Namespace) -> tuple[str, str]:
    """Returns the options for frames and tiles of this command, empty if it has none."""
    if not hasattr(args, "frames"):
        return "", ""
    return "--frames", "--max-tiles" if hasattr(args, "max_tiles") else "--tiles"
