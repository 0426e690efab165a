"""Sentences with the windows that they describe: Charades-STA and QVHighlights.

    charades-sta/charades_sta_test.txt         ID 0.0 6.9##a person is putting a book on a shelf.
    charades-sta/Charades_v1_test.csv          id,length (optional: durations)
    qvhighlights/highlight_val_release.jsonl   {"qid", "query", "duration", "vid",
                                                "relevant_windows": [[4, 10]]}

The videos are anywhere below the folder. QVHighlights' test has no public windows.
"""

import re
from pathlib import Path

from data.tasks.annotations import Grounded, TaskSet
from data.tasks.files import (
    VideoIndex,
    first_of,
    json_lines,
    member,
    seconds,
    span,
    table,
    text_lines,
)
from data.tasks.set_format import SetFormat

LINE = re.compile(r"(\S+)\s+(\S+)\s+(\S+?)\s*##\s*(\S.*)")


def _charades(folder: Path, split: str) -> TaskSet[Grounded]:
    path = first_of(folder, f"charades_sta_{split}.txt")
    lengths = folder / f"Charades_v1_{split}.csv"
    durations = {}
    if lengths.is_file():
        rows = table(lengths, ["id", "length"])
        durations = {row["id"]: seconds(row["length"], where) for where, row in rows}
    videos = VideoIndex(folder)
    found = []
    for number, (where, line) in enumerate(text_lines(path), 1):
        if not (match := LINE.fullmatch(line)):
            raise ValueError(f"{where} must be ID START END##SENTENCE, not {line[:60]!r}")
        name, start, end, text = match.groups()
        duration = durations.get(name)
        window = span((start, end), where, duration)
        if window is not None:
            video = videos.find(where, name)
            found.append(Grounded(f"{name}-{number}", video, duration, text, (window,)))
    return TaskSet(found)


def _highlights(folder: Path, split: str) -> TaskSet[Grounded]:
    videos = VideoIndex(folder)
    found = []
    for where, about in json_lines(_highlight_file(folder, split)):
        name = member(about, "vid", str, where)
        duration = seconds(about.get("duration"), where)
        spans = [span(w, where, duration) for w in member(about, "relevant_windows", list, where)]
        windows = tuple(window for window in spans if window is not None)
        if windows:
            number = member(about, "qid", (int, str), where)
            text = member(about, "query", str, where)
            video = videos.find(where, name)
            found.append(Grounded(str(number), video, duration, text, windows))
    return TaskSet(found)


def _highlight_file(folder: Path, split: str) -> Path:
    name = f"highlight_{split}_release.jsonl"
    return first_of(folder, name, f"annotations/{name}", f"data/{name}")


CHARADES_STA = SetFormat(
    title="Charades-STA",
    task=Grounded,
    needs="charades_sta_train.txt and charades_sta_test.txt, the videos anywhere below, and for"
    " durations Charades_v1_train.csv and Charades_v1_test.csv",
    train="train",
    test="test",
    splits=("train", "test"),
    files=lambda folder, split: [first_of(folder, f"charades_sta_{split}.txt")],
    load=_charades,
)
QVHIGHLIGHTS = SetFormat(
    title="QVHighlights",
    task=Grounded,
    needs="highlight_train_release.jsonl and highlight_val_release.jsonl, and the videos anywhere"
    " below",
    train="train",
    test="val",
    splits=("train", "val"),
    files=lambda folder, split: [_highlight_file(folder, split)],
    load=_highlights,
)
