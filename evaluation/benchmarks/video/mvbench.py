"""MVBench: twenty tasks about events in short videos, 200 questions each (arXiv:2311.17005).

The published check tests whether the first word of an answer is contained in "(a)": empty answers
and "a man" count as A. It is available as the mode "official"; our own extraction is the default,
because a model with empty answers should not lead.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.answers.matching import vlmevalkit_option
from evaluation.answers.ranked import strip_reasoning
from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import ChoiceBenchmark, bracketed, clean, options_by_letter
from evaluation.benchmarks.packed_media import Member, VideoFiles, inside
from evaluation.benchmarks.published import letter_of, read_list, text
from evaluation.metrics.vqa import strip_punctuation
from evaluation.runs.log import LogRow

SYSTEM = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail"
    " and movement of objects, and the action and pose of persons. Based on your observations,"
    " select the best option that accurately addresses the question.\n"
)
ONLY = "Only give the best option."

# Task -> folders of its videos in published versions, the authors' first; and whether questions are
# about a segment of the video.
TASKS: dict[str, tuple[tuple[str, ...], bool]] = {
    "action_sequence": (("star/Charades_v1_480", "star/Charades_segment"), True),
    "action_prediction": (("star/Charades_v1_480", "star/Charades_segment"), True),
    "action_antonym": (("ssv2_video", "ssv2_video_mp4"), False),
    "fine_grained_action": (("Moments_in_Time_Raw/videos",), False),
    "unexpected_action": (("FunQA_test/test",), False),
    "object_existence": (("clevrer/video_validation",), False),
    "object_interaction": (("star/Charades_v1_480", "star/Charades_segment"), True),
    "object_shuffle": (("perception/videos",), False),
    "moving_direction": (("clevrer/video_validation",), False),
    "action_localization": (("sta/sta_video", "sta/sta_video_segment"), True),
    "scene_transition": (("scene_qa/video",), False),
    "action_count": (("perception/videos",), False),
    "moving_count": (("clevrer/video_validation",), False),
    "moving_attribute": (("clevrer/video_validation",), False),
    "state_change": (("perception/videos",), False),
    "fine_grained_pose": (("nturgbd", "nturgbd_convert"), False),
    "character_order": (("perception/videos",), False),
    "egocentric_navigation": (("vlnqa",), False),
    "episodic_reasoning": (("tvqa/frames_fps3_hq", "tvqa/video_fps3_hq_segment"), True),
    "counterfactual_inference": (("clevrer/video_validation",), False),
}
FRAMES_PER_SECOND = 3.0  # of Episodic Reasoning's folders of frames


def first_word(row: LogRow, raw: str) -> str | None:
    """Returns the word that PVC's and the authors' check compares, possibly empty."""
    return raw.replace("Answer: ", "").lower().split(" ")[0]


def first_word_or_match(row: LogRow, raw: str) -> str | None:
    """VLMEvalKit: compares the first word with the right answer, then matches options."""
    word = raw.lower().strip().split(" ")[0]
    if not row["targets"] or same_word(word, row["targets"][0]):
        return word
    return vlmevalkit_option(raw, options_by_letter(row))


def same_word(word: str, letter: str) -> bool:
    """The authors' check, for which an empty word contains every letter."""
    target = f"({letter.lower()})"
    return word.replace(".", "") in target or target in word


def lmms_letter(row: LogRow, raw: str) -> str | None:
    """lmms-eval's letter search, case-insensitive: "a dog" is A."""
    raw = strip_reasoning(raw)
    begins = re.match(r"^([A-E])\.\s*(.+)$", raw, re.IGNORECASE)
    if begins:
        return begins[1].upper()
    text = raw.replace("\n", " ").replace("\t", " ").strip()
    bare = strip_punctuation(text, full_stop=r"\.(?!\d)", thousands=r"\d,\d")
    for edge in "'\")(":
        bare = bare.strip(edge)
    found = re.search(r"\b([A-E])\b", bare.strip().lower(), re.IGNORECASE)
    return found[1].upper() if found else None


