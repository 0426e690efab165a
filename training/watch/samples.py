"""Greedy answers to a small fixed set of questions during training, which a loss cannot show.

With every checkpoint the model answers the first questions of the recipe's `samples` file. The
answers go to samples.md, step by step under each question, and to samples.jsonl. A question that
cannot be asked, because its media are missing, unreadable or too long, is left out and reported
once; a run never ends for it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch.distributed.fsdp import FSDPModule
from tqdm import tqdm

from data.records import Record, RecordError
from data.samples.first_question import first_question
from data.sources.record_file import RecordFile
from training.loop.distributed import print_rank0
from vlm.conversation import Conversation
from vlm.inference.batch import greedy_answers
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor


class SampleAnswers:
    """The questions, and the files of their answers."""

    def __init__(
        self, records: Sequence[Record], processor: PVCProcessor, folder: Path, batch_size: int
    ) -> None:
        self.records, self.processor = records, processor
        self.path, self.batch_size = folder / "samples.jsonl", batch_size
        self.reported: set[str] = set()

    def answer(self, model: PVCForConditionalGeneration, step: int, writes: bool) -> None:
        """Answers on every process, since sharded weights are gathered from all; one writes."""
        answers = ask_first_questions(
            model, self.processor, self.records, self.reported, self.batch_size, label="samples"
        )
        if not writes:
            return
        lines = [line for line in self._lines() if line["step"] < step]
        for record, answer in zip(self.records, answers, strict=True):
            if answer is None:
                continue
            question, expected = record.turns[0]
            lines.append(
                {
                    "step": step,
                    "id": record.id,
                    "question": question,
                    "expected": expected,
                    "answer": answer,
                }
            )
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self.path.write_text(text, encoding="utf-8")
        self.path.with_suffix(".md").write_text(as_markdown(lines), encoding="utf-8")

    def _lines(self) -> list[dict]:
        if not self.path.is_file():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


def as_markdown(lines: Sequence[dict]) -> str:
    """Returns one section for each question, one row for each step."""
    sections: dict[str, list[str]] = {}
    for line in lines:
        title = f"## {line['id']}: {_cell(line['question'])}\n\nExpected: {_cell(line['expected'])}"
        rows = sections.setdefault(title, ["| step | answer |", "|---|---|"])
        rows.append(f"| {line['step']} | {_cell(line['answer'])} |")
    body = "\n\n".join(title + "\n\n" + "\n".join(rows) for title, rows in sections.items())
    return f"# Answers while training\n\n{body}\n"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ").strip()


def readable_records(records: RecordFile) -> Iterator[Record]:
    """Yields the records of a file; prints a line for each one that is malformed."""
    for index in range(len(records)):
        try:
            yield records[index]
        except RecordError as error:
            print_rank0(f"WARNING: not asked: {error}")


def ask_first_questions(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    records: Sequence[Record],
    reported: set[str],
    batch_size: int = 16,
    label: str = "answering",
) -> list[str | None]:
    """Answers each record's first question; None if it cannot be asked.

    The reason is printed once: `reported` remembers.
    """
    model.eval()
    cached, model.config.use_cache = model.config.use_cache, True

    def report(record: Record, reason: str) -> None:
        if record.id not in reported:
            print_rank0(f"WARNING: not asked: record {record.id}: {reason}")
            reported.add(record.id)

    try:
        return list(answers_of(model, processor, records, report, batch_size, label=label))
    finally:
        model.config.use_cache = cached


def answers_of(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    records: Sequence[Record],
    report: Callable[[Record, str], None],
    batch_size: int = 16,
    looks: int | None = None,
    num_frames: int = 8,
    max_new_tokens: int = 28,
    label: str = "answering",
) -> Iterator[str | None]:
    """Yields the answer to the first user turn of each record, in order; None after a report."""

    def answer(batch: Sequence[tuple[Record, Conversation]]) -> list[str | None]:
        try:
            conversations = [conversation for _, conversation in batch]
            return list(greedy_answers(model, processor, conversations, max_new_tokens, batch_size))
        except ValueError as error:
            if len(batch) > 1:  # one of them cannot be asked
                return [one for pair in batch for one in answer([pair])]
            report(batch[0][0], str(error))
            return [None]

    def read_question(record: Record) -> Conversation | None:
        try:
            conversation = first_question(record, num_frames, looks)
            num_tokens = len(processor.render(conversation, True).ids) + max_new_tokens
        except (ValueError, OSError) as error:
            report(record, str(error))
            return None
        context = model.config.get_text_config().max_position_embeddings
        if num_tokens <= context:
            return conversation
        report(record, f"has {num_tokens:,} tokens, more than the context of {context:,}")
        return None

    bar = tqdm(total=len(records), desc=label, unit="question", leave=False)
    with gathered(model), bar:
        for start in range(0, len(records), batch_size):
            batch = records[start : start + batch_size]
            read = [(record, read_question(record)) for record in batch]
            pairs = [(record, found) for record, found in read if found is not None]
            answers = iter(answer(pairs) if pairs else [])
            yield from (None if found is None else next(answers) for _, found in read)
            bar.update(len(batch))


@contextmanager
def gathered(model: PVCForConditionalGeneration) -> Iterator[None]:
    """Gathers the weights that FSDP shards with the model as a whole, such as the embeddings.

    Answering calls the model's parts, never its `forward`, which would gather them.
    """
    if not isinstance(model, FSDPModule):
        yield
        return
    model.unshard()
    try:
        yield
    finally:
        model.reshard()
