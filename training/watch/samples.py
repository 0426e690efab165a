"""Greedy answers to a small fixed set of questions during training, which a loss cannot show.

With every checkpoint the model answers the first questions of the recipe's `samples` file. The
answers go to samples.md, step by step under each question, and to samples.jsonl.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch.distributed.fsdp import FSDPModule
from tqdm import tqdm

from data.records import Record
from data.samples.first_question import first_question
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

    def answer(self, model: PVCForConditionalGeneration, step: int, writes: bool) -> None:
        """Answers on every process, since sharded weights are gathered from all; one writes."""
        model.eval()
        cached, model.config.use_cache = model.config.use_cache, True
        answers = answer_records(
            model, self.processor, self.records, batch_size=self.batch_size, label="samples"
        )
        model.config.use_cache = cached
        if not writes:
            return
        lines = [line for line in self._lines() if line["step"] < step]
        for record, answer in zip(self.records, answers, strict=True):
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
    """One section for each question, one row for each step."""
    sections: dict[str, list[str]] = {}
    for line in lines:
        title = f"## {line['id']}: {_cell(line['question'])}\n\nExpected: {_cell(line['expected'])}"
        rows = sections.setdefault(title, ["| step | answer |", "|---|---|"])
        rows.append(f"| {line['step']} | {_cell(line['answer'])} |")
    body = "\n\n".join(title + "\n\n" + "\n".join(rows) for title, rows in sections.items())
    return f"# Answers while training\n\n{body}\n"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ").strip()


def answer_records(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    records: Sequence[Record],
    looks: int | None = None,
    num_frames: int = 8,
    max_new_tokens: int = 28,
    batch_size: int = 16,
    label: str = "answering",
) -> list[str]:
    """Returns the answer to the first user turn of each record, in order."""
    out: list[str] = []
    bar = tqdm(total=len(records), desc=label, unit="question", leave=False)
    with gathered(model), bar:
        for start in range(0, len(records), batch_size):
            batch = records[start : start + batch_size]
            conversations = [first_question(record, num_frames, looks) for record in batch]
            out += greedy_answers(model, processor, conversations, max_new_tokens, batch_size)
            bar.update(len(batch))
    return out


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
