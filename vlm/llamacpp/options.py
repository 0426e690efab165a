"""The command line options of the engine. Nothing heavy is imported, so `--help` is instant."""

import argparse
from pathlib import Path
from typing import Any

TORCH, LLAMA_CPP = "torch", "llama.cpp"
GGUF = "language_model.gguf"  # in a model folder
TYPES = ("q8_0", "q6_k", "q5_k", "q4_k", "f16", "bf16", "f32")  # as in vlm.llamacpp.write


def add_engine_options(group: "argparse._ArgumentGroup | argparse.ArgumentParser") -> None:
    """Adds --engine, --gguf, --verify-engine."""
    group.add_argument(
        "--engine",
        choices=(TORCH, LLAMA_CPP),
        help="what computes the language model; llama.cpp is faster on a CPU and needs the package"
        " llama-cpp-python (default: torch, or llama.cpp for a folder with a GGUF file)",
    )
    group.add_argument(
        "--gguf",
        choices=TYPES,
        metavar="TYPE",
        help=f"number format of the weights for llama.cpp: {', '.join(TYPES)} (default q8_0)",
    )
    group.add_argument(
        "--verify-engine",
        action="store_true",
        help="first compare llama.cpp with torch on this model, and print the difference",
    )


def engine_options(args: argparse.Namespace) -> dict[str, Any]:
    """Returns keyword arguments for `Assistant.load`. Raises ValueError for impossible values."""
    if args.engine == TORCH and (args.gguf or args.verify_engine):
        option = "--gguf" if args.gguf else "--verify-engine"
        raise ValueError(f"{option} is an option of --engine llama.cpp.")
    engine = LLAMA_CPP if args.gguf or args.verify_engine else args.engine
    return {"engine": engine, "gguf": args.gguf}


def uses_llama(name: str | Path, engine: str | None) -> bool:
    """Returns whether llama.cpp computes. Raises ValueError if torch should read a GGUF file."""
    holds = (Path(name).expanduser() / GGUF).is_file()
    if holds and engine == TORCH:
        raise ValueError(f"{name} holds its language model as GGUF; leave out --engine torch.")
    return holds or engine == LLAMA_CPP
