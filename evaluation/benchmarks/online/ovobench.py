"""OVO-Bench: questions asked at a moment of a film that goes on (arXiv:2501.05510).

Backward tasks ask what has happened, real-time ones what is happening, and forward ones whether it
can be seen already: each moment of a forward entry is a question of its own. Frames come from the
film up to that moment; packets behind it are not decoded (`MediaPart.until`). The last frame is
that of the moment itself. Prompts and scores are those of the authors' offline evaluation.

The authors' rule looks for the right letter or word anywhere in the answer: "A or B" is right
whichever of the two is; the mode "clean" reads what is answered.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.answers.clean import clean_choice
from evaluation.answers.yes_no import clean_yes_no
from evaluation.benchmarks.base import Benchmark, MediaPart, Options, Question
from evaluation.benchmarks.choices import LETTERS, mean_score
from evaluation.benchmarks.packed_media import inside
from evaluation.benchmarks.published import read_list, text
from evaluation.runs.log import LogRow

ANSWERS = "ovo_bench_new.json"
BACKWARD = ("EPM", "ASI", "HLD")
REALTIME = ("STU", "OJR", "ATR", "ACR", "OCR", "FPD")
FORWARD = ("REC", "SSR", "CRR")
SCENARIOS = {
    **dict.fromkeys(BACKWARD, "backward"),
    **dict.fromkeys(REALTIME, "realtime"),
    **dict.fromkeys(FORWARD, "forward"),
}
LAST = "Do not include any additional text or explanation in your response.\n"
CHOOSE = (
    "\nQuestion: {}\nOptions:\n{}\n\nRespond only with the letter corresponding to your chosen"
    f" option (e.g., A, B, C). \n{LAST}"
)
YES_NO = f"Answer only with “Yes” or “No”.\n{LAST}"
COUNT = (
    "\nYou're watching a video in which people may perform a certain type of action repetively. \n"
    "The person performing this kind of action are referred to as 'they' in the following"
    " statement.\nYou're task is to count how many times have different people in the video perform"
    " this kind of action in total.\nOne complete motion counts as one. \nNow, answer the following"
    " question: How many times did they {}?\nProvide your answer as a single number (e.g., 0, 1, 2,"
    f" 3…) indicating the total count.\n{LAST}"
)
STEP = (
    "\nYou're watching a tutorial video which contain a sequential of steps. \nThe following is one"
    " step from the whole procedures: \n{}\nYour task is to determine if the man or woman in the"
    f" video is currently performing this step.\n{YES_NO}"
)
ENOUGH = (
    "\nYou're responsible of answering questions based on the video content. \nThe following"
    " question are relevant to the latest frames, i.e. the end of the video.\n{}\nDecide whether"
    " existing visual content, especially latest frames, i.e. frames that near the end of the"
    f" video, provide enough information for answering the question.\n{YES_NO}"
)
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBER = re.compile(rf"\b(\d+|{'|'.join(WORDS)})\b")


class OVOBench(Benchmark):
    name = "ovobench"
    title = "OVO-Bench"
    needs = (
        f"data/{ANSWERS} of github.com/JoeLeelyf/OVO-Bench and its films in src_videos/ (of"
        " JoeLeelyf/OVO-Bench on the hub: cat src_videos.tar.part* | tar -x), or the pieces that"
        " end at the questions in chunked_videos/"
    )
    metric = "accuracy"
    modes = ("official", "clean")
    splits = ("all", "backward", "realtime", "forward")
    online = True
    frame_rule = "ends of equal segments of the past"
    weight_by = "task"

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = [path for path in (folder / ANSWERS, folder / "data" / ANSWERS) if path.is_file()]
        return self.require(found[:1], folder, f"no {ANSWERS}; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        split = self.split(options)
        (path,) = self.data_files(folder, options)
        for row in read_list(path, ("id", "task", "video")):
            task = text(row, "task")
            if task not in SCENARIOS:
                raise ValueError(f"{path}: entry {row['id']} has the unknown task {task!r}.")
            if split in ("all", SCENARIOS[task]):
                yield from _questions(folder, row, task, path)

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        raw = (raw or "").strip()
        task = row["category"]["task"]
        if mode == "official":
            return ("".join(re.findall(r"\d+", raw)) if task == "REC" else raw) or None
        if task == "REC":
            return _count(raw)
        if task in FORWARD:
            answer = clean_yes_no({"Y": "yes", "N": "no"}.get(raw.strip(" ."), raw))
            return None if answer is None else answer.capitalize()
        return clean_choice(raw, row["options"])

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if not row["targets"]:
            return None
        right = row["targets"][0]
        if mode == "clean" or row["category"]["task"] == "REC":
            return float(answer == right)
        answer = answer or ""
        return float(right in answer or (row["category"]["task"] in FORWARD and answer == right[0]))

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns the mean over the tasks of each scenario."""
        found = {}
        for name, tasks in (("backward", BACKWARD), ("realtime", REALTIME), ("forward", FORWARD)):
            of_task = ([row for row in rows if row["category"]["task"] == task] for task in tasks)
            means = [
                mean for mean in (mean_score(some, mode) for some in of_task) if mean is not None
            ]
            if means:
                found[name] = sum(means) / len(means)
        return found


