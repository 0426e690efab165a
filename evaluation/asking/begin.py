"""Begins or continues a run: records what its answers depend on, and compares it with the manifest.

The manifest's own rules are in evaluation/runs/manifest.py.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluation.asking.answerer import GenerateSettings
from evaluation.asking.asker import Asker
from evaluation.asking.task import Task
from evaluation.benchmarks.base import Question
from evaluation.benchmarks.hub import revision_of
from evaluation.runs import manifest, provenance
from evaluation.runs.card import code_hash
from evaluation.runs.fingerprints import files_of, fingerprints, prompts_hash


def begin(
    task: Task,
    questions: Sequence[Question],
    answerer: Asker,
    model: dict[str, Any],
    out: Path,
    processes: int,
    with_answer: Collection[str],
) -> str:
    """Writes the manifest, and removes leftovers of a killed run. Returns a remark or ""."""
    around = provenance.run_environment(processes, answerer.device)
    around["asked"] = len(questions[: task.options.limit])
    around["batch_size"] = answerer.batch_size
    around["code"] = code_hash()
    asked = [q for i, q in enumerate(questions) if i < around["asked"] or q.id in with_answer]
    files = files_of(task.benchmark, asked if task.media else [], task.options, task.folder)
    identity = _identity(task, answerer.settings, questions, model)
    if answerer.words is not None and task.media:
        identity["asked"]["experts"] = answerer.words.key
    identity[manifest.LATER]["chat_template"] = answerer.template()
    remark = manifest.write_or_check(
        out,
        identity,
        around,
        fingerprints({name: where for found in files.values() for name, where in found.items()}),
        {name for id, found in files.items() if id in with_answer for name in found},
    )
    for path in out.glob("speed.rank*.json"):
        path.unlink()
    return remark


def _identity(
    task: Task, settings: GenerateSettings, questions: Sequence[Question], model: dict[str, Any]
) -> dict[str, Any]:
    benchmark, options = task.benchmark, task.options
    files = benchmark.data_files(task.folder, options)
    return {
        "benchmark": benchmark.name,
        "model": model,
        "asked": {
            **{key: list(v) if isinstance(v, tuple) else v for key, v in _asked(settings)},
            "split": benchmark.split(options),
            "prompt": benchmark.prompt_mode(options),
            "subtitles": options.subtitle_rule if options.subtitles else None,
            "frame_rule": benchmark.frame_rule,
        },
        "data": {
            "questions": len(questions),
            "questions_sha256": manifest.questions_hash(questions),
            "files": manifest.file_hashes(task.folder, files),
            "revision": revision_of(task.folder, files),
        },
        manifest.LATER: {
            "version": benchmark.protocol,
            "package": provenance.package_version(),
            "prompts": prompts_hash(benchmark, questions, options),
        },
    }


def _asked(settings: GenerateSettings) -> Iterator[tuple[str, Any]]:
    """Yields the settings to record; younger ones only if used, so that old runs go on."""
    younger = {"repetition_penalty": 1.0, "words_only": False, "frame_by_frame": False}
    younger |= {"clips": 1, "crops": 1}
    for key, value in asdict(settings).items():
        if key not in younger or value != younger[key]:
            yield key, value
