"""Runs one benchmark: decodes ahead, answers batch by batch, logs each sample at once.

Questions that the folder's log answers are skipped, so a killed run continues where it was, with
any number of processes. Samples that failed before are tried again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.asking.answerer import Answer, GenerateSettings, Prompt, peak_memory
from evaluation.asking.asker import Asker
from evaluation.asking.conversations import Answers, Asked, batches, converse
from evaluation.asking.fitting import as_in_chat, fit_facts
from evaluation.asking.media_ahead import MediaAhead, Ready
from evaluation.asking.progress import Bar
from evaluation.asking.sharding import Processes
from evaluation.benchmarks.base import Benchmark, Options, Question
from evaluation.benchmarks.hub import fetch, revision_of
from evaluation.reports.scoring import score_row
from evaluation.runs import manifest, provenance
from evaluation.runs.card import code_hash, write_card
from evaluation.runs.fingerprints import files_of, fingerprints, prompts_hash
from evaluation.runs.log import LogRow, LogWriter, answered, merge, read_log
from evaluation.runs.speed import Speed, merge_speed
from evaluation.runs.thumbnails import Thumbnails
from vlm.ending import sentence
from vlm.inference.settings import Sampling


@dataclass(frozen=True)
class Task:
    """A benchmark and its settings. None is the benchmark's default, then the model's."""

    benchmark: Benchmark
    folder: Path  # its data
    options: Options = Options()
    num_frames: int | None = None
    max_tiles: int | None = None
    looks: int | None = None
    max_new_tokens: int | None = None
    media: bool = True  # False: blind
    words_only: bool = False  # the experts' words in place of media
    workers: int | None = None  # that decode ahead; None: by the number of CPUs
    hub: str | None = None  # the revision on the hub to read, instead of `folder`
    clips: int = 1  # of a video, and crops of each, that an encoder averages
    crops: int = 1

    def settings(self, default_frames: int) -> GenerateSettings:
        """Returns the settings with defaults resolved."""
        benchmark = self.benchmark
        return GenerateSettings(
            num_frames=self.num_frames
            or (None if benchmark.as_in_chat else benchmark.num_frames or default_frames),
            max_tiles=self.max_tiles or benchmark.max_tiles,
            looks=self.looks,
            max_new_tokens=self.max_new_tokens or benchmark.max_new_tokens,
            media=self.media,
            words_only=self.words_only,
            repetition_penalty=Sampling().repetition_penalty if benchmark.as_in_chat else 1.0,
            frame_by_frame=benchmark.online,
            clips=self.clips,
            crops=self.crops,
        )


class CannotBegin(ValueError):  # noqa: N818 - a refusal, not a failure
    """The data or the output folder do not allow a run; no question was asked."""


def run(
    task: Task,
    answerer: Asker,
    model: dict[str, Any],
    out: Path,
    processes: Processes | None = None,
    announce: Callable[[str], None] = lambda sentence: None,
    shared: Bar | None = None,
) -> None:
    """Asks the questions that `out` does not answer yet; the first process then merges the log.

    `model` is the result of `provenance.describe_model`, `shared` the progress line of a run of
    several benchmarks. If one process cannot begin, all raise CannotBegin.
    """
    processes = processes or Processes()
    announce = announce if processes.first else lambda sentence: None
    settings = task.settings(answerer.view.default_frames)
    questions: list[Question] = []
    rows: list[LogRow] = []
    problem = ""
    try:
        if task.hub is not None:
            found = fetch(task.benchmark, task.options, task.hub, task.media, announce)
            task = replace(task, folder=found)
        questions = task.benchmark.questions(task.folder, replace(task.options, limit=None))
        if processes.first:
            with_answer = answered(read_log(out))
            remark = _begin(
                task, settings, questions, answerer, model, out, processes.count, with_answer
            )
            if remark:
                announce(remark)
        rows = read_log(out)
    except (ValueError, OSError) as error:
        problem = sentence(error)
    try:
        processes.wait(problem)
    except ValueError as error:
        raise CannotBegin(str(error)) from error

    known = answered(rows)
    mine = processes.share(questions[: task.options.limit])
    waiting = [question for question in mine if question.id not in known]
    if len(waiting) < len(mine):
        announce(f"{task.benchmark.name}: continuing, {len(mine) - len(waiting):,} are in the log.")
    indices = {question.id: index for index, question in enumerate(questions)}
    if shared is not None:
        shared.enter(task.benchmark.name, len(mine), len(mine) - len(waiting))
    bar = shared or _bar(task, processes, len(mine), len(mine) - len(waiting))
    answers = _answers(task, answerer.with_settings(settings), waiting, Answers(questions, rows))
    speed = _log_answers(task.benchmark, answers, indices, out, processes.rank, bar)
    if bar is not None and bar is not shared:
        bar.close()
    speed.write(out, processes.rank, peak_memory(answerer.device))
    processes.wait()
    if processes.first:
        merge(out)
        merge_speed(out)
        write_card(out)
    processes.wait()


def _bar(task: Task, processes: Processes, total: int, done: int) -> Bar | None:
    """Returns the progress line of the first process; the others have none."""
    label = task.benchmark.name
    if processes.count > 1:
        label += f" (process 1 of {processes.count})"
    return Bar(label, total, done) if processes.first else None


def _log_answers(
    benchmark: Benchmark,
    answers: Iterable[tuple[Ready, Asked | None, Answer]],
    indices: Mapping[str, int],
    out: Path,
    rank: int,
    bar: Bar | None,
) -> Speed:
    """Logs each sample of one process at once; `indices` are their log places."""
    speed = Speed()
    with LogWriter(out, rank) as log:
        thumbnails = Thumbnails(out, rank, benchmark.shows_all)
        for ready, asked, answer in answers:
            row = score_row(benchmark, _row(benchmark, ready, asked, answer, indices))
            log.add(row)
            thumbnails.add(row, ready)
            speed.add(answer)
            if bar is not None:
                bar.add(failed=bool(row["error"]))
    return speed


def _begin(
    task: Task,
    settings: GenerateSettings,
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
    identity = _identity(task, settings, questions, model)
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


def _answers(
    task: Task, answerer: Asker, questions: Sequence[Question], earlier: Answers
) -> Iterator[tuple[Ready, Asked | None, Answer]]:
    """Yields each question with its answer once its batch is done; None if it was not asked."""
    settings, view = answerer.settings, answerer.view
    ahead = MediaAhead(
        settings.num_frames,
        view.image_size,
        view.chat if task.benchmark.as_in_chat else None,
        answerer.words,
        settings.looks,
        view.squares,
        view.as_trained,
        ahead=2 * answerer.batch_size + 2,
    )
    if task.workers is not None:
        ahead.workers = task.workers
    fit = as_in_chat(answerer, ahead) if task.benchmark.as_in_chat else lambda asked: asked
    reading = ahead(questions) if task.media else (Ready(question) for question in questions)
    for batch in batches(reading, answerer.batch_size):
        good: list[Asked] = []
        for ready in batch:
            try:
                asked = fit(converse(task.benchmark, ready, task.options, earlier, ahead))
            except (ValueError, OSError) as error:
                yield ready, None, Answer("", error=str(error))
                continue
            if asked.refused:
                yield ready, asked, earlier.keep(asked, Answer(""))
            else:
                good.append(asked)
        for item, answer in zip(good, answerer.answer(list(map(_prompt, good))), strict=True):
            yield item.ready, item, earlier.keep(item, answer)


def _prompt(asked: Asked) -> Prompt:
    question = asked.ready.question
    given = question.extra.get("given", {})
    conversation, reply = asked.conversation, asked.composed.reply
    return Prompt(question.id, conversation, reply, given, asked.max_new_tokens)


def _row(
    benchmark: Benchmark,
    ready: Ready,
    asked: Asked | None,
    answer: Answer,
    indices: Mapping[str, int],
) -> LogRow:
    question = ready.question
    return {
        "benchmark": benchmark.name,
        "id": question.id,
        "index": indices[question.id],
        "group": question.group,
        "prompt": asked.text if asked else "",
        "system": asked.composed.system if asked else "",
        "media": [medium.facts for medium in (asked or ready).seen],
        "captions": list(asked.captions) if asked else [],
        "raw": None if answer.error else answer.text,
        "extracted": {},
        "score": {},
        "targets": list(question.targets),
        "options": list(question.options),
        "category": question.category,
        "extra": {**question.extra, **({} if asked is None else fit_facts(asked))},
        "tokens": {
            "input": answer.input_tokens,
            "output": answer.output_tokens,
            "visual": answer.visual_tokens,
            **({"ids": list(answer.ids)} if answer.ids else {}),
        },
        "seconds": {
            "media": round(ready.seconds, 4),
            "prefill": round(answer.seconds_prefill, 4),
            "decode": round(answer.seconds_decode, 4),
        },
        "error": answer.error,
    }


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
