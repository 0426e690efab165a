"""The embedded model keeps its skills: a floor under its answers about synthetic worlds."""

from pathlib import Path

import pytest
import torch

from data.records import Record, read_records
from data.scoring import judge
from data.synthetic.build import BuildJob, build
from data.synthetic.worlds import HELD_TASKS
from training.watch.samples import answers_of
from vlm.loading import default_dtype
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

EACH = 8  # questions of a task
TASKS = ("colour", "count", "order", "presence")
FLOOR = 0.5  # without visual tokens about a quarter is right


@pytest.fixture(scope="module")
def held_records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Builds worlds of drawn shapes, in colors and words that training never combined."""
    folder = tmp_path_factory.mktemp("held")
    build(BuildJob(folder, "held", seed=99, assets=folder / "none"), EACH * len(HELD_TASKS))
    return [record for record in read_records(folder / "records.jsonl") if record.task in TASKS]


def test_the_embedded_model_answers_about_synthetic_worlds(
    embedded_folder: Path, held_records: list[Record]
) -> None:
    dtype = default_dtype(torch.device("cpu"))
    model = PVCForConditionalGeneration.from_pretrained(embedded_folder, dtype=dtype)
    processor = PVCProcessor.from_pretrained(embedded_folder)
    given = list(answers_of(model.eval(), processor, held_records, _refuse))
    right = [judge(r, a or "") == "right" for r, a in zip(held_records, given, strict=True)]
    assert len(right) == EACH * len(TASKS)
    assert sum(right) >= FLOOR * len(right), [*zip(held_records, given, strict=True)]


def _refuse(record: Record, reason: str) -> None:
    pytest.fail(f"record {record.id}: {reason}")
