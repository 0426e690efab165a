"""Toy sets of images: AI2D, MMBench, OCRBench."""

import base64
import csv
from pathlib import Path
from typing import Any

from evaluation.toy.media import disc, packed, page, write_parquet

MILLION = 1_000_000
KINDS = (
    ("Regular Text Recognition", "IIIT5K", "what is written in the image?", "CENTRE"),
    ("Scene Text-centric VQA", "STVQA", "What does the sign say?", "No entry"),
    (
        "Handwritten Mathematical Expression Recognition",
        "HME100k",
        "Please write out the expression of the formula in the image using LaTeX format.",
        "x ^ { 2 } + 1",
    ),
)


def toy_ai2d(folder: Path, original: bool) -> None:
    """Two questions about one diagram."""
    picture = packed(page(["A: root", "B: stem", "C: leaf"]), "17.png")
    rows = [
        {
            "question": f"Which letter stands for the {part}?",
            "options": ["root", "A", "B", "C"],
            "answer": str(position),
            "image": picture,
        }
        for part, position in (("stem", 2), ("leaf", 3))
    ]
    write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def toy_mmbench(folder: Path, original: bool) -> None:
    """Two questions with different numbers of options, in all rotations."""
    rows: list[dict[str, Any]] = []
    questions = (("red", ["red", "blue", "green"], 241), ("blue", ["yellow", "blue"], 252))
    for answer, choices, index in questions:
        for turn in range(len(choices)):
            turned = choices[turn:] + choices[:turn]
            rows.append(
                {
                    "index": index + turn * MILLION,
                    "question": "Which colour has the disc?",
                    "hint": "There is one disc." if index == 241 else "nan",
                    **{
                        letter: turned[position] if position < len(turned) else "nan"
                        for position, letter in enumerate("ABCD")
                    },
                    "answer": "ABCD"[turned.index(answer)],
                    "category": "attribute_recognition",
                    "l2-category": "finegrained_perception",
                    "source": "toy",
                    "split": "dev",
                    "image": packed(disc(answer), f"{index}.png"),
                }
            )
    if not original:
        for row in rows:
            row["L2-category"] = row.pop("l2-category")
        write_parquet(folder / "en" / "dev-00000-of-00001.parquet", rows)
        return
    with (folder / "MMBench_DEV_EN.tsv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        table.writeheader()
        for row in rows:
            plain = {key: "" if value == "nan" else value for key, value in row.items()}
            # A rotation refers to the image of the unrotated row.
            first = row["index"] < MILLION
            picture = base64.b64encode(row["image"]["bytes"]).decode() if first else ""
            table.writerow({**plain, "image": picture or row["index"] % MILLION})


def toy_ocrbench(folder: Path, original: bool) -> None:
    """A word, a sign and a formula."""
    rows = [
        {
            "dataset": dataset,
            "question": question,
            "question_type": kind,
            "answer": [answer],
            "image": packed(page([answer], (240, 80)), f"{number}.png"),
        }
        for number, (kind, dataset, question, answer) in enumerate(KINDS)
    ]
    write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)
