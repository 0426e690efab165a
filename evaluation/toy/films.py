"""Toy sets of films: Video-MME-v2 with its words as subtitles, LVBench."""

import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evaluation.toy.media import write_parquet, write_video

COLORS = ("red", "blue", "green", "yellow")
CHOICES = (*COLORS, "black", "white", "grey", "pink")
GROUPS = {
    "001": ("relevance", "[1, 2, 3, 4]", ("red", "blue")),
    "002": ("logic", "[1, [2, 3], 4]", ("green", "yellow")),
    "003": ("logic", "[[1, 2], 3, 4]", ("blue", "red")),
}


def toy_videomme_v2(folder: Path, original: bool) -> None:
    """Three groups of four questions; the last video has no subtitles."""
    rows: list[dict[str, Any]] = []
    for level, (video, (kind, structure, colors)) in enumerate(GROUPS.items(), 1):
        asked = (
            ("Which colour has the square at first?", colors[0]),
            ("Which colour has the square at the end?", colors[1]),
            ("Which colour does the square turn into?", colors[1]),
            ("Which colour does the square lose?", colors[0]),
        )
        for number, (question, answer) in enumerate(asked, 1):
            last = number == len(asked)
            rows.append(
                {
                    "video_id": video,
                    "url": f"https://example.org/{video}",
                    "group_type": kind,
                    "group_structure": structure,
                    "question_id": f"{video}-{number}",
                    "question": question,
                    "options": "\n".join(
                        f"{letter}. {color.capitalize()}."
                        for letter, color in zip("ABCDEFGH", CHOICES, strict=True)
                    ),
                    "answer": "ABCDEFGH"[CHOICES.index(answer)],
                    "level": str(level) if last else None,
                    "second_head": "Change" if last else None,
                    "third_head": "Colour" if last else None,
                }
            )
    write_parquet(folder / "test.parquet", rows)
    spoken = {
        f"{video}.jsonl": _words(f"Here is a {colors[0]} square.", f"Now it is {colors[1]}.")
        for video, (_, _, colors) in list(GROUPS.items())[:2]
    }
    if original:
        for video, (_, _, colors) in GROUPS.items():
            write_video(folder / "video" / f"{video}.mp4", colors)
        (folder / "subtitle").mkdir()
        for name, lines in spoken.items():
            (folder / "subtitle" / name).write_text(lines, encoding="utf-8")
        return
    (folder / "videos").mkdir()
    with TemporaryDirectory() as unpacked:
        for number, (video, (_, _, colors)) in enumerate(GROUPS.items()):
            path = Path(unpacked) / f"{video}.mp4"
            write_video(path, colors)
            part = folder / "videos" / f"part_{1 + number // 2:02d}.zip"
            with zipfile.ZipFile(part, "a") as archive:
                archive.write(path, path.name)
    with zipfile.ZipFile(folder / "subtitle.zip", "w") as archive:
        for name, lines in spoken.items():
            archive.writestr(f"subtitle/{name}", lines)


def toy_lvbench(folder: Path, original: bool) -> None:
    """Two films with two questions each."""
    lines = []
    for number, colors in enumerate((("red", "blue"), ("green", "yellow"))):
        key = f"toyfilm{number}"
        write_video(folder / "videos" / f"{key}.mp4", colors)
        asked = [
            {
                "uid": str(10 * number + place),
                "question": f"Which colour has the square {when}?\n"
                + "\n".join(f"({a}) {color}" for a, color in zip("ABCD", COLORS, strict=True)),
                "answer": "ABCD"[COLORS.index(colors[place])],
                "question_type": ["entity recognition", "reasoning"][: place + 1],
                "time_reference": "00:00-00:04",
            }
            for place, when in enumerate(("at first", "at the end"))
        ]
        about = {"duration_minutes": 0, "fps": 8.0}
        lines.append({"key": key, "type": "cartoon", "video_info": about, "qa": asked})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "video_info.meta.jsonl").write_text(text, encoding="utf-8")


def _words(*sentences: str) -> str:
    """Writes sentences two seconds apart, a word every quarter of a second."""
    lines = []
    for number, sentence in enumerate(sentences):
        for place, word in enumerate(sentence.split()):
            start = 2.0 * number + 0.25 * place
            row = {"text": word, "start_time": start, "end_time": start + 0.25}
            lines.append(json.dumps(row) + "\n")
    return "".join(lines)
