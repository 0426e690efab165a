"""Toy sets of videos: Video-MME, MVBench, MLVU, LongVideoBench."""

import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evaluation.benchmarks.video.mvbench import TASKS
from evaluation.toy.media import encoded, video_frame, write_parquet, write_video

CHOICES = ("red", "blue", "green", "yellow")
VIDEOS = {
    "toy-first01": ("short", ("red", "blue"), ".mp4"),
    "toy-second2": ("medium", ("green", "yellow"), ".MP4"),
    "toy-third_3": ("long", ("blue", "red"), ".mp4"),
}


def srt(lines: list[tuple[str, str, str]]) -> str:
    """Formats subtitles with the markup of the release."""
    return "".join(
        f'{number}\n{start} --> {end}\n<font color="white" size=".72c">{line}</font>\n\n'
        for number, (start, end, line) in enumerate(lines, 1)
    )


def toy_videomme(folder: Path, original: bool) -> None:
    """Three videos with three questions each; the last has no subtitles."""
    rows = []
    for number, (video, (duration, colors, _)) in enumerate(VIDEOS.items(), 1):
        questions = (
            ("Which colour has the square at first?", colors[0], "Temporal Perception"),
            ("Which colour has the square at the end?", colors[1], "Temporal Perception"),
            ("Which colour does the square turn into?", colors[1], "Attribute Perception"),
        )
        for position, (question, answer, kind) in enumerate(questions, 1):
            rows.append(
                {
                    "video_id": f"{number:03d}",
                    "duration": duration,
                    "domain": "Knowledge" if number < 3 else "Multilingual",
                    "sub_category": "Technology" if number < 3 else "Multilingual",
                    "url": f"https://example.org/{video}",
                    "videoID": video,
                    "question_id": f"{number:03d}-{position}",
                    "task_type": kind,
                    "question": question,
                    "options": [
                        f"{letter}. {color.capitalize()}."
                        for letter, color in zip("ABCD", CHOICES, strict=True)
                    ],
                    "answer": "ABCD"[CHOICES.index(answer)],
                }
            )
    write_parquet(folder / "videomme" / "test-00000-of-00001.parquet", rows)
    subtitles = {}
    for video, (_, colors, _) in list(VIDEOS.items())[:2]:
        subtitles[f"{video}.srt"] = srt(
            [
                ("00:00:00,000", "00:00:01,500", f"Here is a {colors[0]} square."),
                ("00:00:01,500", "00:00:02,000", "It moves along."),
                ("00:00:02,000", "00:00:04,000", f"Now it is {colors[1]}, so it is."),
            ]
        )
    if original:
        for video, (_, colors, ending) in VIDEOS.items():
            write_video(folder / "data" / f"{video}{ending}", colors)
        (folder / "subtitle").mkdir()
        for name, text in subtitles.items():
            (folder / "subtitle" / name).write_text(text, encoding="utf-8")
        return
    with TemporaryDirectory() as unpacked:
        for number, (video, (_, colors, ending)) in enumerate(VIDEOS.items()):
            write_video(Path(unpacked) / f"{video}{ending}", colors)
            chunk = folder / f"videos_chunked_{1 + number // 2:02d}.zip"
            with zipfile.ZipFile(chunk, "a") as archive:
                archive.write(Path(unpacked) / f"{video}{ending}", f"data/{video}{ending}")
    with zipfile.ZipFile(folder / "subtitle.zip", "w") as archive:
        for name, text in subtitles.items():
            archive.writestr(f"subtitle/{name}", text)


