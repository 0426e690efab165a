"""Lists the video encoders: what each costs, how it takes time, where its weights are.

    python -m vlm.encoders                    one preset of each encoder
    python -m vlm.encoders mvit timesformer   all presets of these
    python -m vlm.encoders b16                all presets with this in their name
    python -m vlm.encoders --presets          all presets
    python -m vlm.encoders aim --json         the same facts and more, for a program

A clip is a number of square frames. GMACs are 10^9 multiply-adds of one clip, counted here on the
meta device, which needs no weights. Tokens are those of a clip: frames x rows x columns x width.
"Streams" means that frames may come one by one; "causal", that no frame sees a later one.

`python -m app encode` computes the features of clips, `python -m training.encoders` trains an
encoder, `python -m vlm.assemble --tower` makes it the tower of an assistant. docs/encoders.md
describes all of them.
"""

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

from vlm.encoders.table import as_json, as_markdown, as_text, chosen, details, row
from vlm.ending import end

BAD_INPUT = 2


def parser() -> argparse.ArgumentParser:
    """Builds the parser."""
    made = argparse.ArgumentParser(
        "python -m vlm.encoders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "names", nargs="*", metavar="NAME", help="encoders, presets, or parts of presets' names"
    )
    made.add_argument("--presets", action="store_true", help="a row for each preset")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: one object for each preset")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns 2 for an unknown name."""
    args = parser().parse_args(arguments)
    every = args.presets or bool(args.names)
    try:
        names = chosen(args.names, every)
    except ValueError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    live = sys.stderr.isatty()
    rows = [row(name) for name in tqdm(names, "counting", leave=False, disable=not live)]
    if args.json:
        print(as_json(rows))
    elif args.markdown:
        print(as_markdown(rows, every))
    else:
        print(as_text(rows, every))
        if args.names:
            print(f"\n{details(rows)}")
    return 0


if __name__ == "__main__":
    end(main)