class MVBench(ChoiceBenchmark):
    name = "mvbench"
    title = "MVBench"
    needs = (
        "json/*.json and video/ (unpacked, or its zip files) of OpenGVLab/MVBench on the hub; the"
        " videos of Fine-grained Pose come from NTU RGB+D"
    )
    hub = Hub("OpenGVLab/MVBench", ("json/*.json",), ("video/*.zip",))
    readers = {
        "clean": clean,
        "official": first_word,
        "lmms-eval": lmms_letter,
        "vlmevalkit": first_word_or_match,
    }
    prompt_modes = ("official", "pvc", "lmms-eval")
    system_and_reply = {"official": (SYSTEM, "Best option:(")}

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = sorted((folder / "json").glob("*.json"))
        unknown = [path.stem for path in found if path.stem not in TASKS]
        if unknown:
            raise ValueError(f"mvbench: {folder / 'json'} holds no task named {unknown[0]!r}.")
        in_order = [path for task in TASKS for path in found if path.stem == task]
        return self.require(in_order, folder, "no json/*.json")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        videos = VideoFiles(folder / "video", sorted((folder / "video").glob("*.zip")))
        for path in self.data_files(folder, options):
            needed = ("video", "question", "candidates", "answer")
            for number, row in enumerate(read_list(path, needed)):
                choices = [str(choice) for choice in row["candidates"]]
                where = f"{path}: entry {number + 1}"
                yield Question(
                    id=f"{path.stem}-{number:03d}",
                    group=text(row, "video"),
                    parts=(
                        self._video(videos, path.stem, row),
                        self._prompt(self.prompt_mode(options), text(row, "question"), choices),
                    ),
                    targets=letter_of(row["answer"], choices, where),
                    options=tuple(choices),
                    category={"task": path.stem},
                )

    def _video(self, videos: VideoFiles, task: str, row: dict[str, Any]) -> MediaPart:
        folders, is_segment = TASKS[task]
        name = text(row, "video")
        bounds: tuple[float | None, float | None] = (None, None)
        if is_segment and row.get("start") is not None and row.get("end") is not None:
            bounds = (float(row["start"]), float(row["end"]))
        for place in folders:
            folder = inside(videos.root / place, name)
            pictures = sorted(folder.glob("*.jpg")) if folder.is_dir() else []
            if pictures:
                return MediaPart(
                    "frames",
                    paths=tuple(pictures),
                    fps=FRAMES_PER_SECOND,
                    start=bounds[0],
                    end=bounds[1],
                )
        found = videos.find([f"{place}/{name}" for place in folders])
        target = found.target if isinstance(found, Member) else found
        # Videos in these folders are already cut to the segment.
        whole = any(part.endswith("_segment") for part in target.parts)
        return MediaPart.video_file(found, *((None, None) if whole else bounds))

    def _prompt(self, mode: str, question: str, choices: list[str]) -> str:
        if mode == "lmms-eval":
            return f"Question:{question}\nOption:\n{bracketed(choices)}\n{ONLY}\n"
        prompt = f"Question: {question}\nOptions:\n{bracketed(choices)}".rstrip() + f"\n{ONLY}"
        return f"{SYSTEM}\n{prompt}" if mode == "pvc" else prompt

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if mode in ("official", "vlmevalkit") and row["targets"]:
            word, letter = answer or "", row["targets"][0]
            matched = mode == "vlmevalkit" and answer in row["targets"]
            unanswered = mode == "vlmevalkit" and answer is None
            return float(not unanswered and (matched or same_word(word, letter)))
        if mode == "lmms-eval" and not strip_reasoning(row.get("raw") or ""):
            return None  # lmms-eval excludes empty answers
        return super().score(row, answer, mode)
