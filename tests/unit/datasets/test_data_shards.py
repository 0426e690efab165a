"""Records streamed from tar files: complete, in one order for all processes, resumable."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from data.__main__ import main
from data.records import MediaFile, RecordError, RecordText
from data.samples.dataset import RecordDataset, RejectedSample, Sample, SamplingConfig
from data.sources.mixture import Mixture, draw_order
from data.sources.record_file import RecordFile
from data.sources.shards import ShardStream, expand
from tests.media_maker import write_video
from tests.tiny import tiny_processor
from vlm.presets import preset_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty records, each with a picture in its own gray, one with a clip; seven per tar file."""
    root = tmp_path_factory.mktemp("shards")
    write_video(root / "v.mp4", 5, size=(64, 48))
    lines = []
    for number in range(40):
        Image.new("RGB", (8, 8), (number,) * 3).save(root / f"{number}.png")
        parts: list[dict] = [{"type": "image", "image": f"{number}.png"}]
        parts += [{"type": "video", "video": "v.mp4"}] if number == 3 else []
        parts.append({"type": "text", "text": f"Which? {'x' * number}"})
        messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": "A."}]
        lines.append(json.dumps({"id": str(number), "messages": messages}))
    (root / "records.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        command = [str(root / "records.jsonl"), str(root / "tars"), "--per-shard", "7"]
        patch.setattr("sys.argv", ["data", "shards", *command])
        assert main() == 0
    return root


def stream(folder: Path, **options: int) -> ShardStream:
    return ShardStream(folder / "tars" / "train-{000000..000005}.tar", **options)


def test_braces_expand_to_every_shard() -> None:
    assert expand("a-{08..11}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]
    assert expand("{0..1}/{3..4}.tar") == ["0/3.tar", "0/4.tar", "1/3.tar", "1/4.tar"]
    with pytest.raises(ValueError, match="counts backwards"):
        expand("a-{3..1}.tar")


def test_every_epoch_has_every_record_once_in_a_new_order(folder: Path) -> None:
    found = stream(folder, buffer=10)
    ids = [found[n].id for n in range(80)]
    assert set(ids[:40]) == set(ids[40:]) == {str(n) for n in range(40)}
    assert ids[:40] != ids[40:]
    assert ids[:40] != [str(n) for n in range(40)]
    assert ids != [stream(folder, seed=1, buffer=10)[n].id for n in range(80)]


def test_a_sample_does_not_depend_on_how_it_was_reached(folder: Path) -> None:
    ids = [stream(folder, buffer=10)[n].id for n in range(60)]
    late = stream(folder, buffer=10, keep=4)
    assert [late[n].id for n in (55, 57, 56, 59)] == [ids[n] for n in (55, 57, 56, 59)]
    assert late[2].id == ids[2]  # far back: the stream restarts


def test_records_and_media_are_read_back_unchanged(folder: Path) -> None:
    wanted = RecordFile(folder / "records.jsonl")[3]
    found = stream(folder)
    record = next(r for r in map(found.__getitem__, range(40)) if r.id == "3")
    assert [type(p) for m in record.messages for p in m.parts if isinstance(p, RecordText)]
    assert record.turns == wanted.turns
    assert [media.kind for media in record.media] == ["image", "video"]

    processor = tiny_processor()
    samples = [
        RecordDataset([one], processor, sampling=SamplingConfig(None, (4, 4)))[0]
        for one in (wanted, record)
    ]
    assert all(isinstance(sample, Sample) for sample in samples), samples
    for ours, theirs in zip(samples[0].rendered.frames, samples[1].rendered.frames, strict=True):
        assert np.array_equal(ours, theirs)


def test_batches_depend_neither_on_the_number_of_workers_nor_on_the_start(
    folder: Path,
) -> None:
    def batches(workers: int, start: int = 0) -> list[list[str]]:
        sources = [stream(folder, buffer=10), RecordFile(folder / "records.jsonl")]
        order = draw_order([3, 1], 64, seed=5)
        mixture = Mixture(sources, order, batch_size=4)
        dataset = RecordDataset(mixture, tiny_processor())
        loader = DataLoader(
            dataset,
            batch_sampler=[range(i, i + 4) for i in range(start, 64, 4)],
            num_workers=workers,
            collate_fn=lambda samples: [sample.id for sample in samples],
        )
        return list(loader)

    alone = batches(0)
    assert len({tuple(batch) for batch in alone}) > 8
    assert batches(2) == alone
    assert batches(3, start=24) == alone[6:]


def written(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def line(name: str) -> bytes:
    parts = [{"type": "image", "image": name}, {"type": "text", "text": "?"}]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": "A."}]
    return json.dumps({"messages": messages}).encode()


def test_foreign_tar_files_are_read_and_their_faults_named(folder: Path, tmp_path: Path) -> None:
    picture = (folder / "7.png").read_bytes()
    path = written(
        tmp_path / "a.tar",
        {
            "./set/1.png": picture, "./set/1.json": line("set/1.png"),
            "./set/2.json": line("set/1.png"), "./set/2.png": picture,
            "./set/3.png": picture,
            "./set/4.json": b"{broken",
            "./set/5.json": line("../../../etc/passwd"),
            "./set/6.json": line("set/6.x.png"), "./set/6.x.png": picture[:40],
        },
    )  # fmt: skip
    found = ShardStream(path, buffer=1)
    dataset = RecordDataset(Mixture([found], draw_order([1], 6, 0)), tiny_processor())
    items = {found.where(n).rpartition("/")[2]: dataset[n] for n in range(6)}
    assert isinstance(items["1"], Sample)
    assert isinstance(found[0].media[0], MediaFile)
    reasons = {
        name: item.reason for name, item in items.items() if isinstance(item, RejectedSample)
    }
    assert "set/1.png is not next to the record" in reasons["2"]
    assert "there is no .json" in reasons["3"]
    assert "is not JSON" in reasons["4"]
    assert "leads out of the folder" in reasons["5"]
    assert '"6.x.png" begins like a PNG' in reasons["6"]


def test_a_truncated_tar_file_is_named_and_the_next_one_read(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "tars" / "train-000000.tar").read_bytes()
    (tmp_path / "a-0.tar").write_bytes(whole[: 512 * 13 + 100])
    (tmp_path / "a-1.tar").write_bytes(whole)
    found = ShardStream(tmp_path / "a-{0..1}.tar", buffer=1)
    samples = [found.sample(n) for n in range(20)]
    faulty = {sample.where for sample in samples if sample.fault}
    assert faulty == {str(tmp_path / "a-0.tar")}
    assert "000000006" in {sample.where.rpartition(" ")[2] for sample in samples}


def test_tar_files_are_checked_like_jsonl_files(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_processor().save_pretrained(folder / "model")
    preset_config("test").save_pretrained(folder / "model")
    tars = str(folder / "tars" / "train-{000000..000005}.tar")
    command = ["data", "check", tars, "--json", "--model", str(folder / "model")]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["num_records"], found["media"]) == (40, {"image": 40, "video": 1})


def test_missing_and_empty_tar_files_give_a_one_sentence_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"gone-0.tar: does not exist"):
        ShardStream(tmp_path / "gone-{0..3}.tar")
    written(tmp_path / "empty.tar", {})
    with pytest.raises(RecordError, match="these tar files contain no samples"):
        ShardStream(tmp_path / "empty.tar")