def _questions(folder: Path, row: dict[str, Any], task: str, path: Path) -> Iterator[Question]:
    """Yields one question, or one for each moment of a forward entry."""
    number = text(row, "id")
    try:
        if task not in FORWARD:
            right = row.get("gt")
            options = [str(option) for option in row["options"]]
            listed = "; ".join(f"{a}. {o}" for a, o in zip(LETTERS, options, strict=False)) + ";"
            prompt = CHOOSE.format(row["question"], listed)
            target = () if right is None else (LETTERS[int(right)],)
            film = _film(folder, row["video"], number, float(row["realtime"]))
            yield _one(row, task, number, film, prompt, target, options)
            return
        for i, moment in enumerate(row["test_info"]):
            film = _film(folder, row["video"], f"{number}_{i}", float(moment["realtime"]))
            prompt, known = _forward(row, moment, task)
            yield _one(row, task, f"{number}-{i}", film, prompt, known, ())
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path}: entry {number} is malformed ({error!r}).") from error


def _one(
    row: dict[str, Any],
    task: str,
    number: str,
    film: MediaPart,
    prompt: str,
    targets: tuple[str, ...],
    options: Sequence[str],
) -> Question:
    return Question(
        id=number,
        group=text(row, "video"),
        parts=(film, prompt),
        targets=targets,
        options=tuple(options),
        category={"task": task, "scenario": SCENARIOS[task]},
        extra={"moment": film.until},
    )


def _forward(row: dict[str, Any], moment: dict[str, Any], task: str) -> tuple[str, tuple[str, ...]]:
    """Returns the prompt and the right answer of a forward entry at one of its moments."""
    if task == "REC":
        count = moment.get("count")
        return COUNT.format(row["activity"]), () if count is None else (str(count),)
    prompt = STEP.format(moment["step"]) if task == "SSR" else ENOUGH.format(row["question"])
    known = moment.get("type")
    return prompt, () if known is None else (("Yes" if known else "No"),)


def _film(folder: Path, name: Any, piece: str, moment: float) -> MediaPart:
    """Returns the film up to the moment, or the published piece of it if there is no film."""
    roots = (folder, folder / "data")
    films = [inside(root / "src_videos", str(name)) for root in roots]
    pieces = [root / "chunked_videos" / f"{piece}.mp4" for root in roots]
    found = next((path for path in (*films, *pieces) if path.is_file()), films[0])
    return MediaPart("video", found, until=moment)


def _count(raw: str) -> str | None:
    """Returns the only number of the answer, or the first if the answer begins with it."""
    found = NUMBER.findall(raw.lower())
    numbers = [str(WORDS.index(one)) if one in WORDS else str(int(one)) for one in found]
    if not numbers or (len(set(numbers)) > 1 and not NUMBER.match(raw.lower())):
        return None
    return numbers[0]
