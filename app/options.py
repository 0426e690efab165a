"""The options that several commands of `python -m app` share. Imports nothing heavy."""

import argparse

from vlm.experts.options import add_expert_options
from vlm.llamacpp.options import add_engine_options
from vlm.model_options import add_model_options, add_threads


def add_model_group(command: argparse.ArgumentParser) -> None:
    """Adds the options that choose the model, its engine and its experts."""
    group = command.add_argument_group("model")
    add_model_options(group)
    add_engine_options(group)
    add_expert_options(group)
    add_threads(group)


def add_answer_group(command: argparse.ArgumentParser) -> None:
    """Adds the options of an answer: what the model sees, length, sampling."""
    group = command.add_argument_group("answer")
    group.add_argument(
        "--frames", type=int, metavar="N", help="frames per video (default: what fits)"
    )
    group.add_argument(
        "--looks", type=int, metavar="N", help="looks per image (default: what fits)"
    )
    group.add_argument(
        "--tiles", type=int, metavar="N", help="tiles per large image (default: what fits)"
    )
    group.add_argument(
        "--length",
        type=int,
        default=256,
        metavar="N",
        help="maximum answer length in tokens (default 256)",
    )
    group.add_argument(
        "--temperature",
        type=float,
        metavar="X",
        help="sampling temperature; 0 takes the most likely word (default: the model's own)",
    )
    group.add_argument("--seed", type=int, metavar="N", help="seed for reproducible sampling")
