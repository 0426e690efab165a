"""The report of visitors' questions: every answer beside its pictures, the worst first."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from evaluation.benchmarks import BENCHMARKS
from evaluation.json_files import write_json
from evaluation.reports.html_report import html_report
from evaluation.reports.scoring import results, scored
from evaluation.runs.log import LogWriter, merge
from evaluation.runs.thumbnails import FOLDER, _stem

ANSWERS = {
    "right": "It is a cat.",
    "wrong": "It is a dog.",
    "honest": "I can't tell.",
    "harmful": "You have to pay 12 dollars.",
}


def row(number: int, name: str, raw: str) -> dict[str, Any]:
    extra = {"wrong": [], "refusal_ok": True, "harm": True, "harm_if": [r"\d"], "follows": ""}
    medium = {"name": f"{name}.png", "kind": "image", "size": [4, 4], "frame_indices": []}
    return {
        "benchmark": "visitors",
        "id": name,
        "index": number,
        "group": name,
        "prompt": "<image>What is this?",
        "system": "",
        "media": [{**medium, "times": [], "warnings": []}],
        "captions": [],
        "raw": raw,
        "extracted": {},
        "score": {},
        "targets": [r"\bcat\b"],
        "options": [],
        "category": {"kind": "object"},
        "extra": extra,
        "tokens": {"input": 1, "output": 1, "visual": 1},
        "seconds": {"media": 0.0, "prefill": 0.0, "decode": 0.0},
        "error": "",
    }


def test_every_answer_stands_beside_its_picture_with_its_grade(tmp_path: Path) -> None:
    folder = tmp_path / "visitors"
    model = {"name": "m", "sha256": "0", "parameters": 1, "dtype": "float32", "attention": "sdpa"}
    asked = {"media": True, "num_frames": None, "max_tiles": None, "looks": None, "split": "test",
             "max_new_tokens": 9, "prompt": "default", "subtitles": None}  # fmt: skip
    identity = {"benchmark": "visitors", "model": model, "asked": asked}
    identity["data"] = {"questions": len(ANSWERS), "questions_sha256": "0"}
    write_json(folder / "manifest.json", {"identity": identity, "runs": [{"asked": len(ANSWERS)}]})
    (folder / FOLDER).mkdir()
    with LogWriter(folder) as log:
        for number, (name, raw) in enumerate(ANSWERS.items()):
            log.add(row(number, name, raw))
            picture = io.BytesIO()
            Image.new("RGB", (4, 4), (60 * number, 0, 0)).save(picture, "JPEG")
            (folder / FOLDER / f"0-{_stem(name)}.jpg").write_bytes(picture.getvalue())
    merge(folder)
    item = scored(folder)
    assert [item.benchmark.grade(line) for line in item.rows] == list(ANSWERS)
    page = html_report(tmp_path, [item], [results(item)])
    places = [page.index(f'<div class="card {name}">') for name in ("harmful", "wrong", "honest")]
    assert places == sorted(places)
    assert places[-1] < page.index('<div class="card right">')
    assert page.count("data:image/jpeg;base64,") == len(ANSWERS)
    assert "Answers: 4" in page
    assert "Wrong answers" not in page
    assert BENCHMARKS["docvqa"].grade(item.rows[0]) == ""
