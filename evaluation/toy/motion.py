"""Toy sets of motion and time: MotionBench, TempCompass, TimeLens, OVO-Bench."""

import json
from pathlib import Path
from typing import Any

from evaluation.json_files import write_json
from evaluation.toy.media import write_parquet, write_video

COLORS = ("red", "blue", "green", "yellow")


def toy_motionbench(folder: Path, original: bool) -> None:
    """Two questions with answers and one without, about clips in two folders."""
    lines = []
    for number, (colors, place) in enumerate(
        [(("red", "blue"), "self-collected"), (("green", "yellow"), "public-dataset")]
    ):
        name = f"toyclip{number}.mp4"
        write_video(folder / place / name, colors)
        listed = "\n".join(f"{a}. {color}" for a, color in zip("ABCD", COLORS, strict=True))
        asked = [
            {
                "uid": f"uid-{number}",
                "start": None,
                "end": None,
                "question": f"Which colour does the square turn into?\n{listed}",
                "answer": "ABCD"[COLORS.index(colors[1])],
            }
        ]
        if number:
            asked.append({**asked[0], "uid": "uid-secret", "answer": "NA"})
        kind = ("Action Order", "Camera Motion")[number]
        lines.append(
            {"question_type": kind, "video_type": None, "key": f"toyclip{number}"}
            | {"video_path": name, "qa": asked}
        )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "video_info.meta.jsonl").write_text(text, encoding="utf-8")


def toy_tempcompass(folder: Path, original: bool) -> None:
    """Two videos, the second one backwards in its colors, with a question of each task."""
    asked: dict[str, list[dict[str, Any]]] = {}
    for video, (first, last) in {
        "1001": ("red", "blue"),
        "1001_reverse": ("blue", "red"),
    }.items():
        write_video(folder / "videos" / f"{video}.mp4", (first, last))
        letters = dict(zip(("red", "blue"), "AB", strict=True))
        about = {"video_id": video, "dim": "order"}
        asked.setdefault("multi-choice", []).append(
            {
                **about,
                "question": "Which colour comes last?\nA. red\nB. blue",
                "answer": f"{letters[last]}. {last}",
            }
        )
        asked.setdefault("yes_no", []).append(
            {
                **about,
                "question": "Does the square turn blue?",
                "answer": "yes" if last == "blue" else "no",
            }
        )
        sentences = ("The square turns red.", "The square turns blue.")
        options = [f"Option {i + 1}: {sentence}" for i, sentence in enumerate(sentences)]
        asked.setdefault("caption_matching", []).append(
            {
                **about,
                "question": "\n".join(["Which description fits the video?", *options]),
                "answer": options[("red", "blue").index(last)],
            }
        )
    for task, rows in asked.items():
        if not original:
            write_parquet(folder / task / "test-00000-of-00001.parquet", rows)
            continue
        found: dict[str, dict[str, list[dict[str, str]]]] = {}
        for row in rows:
            plain = {"question": row["question"], "answer": row["answer"]}
            found.setdefault(row["video_id"], {}).setdefault(row["dim"], []).append(plain)
        write_json(folder / "questions" / f"{task}.json", found)


def toy_timelens(folder: Path, original: bool) -> None:
    """One video in each of the three sets, with two events."""
    for name in ("charades", "activitynet", "qvhighlights"):
        write_video(folder / "videos" / name / f"toy{name}.mp4", ("red", "blue"))
        events = {
            "duration": 4.0,
            "spans": [[0.0, 2.0], [2.0, 4.0]],
            "queries": ["The square is red.", "The  square is blue"],
        }
        write_json(folder / f"{name}-timelens.json", {f"toy{name}": events})


def toy_ovobench(folder: Path, original: bool) -> None:
    """One film, asked back, now, and several times forward; `original`: in published pieces."""
    film = "toy/square.mp4"
    entries: list[dict[str, Any]] = [
        {
            "id": number,
            "task": task,
            "video": film,
            "realtime": moment,
            "question": question,
            "options": list(COLORS),
            "answer": color,
            "gt": COLORS.index(color),
        }
        for number, (task, moment, question, color) in enumerate(
            [
                ("EPM", 3.0, "Which colour had the square at first?", "red"),
                ("ATR", 1.0, "Which colour has the square?", "red"),
                ("ATR", 3, "Which colour has the square?", "blue"),
            ]
        )
    ]
    entries += [
        {"id": 3, "task": "CRR", "video": film, "question": "Which colour comes after red?"}
        | {"answer": "blue", "test_info": [{"realtime": t, "type": int(t > 2)} for t in (1, 3)]},
        {"id": 4, "task": "REC", "video": film, "activity": "change the colour"}
        | {"test_info": [{"realtime": t, "count": int(t > 2)} for t in (1, 4.0)]},
        {"id": 5, "task": "SSR", "video": film, "tutorial": "Paint"}
        | {"test_info": [{"realtime": 3, "step": "paint it blue", "type": 1}]},
    ]
    write_json(folder / "ovo_bench_new.json", entries)
    if not original:
        write_video(folder / "src_videos" / film, ("red", "blue"))
        return
    for entry in entries:
        moments = entry.get("test_info")
        names = [f"{entry['id']}_{i}" for i in range(len(moments))] if moments else [entry["id"]]
        for name, about in zip(names, moments or [entry], strict=True):
            seconds = float(about["realtime"])
            colors = ("red",) if seconds <= 2 else ("red", "blue")
            write_video(folder / "chunked_videos" / f"{name}.mp4", colors, seconds)
