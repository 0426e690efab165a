"""Prints or writes records of the experts' findings: `python -m data.embedded.findings`.

sample prints examples of every world; write makes JSONL in the format of data/records.py; grade
counts right, honest and wrong answers to such a file. ANSWERS is a JSONL file of {"id", "answers"}.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from data.embedded.findings.examples import example_to_json, examples
from data.embedded.findings.exchange import Turn
from data.embedded.findings.grading import grade_file, table
from data.embedded.findings.prompt import user_text
from data.embedded.findings.stand_ins import StandIns
from data.records import part_to_json, write_records
from vlm.ending import end


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m data.embedded.findings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    sample = commands.add_parser("sample", help="print examples")
    write = commands.add_parser("write", help="write a JSONL file")
    write.add_argument("out", type=Path)
    write.add_argument(
        "--stand-ins", type=Path, metavar="DIR", help="a folder of media, beside OUT, for the words"
    )
    for command, num in ((sample, 20), (write, 500)):
        command.add_argument("--num", type=int, default=num)
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--held", action="store_true", help="names and phrasings of scoring")
    sample.add_argument("--world", help="only examples of this world, such as page")
    score = commands.add_parser("grade", help="grade answers to a written file")
    score.add_argument("records", type=Path)
    score.add_argument("answers", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "grade":
        print(table(grade_file(arguments.records, arguments.answers)))
    elif arguments.command == "write":
        _write(arguments.out, arguments.num, arguments.seed, arguments.held, arguments.stand_ins)
    else:
        _sample(arguments.num, arguments.seed, arguments.held, arguments.world)


def _write(out: Path, num: int, seed: int, held: bool, stand_ins: Path | None) -> None:
    made = list(examples(num, seed, held))
    split = "held" if held else "train"
    content: Callable[[Turn], Any] = user_text
    if stand_ins is not None:
        media = StandIns(stand_ins)
        rng = Random(f"stand-ins {seed}")

        def content(turn: Turn) -> Any:
            return [part_to_json(part, out.parent) for part in media.parts(turn, rng)]

    lines = (
        example_to_json(x, f"findings-{split}-{seed}-{i}", content) for i, x in enumerate(made)
    )
    count = write_records(out, lines)
    kinds = Counter(turn.exchange.kind for x in made for turn in x.turns)
    print(f"{count} records in {out}: {', '.join(f'{n} {k}' for k, n in kinds.most_common())}")


def _sample(num: int, seed: int, held: bool, world: str | None) -> None:
    shown = 0
    for index, example in enumerate(examples(200 * num if world else num, seed, held)):
        if world and example.world != world:
            continue
        shown += 1
        print(f"--- {index} {example.world}")
        for turn in example.turns:
            print(user_text(turn))
            print(f"    [{turn.exchange.kind}] {turn.exchange.answer}")
        if shown == num:
            break


if __name__ == "__main__":
    end(main)
