"""The command line options that choose the experts.

Nothing heavy is imported here, so `--help` answers at once.
"""

import argparse

NAMES = ("kinds", "things", "shapes", "text")  # as in vlm.config.EXPERTS
NONE = "none"


def add_expert_options(group: "argparse._ArgumentGroup | argparse.ArgumentParser") -> None:
    """Adds --experts and --read-text."""
    add_experts(
        group, default=None, otherwise="those the model was trained with, and shapes beside things"
    )
    group.add_argument(
        "--read-text",
        action="store_true",
        help="read the text in pictures to the model too, which helps any model with pages",
    )


def add_experts(
    group: "argparse._ArgumentGroup | argparse.ArgumentParser", default: str | None, otherwise: str
) -> None:
    """Adds --experts; `otherwise` describes its default."""
    group.add_argument(
        "--experts",
        default=default,
        metavar="NAMES",
        help="what looks at each file: kinds (a classifier), things (a detector), shapes (of flat"
        f" drawings), text (a reader), divided by commas, or none (default: {otherwise})",
    )


def expert_names(given: str | None) -> tuple[str, ...] | None:
    """Returns the names that --experts lists, () for none, None if the option is missing.

    Raises ValueError for a name that no expert has.
    """
    if given is None:
        return None
    names = tuple(dict.fromkeys(name.strip().lower() for name in given.split(",")))
    if names == (NONE,):
        return ()
    for name in names:
        if name not in NAMES:
            choice = f"{', '.join(NAMES)}, or {NONE}"
            raise ValueError(f'--experts names "{name}"; there are {choice}.')
    return names
