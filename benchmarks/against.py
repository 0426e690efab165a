"""Compares sections with another commit: both checkouts take turns in one run.

The measuring code is this checkout's on both sides; what it measures is each checkout's own. A
section that the other commit cannot run, because it measures something newer, is reported as such.
Inputs are the small ones: the rounds repeat them.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.timing import RECORD

ROOT = Path(__file__).parents[1]
PRODUCT = ("vlm", "data", "training", "evaluation", "app")
ROUNDS = 3

Seconds = dict[str, float]  # by task


def compare(names: list[str], commit: str) -> list[str]:
    """Returns a Markdown table for each section. Raises ValueError for an unknown commit."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, checkout(commit, Path(folder)) as other:
        for name in names:
            lines += section(name, commit, other)
    return lines


@contextmanager
def checkout(commit: str, folder: Path) -> Iterator[Path]:
    """Yields a folder with this checkout's benchmarks and the commit's other packages."""
    tree, mixed = folder / "tree", folder / "mixed"
    added = _git("worktree", "add", "--detach", str(tree), commit)
    if added.returncode:
        raise ValueError(f"--against {commit}: {added.stderr.strip().splitlines()[-1]}")
    try:
        mixed.mkdir()
        (mixed / "benchmarks").symlink_to(ROOT / "benchmarks")
        for package in PRODUCT:
            (mixed / package).symlink_to(tree / package)
        yield mixed
    finally:
        _git("worktree", "remove", "--force", str(tree))


def section(name: str, commit: str, other: Path) -> list[str]:
    """Runs one section in both checkouts, in turn; returns its table."""
    here, there = [], []
    for _ in range(ROUNDS):
        here.append(measure(name, ROOT))
        there.append(measure(name, other))
        if there[-1] is None:
            return [f"## {name}", "", f"{commit} cannot run this section.", ""]
    ours, theirs = (_medians([one for one in side if one]) for side in (here, there))
    return [
        f"## {name}: this checkout against {commit}",
        "",
        f"| | this checkout | {commit} | relative |",
        "|---|---|---|---|",
        *(
            f"| {task} | {ours[task] * 1e3:.1f} ms | {theirs[task] * 1e3:.1f} ms |"
            f" {ours[task] / theirs[task]:.2f} x |"
            for task in ours
            if task in theirs
        ),
        "",
    ]


def measure(name: str, root: Path) -> Seconds | None:
    """Runs a section in its own process; returns the seconds of its tasks, None if it fails."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as record:
        code = f"import importlib; importlib.import_module('benchmarks.{name}').run(quick=True)"
        paths = {"PYTHONPATH": str(root), RECORD: record.name}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env=os.environ | paths,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
            sys.stderr.write(f"{name} in {root.name}: {reason}\n")
            return None
        groups = [json.loads(line) for line in record]
    return {task: timing[0] for group in groups for task, timing in group.items()}


def _medians(rounds: list[Seconds]) -> Seconds:
    return {task: statistics.median(one[task] for one in rounds) for task in rounds[0]}


def _git(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
