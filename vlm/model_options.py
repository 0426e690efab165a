"""The options of a command line that name a model and say how it is held, for every command.

Nothing heavy is imported here, so that `--help` answers at once.
"""

import argparse
from typing import Any

DTYPES = ("float32", "bfloat16", "float16")


def add_model_options(group: "argparse._ArgumentGroup | argparse.ArgumentParser") -> None:
    """--model, --dtype, --device, --quantize, --device-map, --context, --anyway."""
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
        help="hold the language model's weights in fewer bits",
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
        help="tokens a conversation may hold (default: all the model can)",
    )
    group.add_argument(
        "--anyway", action="store_true", help="load it even if the weights do not fit"
    )


def model_options(args: argparse.Namespace) -> dict[str, Any]:
    """What `Assistant.load` and its kin are to be told, by name. ValueError for what cannot be."""
    import torch

    if args.context is not None and args.context < 1:
        raise ValueError(f"--context is {args.context}; it must be 1 or more.")
    return {
        "dtype": getattr(torch, args.dtype) if args.dtype else None,
        "device": args.device,
        "quantize": args.quantize,
        "device_map": args.device_map,
        "context": args.context,
        "anyway": args.anyway,
    }
