"""Measures speed and memory, prints the tables and writes benchmarks/results.md."""

import argparse
import importlib
import sys
import time
from pathlib import Path

import torch
import transformers

from benchmarks.against import compare
from vlm.ending import end
from vlm.fit.hardware import cpu_name
from vlm.unknown_name import did_you_mean

NAMES = (
    "decode", "reading", "looks", "live", "tower", "chat", "engine", "loading", "memory", "training"
)  # fmt: skip
RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)} (default: all)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small inputs and few rounds; does not write results"
    )
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help="compare with another commit instead, on small inputs: both take turns, section by"
        " section",
    )
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        near = did_you_mean(min(unknown), NAMES)
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}{near}")
    if args.against:
        try:
            sys.stdout.write("\n".join(compare(args.names or NAMES, args.against)))
        except ValueError as error:
            parser.error(str(error))
        return
    lines = [
        "# Speed and memory",
        "",
        f"Written by `python -m benchmarks` on {machine()}.",
        "Medians; compared variants were measured in alternation, in one run.",
        "",
    ]
    for name in args.names or NAMES:
        started = time.perf_counter()
        part = importlib.import_module(f"benchmarks.{name}").run(args.quick)
        sys.stdout.write("\n".join(part) + "\n")
        sys.stdout.flush()
        sys.stderr.write(f"{name}: {time.perf_counter() - started:.0f} s\n")
        lines += [line.rstrip() for line in part]
    if not args.quick and not args.names:
        RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def machine() -> str:
    """The CPU, its instruction set and threads, and the versions of torch and transformers."""
    return (
        f"{cpu_name()} ({instruction_set()}), {torch.get_num_threads()} threads,"
        f" torch {torch.__version__}, transformers {transformers.__version__}"
    )


def instruction_set() -> str:
    """The widest vectors that torch uses here, and what multiplies numbers of 8 and 16 bits."""
    known = torch.cpu.get_capabilities()
    extra = [name for name in ("avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "bf16")
             if known.get(name, False)]  # fmt: skip
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *extra])


if __name__ == "__main__":
    end(main)
