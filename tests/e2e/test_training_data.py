"""Training on packed rows and on data with unusable records."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from data.records import write_records
from data.samples.collate import Collator
from data.samples.dataset import RejectedSample, Sample
from data.samples.packing import PackedDataset
from data.sources.record_file import RecordFile
from data.sources.shard_writer import write_shards
from tests.tiny import tiny_tokenizer
from tests.trainable import in_processes
from training.model.initial_model import load_initial_model
from training.recipe import Recipe, Source
from training.run import build_dataset, train
from vlm.presets import build_model
from vlm.processor import PVCProcessor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model and records of one to four turns about an image; one image is missing."""
    root = tmp_path_factory.mktemp("data")
    model = build_model("test")
    model.save_pretrained(root / "base")
    PVCProcessor.from_config(model.config, tiny_tokenizer()).save_pretrained(root / "base")
    lines = []
    for index in range(8):
        Image.new("RGB", (40, 30 + index), ("red", "blue")[index % 2]).save(root / f"{index}.png")
        picture = {"type": "image", "image": f"{index}.png"}
        messages = [{"role": "user", "content": [picture, {"type": "text", "text": "?"}]}]
        for turn in range(index % 4):
            messages.append({"role": "assistant", "content": "r" * (1 + turn)})
            messages.append({"role": "user", "content": "And?"})
        messages.append({"role": "assistant", "content": "b"})
        lines.append({"id": str(index), "messages": messages})
    write_records(root / "records.jsonl", lines)
    write_shards(RecordFile(root / "records.jsonl"), root, "train", 3)
    (root / "5.png").rename(root / "gone.png")
    return root


def recipe(folder: Path, output: str, **changes: object) -> Recipe:
    values: dict[str, object] = {
        "data": (Source("records.jsonl"),),
        "data_root": str(folder),
        "model": str(folder / "base"),
        "output": str(folder / output),
        "steps": 4,
        "batch_size": 2,
        "lora": None,
        "workers": 0,
        "save_every": 2,
        "log_every": 1,
        "bf16": False,
        "max_bad_share": 0.2,
        "packing": 220,
    }
    return Recipe(**{**values, **changes})  # type: ignore[arg-type]


def trained(folder: Path, output: str) -> dict[str, torch.Tensor]:
    return load_file(folder / output / "trained" / "model.safetensors")


def listed(folder: Path, output: str, name: str = "quarantine.jsonl") -> list[dict]:
    path = folder / output / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def resumed(folder: Path, name: str, **changes: object) -> list[dict]:
    """Trains in one go, then resumes from the middle with other workers; both must be equal.

    Returns the rejected samples.
    """
    train(recipe(folder, name, **changes))
    before, bad = trained(folder, name), listed(folder, name)
    for left in ("checkpoint-4", "trained", "model"):
        shutil.rmtree(folder / name / left)
    train(recipe(folder, name, **changes, workers=2))
    after = trained(folder, name)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert listed(folder, name) == bad
    return bad


@pytest.mark.parametrize("packing", [0, 220])
def test_a_run_with_missing_media_resumes_exactly_with_any_number_of_workers(
    folder: Path, packing: int
) -> None:
    bad = resumed(folder, f"packing-{packing}", packing=packing)
    assert {one["where"] for one in bad} == {f"{folder / 'records.jsonl'}, line 6"}
    assert all('"5.png" does not exist' in one["reason"] for one in bad)


def test_two_processes_equal_one_with_missing_media(folder: Path) -> None:
    """Rows so short that some hold only an unreadable sample."""
    changes = {"batch_size": 1, "packing": 130, "steps": 6, "looks": (0.0, 0.0, 0.0, 1.0)}
    train(recipe(folder, "one", gradient_accumulation_steps=2, **changes))
    assert in_processes(lambda: train(recipe(folder, "two", **changes)), 2) == [0, 0]
    one, two = trained(folder, "one"), trained(folder, "two")
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-6
    bad = listed(folder, "two") + listed(folder, "two", "quarantine-1.jsonl")
    assert sorted(line["place"] for line in bad) == sorted(
        line["place"] for line in listed(folder, "one")
    )
    assert bad


def test_a_run_on_packed_streams_resumes_exactly_with_any_number_of_workers(folder: Path) -> None:
    shards = (Source("train-{000000..000002}.tar"),)
    resumed(folder, "shards", data=shards, shuffle_buffer=3)


def test_packed_streams_do_not_depend_on_the_start(folder: Path) -> None:
    """Reads like a loader worker: forward, only its own rows."""
    changes = {"data": (Source("train-{000000..000002}.tar"),), "packing": 120, "steps": 10}
    settings = recipe(folder, "streamed", **changes)
    model, processor = load_initial_model(settings.model)

    def row(dataset: PackedDataset, index: int) -> list[str]:
        return [getattr(s, "id", "") or s.reason for s in dataset[index].samples]  # type: ignore[union-attr]

    first, second = (build_dataset(settings, model, processor) for _ in range(2))
    assert isinstance(first, PackedDataset)
    assert isinstance(second, PackedDataset)
    rows = [row(first, index) for index in range(20)]
    assert [row(second, index) for index in (3, 5, 6, 19, 2)] == [rows[i] for i in (3, 5, 6, 19, 2)]
    too_long = [one for members in rows for one in members if "a row holds 120" in one]
    assert too_long, "the longest record does not fit"
    assert len({one for members in rows for one in members} - set(too_long)) >= 6


