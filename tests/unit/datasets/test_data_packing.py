"""Packed rows: whole samples that do not see each other and train like unpacked ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data.samples.collate import Collator
from data.samples.dataset import RecordDataset, RejectedSample, Sample, SamplingConfig
from data.samples.decoder import Decoder
from data.samples.packing import PackedDataset, PackedRow, PlannedRows, pack
from data.samples.token_lengths import LengthEstimator, LengthTable, measure_lengths
from data.sources.record_file import RecordFile
from data.sources.shuffle import permutation
from tests.media_maker import write_video
from tests.tiny import tiny_processor
from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model

PROCESSOR = tiny_processor()
ROW = 640


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of every shape: text, pictures, clips, several media, several turns."""
    root = tmp_path_factory.mktemp("packing")
    for index, size in enumerate([(40, 30), (200, 60), (30, 90)]):
        pixels = np.random.default_rng(index).integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{index}.png")
    write_video(root / "long.mp4", 12, size=(64, 48))
    write_video(root / "short.mp4", 3, size=(64, 48))
    contents: list[list[object]] = [
        ["What is two and two?"],
        ["0.png", "What is this?"],
        ["0.png", "and", "1.png", "which is redder?"],
        ["long.mp4", "What happens?"],
        ["short.mp4", "long.mp4", "2.png", "Which is longer?"],
        ["Hello", None, "1.png", "And now?"],
    ]
    lines = []
    for number, content in enumerate(contents):
        messages, parts = [{"role": "system", "content": "Be brief."}], []
        for part in [*content, None]:
            if part is None:
                messages.append({"role": "user", "content": parts})
                messages.append({"role": "assistant", "content": f"It is {number * 111}."})
                parts = []
            elif str(part).endswith((".png", ".mp4")):
                kind = "image" if str(part).endswith("png") else "video"
                parts.append({"type": kind, kind: part})
            else:
                parts.append({"type": "text", "text": part})
        lines.append(json.dumps({"id": str(number), "messages": messages}))
    (root / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def samples(folder: Path) -> list[Sample]:
    file = RecordFile(folder / "records.jsonl")
    found = RecordDataset(file, PROCESSOR, sampling=SamplingConfig((0.5, 0.5), (2, 6)))
    read = [found[place] for place in range(len(found))]
    assert all(isinstance(sample, Sample) for sample in read), read
    return read  # type: ignore[return-value]


@pytest.fixture(scope="module", params=["eager", "sdpa"])
def model(request: pytest.FixtureRequest) -> PVCForConditionalGeneration:
    model = build_model("test", seed=0)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "embed_tokens" not in name:
            parameter.data.mul_(8)  # otherwise all samples have nearly the same logits
    model.set_attn_implementation(request.param)
    return model.eval()


def two_rows(collator: Collator, samples: list[Sample]) -> dict:
    """Packs three samples per row; both rows end in padding."""
    return collator([PackedRow(samples[:3], ROW), PackedRow(samples[3:], ROW)])


def logits(model: PVCForConditionalGeneration, batch: dict) -> torch.Tensor:
    """[B, L, vocabulary] of a batch."""
    inputs = {
        name: value
        for name, value in batch.items()
        if isinstance(value, torch.Tensor) and name != "labels"
    }
    with torch.no_grad():
        return model(**inputs, use_cache=False).logits


def test_rows_hold_every_sample_once_and_never_overflow() -> None:
    lengths = (1 + permutation(3000, "lengths") % 300).tolist()
    lengths[17] = 0
    rows = list(pack(lengths, 512, seed=3))
    assert sorted(place for row in rows for place in row) == [i for i in range(3000) if i != 17]
    assert max(sum(lengths[place] for place in row) for row in rows) <= 512
    assert PlannedRows.of(np.array(lengths, np.int32), 512, 3).padding_share < 0.02
    assert rows == list(pack(lengths, 512, seed=3))
    assert rows != list(pack(lengths, 512, seed=4))


def test_packing_looks_ahead_by_a_window_only() -> None:
    """Later samples do not change earlier rows, so a run can be extended."""
    lengths = (1 + permutation(4000, "lengths") % 300).tolist()
    whole, begun = list(pack(lengths, 512)), list(pack(lengths[:3000], 512))
    assert whole[: len(begun) // 2] == begun[: len(begun) // 2]


def test_lengths_are_known_before_media_are_decoded(folder: Path, samples: list[Sample]) -> None:
    file, estimator, sampling = (
        RecordFile(folder / "records.jsonl"),
        LengthEstimator(PROCESSOR),
        SamplingConfig((0.5, 0.5), (2, 6)),
    )
    measures = measure_lengths(file.read, len(file), estimator, cache_path=folder / "kept.npz")
    again = measure_lengths(
        lambda index: pytest.fail("read"), len(file), estimator, 1, 1.0, folder / "kept.npz"
    )
    for place, sample in enumerate(samples):
        measure = measures[place]
        assert measure == again[place]
        assert not isinstance(measure, str)
        assert estimator.num_tokens(measure, sampling.draw(place)) == len(sample.rendered.ids)


def test_tiles_are_counted_from_the_header(folder: Path) -> None:
    record = RecordFile(folder / "records.jsonl")[2]
    measure = LengthEstimator(PROCESSOR, max_tiles=6).measure(record, Decoder())
    assert [tiles for _, tiles in measure.media] == [
        len(PROCESSOR.image_processor.tiles(np.zeros((*size, 3), np.uint8), 6))
        for size in ((40, 30), (200, 60))
    ]


def test_changing_one_sample_changes_no_other(
    model: PVCForConditionalGeneration, samples: list[Sample]
) -> None:
    """Two rows of three samples; the middle sample gets other text and other pixels."""
    collator = Collator(PROCESSOR)
    before = logits(model, two_rows(collator, samples))
    for row in (0, 1):
        rows = [list(samples[:3]), list(samples[3:])]
        old = rows[row][1]
        new = Sample("x", _other(old))
        assert len(new.rendered.ids) == len(old.rendered.ids)
        rows[row][1] = new
        after = logits(model, two_rows(collator, rows[0] + rows[1]))
        start = len(rows[row][0].rendered.ids)
        end = start + len(old.rendered.ids)
        untouched = torch.ones(2, ROW, dtype=torch.bool)
        untouched[row, start:end] = False
        assert torch.equal(before[untouched], after[untouched])
        assert not torch.allclose(before[~untouched], after[~untouched], atol=1e-3)


def _other(sample: Sample):  # noqa: ANN202
    """Returns the same shape with other text and other pictures."""
    from dataclasses import replace

    from vlm.conversation import Media

    ids = list(sample.rendered.ids)
    words = [i for i, token in enumerate(ids) if 10 < token < 250]
    for i in words:
        ids[i] += 1
    media = tuple(
        Media(m.kind, tuple(replace(clip, frames=255 - clip.frames) for clip in m.clips), m.times)
        for m in sample.rendered.media
    )
    return replace(sample.rendered, ids=ids, media=media)


def test_packed_samples_have_the_logits_of_single_ones(
    model: PVCForConditionalGeneration, samples: list[Sample]
) -> None:
    collator = Collator(PROCESSOR)
    packed = logits(model, two_rows(collator, samples))
    for row, members in enumerate((samples[:3], samples[3:])):
        start = 0
        for sample in members:
            alone = logits(model, collator([sample]))[0]
            torch.testing.assert_close(
                packed[row, start : start + len(alone)], alone, atol=2e-5, rtol=1e-4
            )
            start += len(alone)


def test_packed_loss_and_gradients_equal_unpacked_ones(
    model: PVCForConditionalGeneration, samples: list[Sample]
) -> None:
    collator = Collator(PROCESSOR)

    def loss_and_gradients(batch: dict) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        model.zero_grad()
        loss = model(**{k: v for k, v in batch.items() if isinstance(v, torch.Tensor)}).loss
        loss.backward()
        return loss.detach(), {
            name: parameter.grad.clone()
            for name, parameter in model.named_parameters()
            if parameter.grad is not None
        }

    loss, gradients = loss_and_gradients(collator(samples))
    packed_loss, packed = loss_and_gradients(two_rows(collator, samples))
    torch.testing.assert_close(packed_loss, loss)
    assert packed.keys() == gradients.keys()
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(packed[name], gradient, atol=2e-6 * largest, rtol=2e-4)


def test_an_unreadable_sample_leaves_its_position_empty(samples: list[Sample]) -> None:
    bad = RejectedSample(1, "a.jsonl, line 2", "is damaged")
    batch = Collator(PROCESSOR)([PackedRow([samples[0], bad], 300), PackedRow([bad], 300)])
    assert (batch["num_samples"], batch["num_tokens"]) == (3, len(samples[0].rendered.ids))
    assert [one["reason"] for one in batch["quarantined"]] == ["is damaged"] * 2
    assert batch["labels"][1].eq(-100).all()
    assert batch["position_ids"][1].tolist() == list(range(300))


def test_a_sample_longer_than_its_header_promised_is_rejected(folder: Path) -> None:
    samples = RecordDataset(
        RecordFile(folder / "records.jsonl"), PROCESSOR, sampling=SamplingConfig()
    )
    rows = PlannedRows.of(np.full(6, 50, np.int32), 100, 0)
    found = [item for row in PackedDataset(samples, rows)[0].samples for item in [row]]
    assert any(isinstance(item, RejectedSample) and "promised 50" in item.reason for item in found)


def test_failed_measurements_have_a_reason_and_are_retried(folder: Path) -> None:
    line = {
        "id": "x",
        "messages": [
            {"role": "user", "content": [{"type": "video", "video": "gone.mp4"}]},
            {"role": "assistant", "content": "a"},
        ],
    }
    path = folder / "broken.jsonl"
    path.write_text(json.dumps(line) + "\n")
    file, estimator = RecordFile(path), LengthEstimator(PROCESSOR)
    measures = measure_lengths(file.read, 1, estimator, cache_path=folder / "broken.npz")
    assert "does not exist" in str(measures[0])
    write_video(folder / "gone.mp4", 4, size=(64, 48))
    again = measure_lengths(file.read, 1, estimator, cache_path=folder / "broken.npz")
    assert not isinstance(again[0], str)
    assert LengthTable.load(folder / "broken.npz") is not None
