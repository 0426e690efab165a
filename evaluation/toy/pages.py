"""Toy sets of pages and photographs with text: DocVQA, InfographicVQA, ChartQA, TextVQA."""

import json
from pathlib import Path
from typing import Any

from evaluation.toy.media import chart, packed, page, write_parquet

PAGES = {
    "toyf0001": (["Invoice 4821", "Date: 3 May 1991", "Total: $ 12.40"], "letter"),
    "toyf0002": (["Memo", "To: R. Miller", "Room 17"], "form"),
}
QUESTIONS = {
    "toyf0001": (
        ("What is the number of the invoice?", ["4821"]),
        ("What is the total?", ["$ 12.40", "12.40"]),
    ),
    "toyf0002": (("To whom is the memo?", ["R. Miller", "Miller"]), ("Which room?", ["17"])),
}


def toy_docvqa(folder: Path, original: bool) -> None:
    """Two pages; the answers of the test split are not public."""
    for split, first in (("validation", 49153), ("test", 57343)):
        rows: list[dict[str, Any]] = []
        for document, questions in QUESTIONS.items():
            for question, answers in questions:
                rows.append(
                    {
                        "questionId": str(first + len(rows)),
                        "question": question,
                        "question_types": [PAGES[document][1]],
                        "image": packed(page(PAGES[document][0]), f"{document}_1.png"),
                        "docId": int(document[-1]),
                        "ucsf_document_id": document,
                        "ucsf_document_page_no": "1",
                        "answers": answers if split == "validation" else None,
                        "data_split": "val" if split == "validation" else "test",
                    }
                )
        if not original:
            write_parquet(folder / "DocVQA" / f"{split}-00000-of-00001.parquet", rows)
            continue
        for row in rows:
            row["questionId"] = int(row["questionId"])
            _unpack(row, folder, "documents")
            if split == "test":
                del row["answers"]
        short = {"validation": "val_v1.0_withQT", "test": "test_v1.0"}[split]
        _write_json(folder / f"{short}.json", "docvqa", rows)


def toy_infovqa(folder: Path, original: bool) -> None:
    """One tall image."""
    lines = ["THE YEAR IN NUMBERS", "Trees planted: 300", "Bicycles: 45 %", "Cars: 30 %"]
    picture = page(lines, (260, 700))
    for split, first in (("validation", 98313), ("test", 115000)):
        questions = (("How many trees were planted?", ["300"]), ("Which share has cars?", ["30 %"]))
        rows: list[dict[str, Any]] = [
            {
                "questionId": str(first + number),
                "question": question,
                "answers": answers if split == "validation" else None,
                "answer_type": ["single span"],
                "image": packed(picture, "30001.jpeg"),
                "image_url": "https://example.org/30001",
                "operation/reasoning": [""],
                "ocr": "[]",
                "data_split": "val" if split == "validation" else "test",
            }
            for number, (question, answers) in enumerate(questions)
        ]
        if not original:
            write_parquet(folder / "InfographicVQA" / f"{split}-00000-of-00001.parquet", rows)
            continue
        for row in rows:
            row["questionId"] = int(row["questionId"])
            _unpack(row, folder, "infographicsvqa_images")
            row["image_local_name"] = Path(row.pop("image")).name
        short = {"validation": "infographicsVQA_val_v1.0_withQT"}.get(
            split, "infographicsVQA_test_v1.0"
        )
        _write_json(folder / f"{short}.json", "infographicVQA", rows)


def toy_chartqa(folder: Path, original: bool) -> None:
    """One chart with two human-written questions and one with two generated ones."""
    charts = {
        "human": (
            {"Oslo": 90, "Rome": 120, "Lima": 40},
            (("Which city has most?", "Rome"), ("How much has Lima?", "40")),
        ),
        "augmented": (
            {"2019": 50, "2020": 100},
            (("What was the value in 2020?", "100"), ("Did it grow from 2019?", "Yes")),
        ),
    }
    rows: list[dict[str, Any]] = [
        {
            "type": f"{half}_test",
            "question": question,
            "answer": answer,
            "image": packed(chart(values), f"{half}.png"),
        }
        for half, (values, questions) in charts.items()
        for question, answer in questions
    ]
    if not original:
        write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)
        return
    (folder / "png").mkdir()
    for half in charts:
        mine = [row for row in rows if row["type"] == f"{half}_test"]
        (folder / "png" / f"{half}.png").write_bytes(mine[0]["image"]["bytes"])
        listed = [
            {"imgname": f"{half}.png", "query": row["question"], "label": row["answer"]}
            for row in mine
        ]
        (folder / f"test_{half}.json").write_text(json.dumps(listed))


def toy_textvqa(folder: Path, original: bool) -> None:
    """Two stand-ins for photographs, with ten answers each."""
    questions = (
        ("what is the brand of this camera?", "Dakota", ["dakota"] * 8 + ["dakota digital"] * 2),
        ("How many miles to NASA?", "NASA 2 mi", ["2"] * 6 + ["two"] * 3 + ["unanswerable"]),
    )
    rows: list[dict[str, Any]] = [
        {
            "image_id": f"toy{number:013d}",
            "question_id": 34602 + number,
            "question": question,
            "image": packed(page([seen], (240, 80)), f"toy{number:013d}.jpg"),
            "ocr_tokens": seen.split(),
            "answers": answers,
        }
        for number, (question, seen, answers) in enumerate(questions)
    ]
    if not original:
        write_parquet(folder / "data" / "validation-00000-of-00001.parquet", rows)
        return
    (folder / "train_images").mkdir()
    for row in rows:
        name = f"{row['image_id']}.jpg"
        (folder / "train_images" / name).write_bytes(row.pop("image")["bytes"])
    _write_json(folder / "TextVQA_0.5.1_val.json", "textvqa", rows)


def _unpack(row: dict[str, Any], folder: Path, subfolder: str) -> None:
    """Writes a row's image to a file and stores the file name in the row."""
    picture = row["image"]
    (folder / subfolder).mkdir(exist_ok=True)
    (folder / subfolder / picture["path"]).write_bytes(picture["bytes"])
    row["image"] = f"{subfolder}/{picture['path']}"


def _write_json(path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps({"dataset_name": name, "dataset_version": "1.0", "data": rows}))