def toy_mvbench(folder: Path, original: bool) -> None:
    """Three tasks: whole videos, segments of videos, and folders of frames."""
    (folder / "json").mkdir()
    for task in ("action_antonym", "action_sequence", "episodic_reasoning"):
        folders, is_segment = TASKS[task]
        rows = []
        for number in range(2):
            name = f"{task}{number}" + ("" if task == "episodic_reasoning" else ".mp4")
            path = folder / "video" / folders[0] / name
            colors = ("red", "blue") if number else ("green", "yellow")
            if task == "episodic_reasoning":
                path.mkdir(parents=True)
                for position in range(12):  # numbered from 1
                    frame = video_frame(colors[position // 6], position / 12)
                    (path / f"{position + 1:05d}.jpg").write_bytes(encoded(frame, "JPEG"))
            else:
                write_video(path, colors)
            row: dict[str, object] = {
                "video": name,
                "question": "Which colour has the square?",
                "candidates": ["red", "blue", "green"][: 3 - number] + ["yellow"],
                "answer": colors[1],
            }
            if is_segment:
                row |= {"start": 2.0, "end": 3.9}
            rows.append(row)
        (folder / "json" / f"{task}.json").write_text(json.dumps(rows))


def toy_mlvu(folder: Path, original: bool) -> None:
    """Two tasks of the dev split with unequal numbers of questions, and a test split."""
    root = folder / "MLVU"
    for task, count in (("1_plotQA", 3), ("4_count", 1)):
        rows = []
        for number in range(count):
            write_video(root / "video" / task / f"{task}_{number}.mp4", ("red", "blue"))
            rows.append(
                {
                    "video": f"{task}_{number}.mp4",
                    "duration": 4.0,
                    "question": "Which colour has the square at the end?",
                    "candidates": list(CHOICES),
                    "answer": "blue",
                    "question_type": task.split("_", 1)[1],
                }
            )
        (root / "json").mkdir(exist_ok=True)
        (root / "json" / f"{task}.json").write_text(json.dumps(rows))
    test = folder / "MLVU_Test"
    write_video(test / "video" / "test_tutorial_1.mp4", ("green", "red"))
    question = {
        "video": "test_tutorial_1.mp4",
        "duration": 4.0,
        "question": "Which colour has the square at first?",
        "candidates": [*CHOICES, "black", "white"],
        "question_type": "tutorialQA",
        "question_id": "TQ_0",
    }
    (test / "test_question.json").write_text(json.dumps([question]))


def toy_longvideobench(folder: Path, original: bool) -> None:
    """Two videos with subtitles in different formats, and a split without public answers."""
    rows: list[dict[str, Any]] = []
    for number, video in enumerate(("toyvideoA", "toyvideoB")):
        write_video(folder / "videos" / f"{video}.mp4", ("red", "blue"))
        rows.append(
            {
                "id": f"{video}_0",
                "video_id": video,
                "video_path": f"{video}.mp4",
                "subtitle_path": f"{video}_en.json",
                "duration": 4.0,
                "duration_group": 15 if number == 0 else 600,
                "question": "Which colour has the square when it is called by its name?",
                "question_category": "T2A" if number == 0 else "E2O",
                "candidates": list(CHOICES[: 4 - number]),
                "correct_choice": 1,
                "starting_timestamp_for_subtitles": 10.0 * number,
            }
        )
    (folder / "subtitles").mkdir()
    first = [
        {"start": "00:00:00.000", "end": "00:00:01.900", "line": "A square comes in."},
        {"start": "00:00:02.000", "end": "00:00:04.000", "line": "Blue, we call it."},
    ]
    second = [{"timestamp": [12.0, 13.5], "text": "Blue again."}]
    (folder / "subtitles" / "toyvideoA_en.json").write_text(json.dumps(first))
    (folder / "subtitles" / "toyvideoB_en.json").write_text(json.dumps(second))
    hidden = [{**row, "id": f"{row['id']}_t", "correct_choice": -1} for row in rows]
    if original:
        (folder / "lvb_val.json").write_text(json.dumps(rows))
        (folder / "lvb_test_wo_gt.json").write_text(json.dumps(hidden))
        return
    for split, found in (("validation", rows), ("test", hidden)):
        listed = []
        for row in found:
            choices = [*row["candidates"], "N/A", "N/A"]
            plain = {key: value for key, value in row.items() if key != "candidates"}
            listed.append({**plain, **{f"option{i}": choices[i] for i in range(5)}})
        write_parquet(folder / f"{split}-00000-of-00001.parquet", listed)
