"""Throughput of a run: samples, tokens and seconds over all processes, kept apart from the scores.

Wall-clock seconds are those of the slowest process; samples and tokens are summed. A session that
was killed is not recorded here; the log has the seconds of each sample.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.json_files import read_json, write_json

if TYPE_CHECKING:  # it needs torch, which reports do without
    from evaluation.asking.answerer import Answer

NAME = "speed.json"


class Speed:
    """Counts the work of one process since construction."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.samples = self.input_tokens = self.output_tokens = self.visual_tokens = 0
        self.prefill = self.decode = 0.0

    def add(self, answer: "Answer") -> None:
        self.samples += 1
        self.input_tokens += answer.input_tokens
        self.output_tokens += answer.output_tokens
        self.visual_tokens += answer.visual_tokens
        self.prefill += answer.seconds_prefill
        self.decode += answer.seconds_decode

    def write(self, folder: Path, rank: int, peak_bytes: int) -> None:
        """Writes the counts for the first process to merge."""
        facts = {
            "samples": self.samples,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "visual_tokens": self.visual_tokens,
            "seconds_prefill": self.prefill,
            "seconds_decode": self.decode,
            "seconds": time.perf_counter() - self.started,
            "peak_bytes": peak_bytes,
        }
        write_json(folder / f"speed.rank{rank}.json", facts)


def merge_speed(folder: Path) -> None:
    """Appends a session, summed over its processes, to the folder's list of sessions."""
    paths = sorted(folder.glob("speed.rank*.json"))
    parts = [read_json(path) for path in paths]
    sessions = sessions_of(folder)
    if any(part["samples"] for part in parts):
        total: dict[str, Any] = {key: sum(part[key] for part in parts) for key in parts[0]}
        total["seconds"] = max(part["seconds"] for part in parts)
        sessions.append({"processes": len(parts), **total, **_rates(total)})
        write_json(folder / NAME, sessions)
    for path in paths:
        path.unlink()


def sessions_of(folder: Path) -> list[dict[str, Any]]:
    """Returns the completed sessions of a run, in order."""
    path = folder / NAME
    return read_json(path) if path.is_file() else []


def _rates(total: dict[str, Any]) -> dict[str, float]:
    def rate(count: str, seconds: str) -> float:
        return round(total[count] / total[seconds], 3) if total[seconds] > 0 else 0.0

    return {
        "samples_per_second": rate("samples", "seconds"),
        "visual_tokens_per_second": rate("visual_tokens", "seconds"),
        "prefill_tokens_per_second": rate("input_tokens", "seconds_prefill"),
        "decode_tokens_per_second": rate("output_tokens", "seconds_decode"),
    }
