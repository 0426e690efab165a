"""Runs one benchmark: decodes ahead, answers batch by batch, logs each sample at once.

Questions that the folder's log answers are skipped, so a killed run continues where it was, with
any number of processes. Samples that failed before are tried again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.asking.answerer import Answer, Prompt, peak_memory
from evaluation.asking.asker import Asker
from evaluation.asking.begin import begin
from evaluation.asking.conversations import Answers, Asked, batches, converse
from evaluation.asking.fitting import as_in_chat, fit_facts
from evaluation.asking.media_ahead import MediaAhead, Ready
from evaluation.asking.progress import Bar
from evaluation.asking.sharding import Processes
from evaluation.asking.task import Task
from evaluation.benchmarks.base import Benchmark, Question
from evaluation.benchmarks.hub import fetch
from evaluation.reports.scoring import score_row
from evaluation.runs.card import write_card
from evaluation.runs.log import LogRow, LogWriter, answered, merge, read_log
from evaluation.runs.speed import Speed, merge_speed
from evaluation.runs.thumbnails import Thumbnails
from vlm.ending import sentence


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
    asker = answerer.with_settings(task.settings(answerer.view.default_frames))
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
            remark = begin(task, questions, asker, model, out, processes.count, with_answer)
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
    answers = _answers(task, asker, waiting, Answers(questions, rows))
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