def test_too_many_unusable_samples_end_the_run_with_one_sentence(folder: Path) -> None:
    with pytest.raises(ValueError, match="more than max_bad_share 0 allows") as caught:
        train(recipe(folder, "strict", max_bad_share=0.0))
    assert "records.jsonl, line 6" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_hold_several_samples_and_little_padding(folder: Path) -> None:
    settings = recipe(folder, "rows", steps=20)
    model, processor = load_initial_model(settings.model)
    dataset = build_dataset(settings, model, processor)
    assert isinstance(dataset, PackedDataset)
    assert len(dataset) == 40
    assert all(len(dataset.rows[row]) >= 2 for row in range(len(dataset)))
    assert dataset.padding_share < 0.15


def test_samples_longer_than_a_row_are_reported_before_the_run(folder: Path) -> None:
    settings = recipe(folder, "long", packing=75)
    model, processor = load_initial_model(settings.model)
    dataset = build_dataset(settings, model, processor)
    assert isinstance(dataset, PackedDataset)
    assert {bad.reason.split(",")[1] for bad in dataset.rejected} == {
        " a row holds 75: raise `packing`"
    }
    with pytest.raises(ValueError, match="no sample fits a row of 9 tokens"):
        build_dataset(recipe(folder, "none", packing=9), model, processor)


@pytest.mark.parametrize("packing", [0, 220])
def test_samples_longer_than_max_length_are_left_out_by_name(folder: Path, packing: int) -> None:
    changes = {"packing": packing, "max_length": 100, "max_bad_share": 1.0}
    train(recipe(folder, f"short-{packing}", **changes))
    reasons = [one["reason"] for one in listed(folder, f"short-{packing}")]
    long = [reason for reason in reasons if "more than the context of 100" in reason]
    assert long
    assert len(long) < len(reasons), "5.png is still missing"
    assert all("\n" not in reason for reason in reasons)


@pytest.mark.parametrize("max_length", [0, 10**6])
def test_without_max_length_the_context_of_the_model_is_the_limit(
    folder: Path, max_length: int
) -> None:
    settings = recipe(folder, "context", packing=0, max_length=max_length)
    model, processor = load_initial_model(settings.model)
    model.config.get_text_config().max_position_embeddings = 100
    dataset = build_dataset(settings, model, processor)
    assert any("context of 100" in getattr(dataset[n], "reason", "") for n in range(len(dataset)))


def test_samples_rejected_before_a_packed_run_are_a_share_of_all_its_samples(folder: Path) -> None:
    changes = {"steps": 40, "save_every": 40, "packing": 140, "max_length": 110}
    with pytest.raises(
        ValueError, match=r"of \d+ samples cannot be used .*more than max_bad_share"
    ):
        train(recipe(folder, "planned-few", **changes, max_bad_share=0.01))
    train(recipe(folder, "planned", **changes, max_bad_share=0.6))
    bad = [one for one in listed(folder, "planned") if "context of 110" in one["reason"]]
    assert bad
    assert {one["step"] for one in bad} == {0}


def test_a_packed_stream_leaves_out_long_samples_as_well(folder: Path) -> None:
    shards = (Source("train-{000000..000002}.tar"),)
    settings = recipe(folder, "long-stream", data=shards, packing=220, max_length=100, steps=10)
    model, processor = load_initial_model(settings.model)
    dataset = build_dataset(settings, model, processor)
    found = [one for row in range(20) for one in dataset[row].samples]  # type: ignore[union-attr]
    reasons = [one.reason for one in found if isinstance(one, RejectedSample)]
    assert any("more than the context of 100" in reason for reason in reasons)
    assert all(len(one.rendered.ids) <= 100 for one in found if isinstance(one, Sample))


@pytest.mark.parametrize("packing", [0, 220])
def test_blank_answers_are_left_out_and_answers_without_loss_are_not_learned(
    folder: Path, packing: int
) -> None:
    def turn(answer: str, **flag: object) -> list[dict[str, object]]:
        return [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": answer, **flag},
        ]

    lines = [
        {"id": "kept", "messages": [*turn("no", loss=False), *turn("yes")]},
        {"id": "blank", "messages": [*turn("yes"), *turn(" \n")]},
    ]
    write_records(folder / "marked.jsonl", lines)
    settings = recipe(folder, "marked", data=(Source("marked.jsonl"),), packing=packing)
    model, processor = load_initial_model(settings.model)
    dataset = build_dataset(settings, model, processor)
    labels = Collator(processor)([dataset[0], dataset[1]])["labels"]
    words = processor.tokenizer.decode(labels[labels != -100], skip_special_tokens=True)
    assert words.replace("yes", "") == ""
    assert words
    rejected = getattr(dataset, "rejected", []) or [dataset[n] for n in range(len(dataset))]
    reasons = {one.reason for one in rejected if isinstance(one, RejectedSample)}
    assert all(reason.startswith('record "blank": has an empty answer') for reason in reasons)
    assert len(reasons) == 1
