"""The commands for data sets: `python -m data check`, `convert`, `shards`, `words`."""

import sys

from data.options import parser
from vlm.ending import end, sentence


def main() -> int:
    """Returns 0 without problems, 1 with problems, 2 for a wrong command."""
    arguments = parser().parse_args()
    try:
        from data.commands import COMMANDS  # imported late: torch takes seconds

        return COMMANDS[arguments.command](arguments)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        print(f"python -m data {arguments.command}: {sentence(error)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    end(main)
