"""JSON from files that people made: any UTF-8 is read, everything else is one sentence."""

import json
from pathlib import Path

import pytest

from data.__main__ import main
from data.convert.run import convert
from data.json_text import parse_line
from data.records import RecordError, read_records, record_from_json, write_records
from data.samples.disk_cache import DiskCache
from data.samples.quarantine import Quarantine
from data.samples.token_lengths import LengthTable
from data.sources.record_file import RecordFile
from data.sources.shard_writer import write_shards
from data.sources.shards import samples_in
from training.recipe import load_recipe

MARK = b"\xef\xbb\xbf"


def line(name: str = "x", answer: str = "A.") -> str:
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]
    return json.dumps({"id": name, "messages": turns})


def llava(answer: str = "A.") -> dict:
    return {"conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": answer}]}


def test_a_byte_order_mark_hides_no_record(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    joined = "\n".join([line("one"), line("two")]).encode()
    path.write_bytes(MARK + joined + b"\n" + MARK + joined + b"\n")  # two such files in one
    names = ["one", "two", "one", "two"]
    assert [record.id for record in read_records(path)] == names
    assert [record.id for record in RecordFile(path)] == names
    assert all(RecordFile(path).rough_lengths > 0)
    (shard,) = write_shards(RecordFile(path), tmp_path / "tars", "train", 9)
    assert [sample.record().id for sample in samples_in(shard)] == names


def test_a_file_of_only_a_byte_order_mark_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(MARK + b"\r\n")
    assert list(read_records(path)) == list(RecordFile(path)) == []


@pytest.mark.parametrize("name", ["in.json", "in.jsonl"])
def test_a_byte_order_mark_hides_no_conversation(tmp_path: Path, name: str) -> None:
    lists = json.dumps([llava("one"), llava("two")])
    lines = "\n".join(json.dumps(llava(answer)) for answer in ("one", "two"))
    content = lists if name == "in.json" else lines
    (tmp_path / name).write_bytes(MARK + content.encode())
    (result,) = convert(tmp_path / name, tmp_path / "out.jsonl")
    assert (result.num_records, result.left_out) == (2, [])


def test_a_byte_order_mark_before_a_list_of_files(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_bytes(MARK + json.dumps(llava()).encode())
    meta = {"one": {"root": ".", "annotation": "one.jsonl", "repeat_time": 2}}
    (tmp_path / "meta.json").write_bytes(MARK + json.dumps(meta).encode())
    (result,) = convert(tmp_path / "meta.json", tmp_path / "out.jsonl", "internvl")
    assert (result.num_records, result.repeat) == (1, 2.0)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_other_encodings_of_unicode_are_one_sentence(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "wide.jsonl"
    path.write_bytes(line().encode(encoding))
    for read in (lambda: list(read_records(path)), lambda: RecordFile(path)):
        with pytest.raises(RecordError, match="UTF-16 or UTF-32; save it as UTF-8") as caught:
            read()
        assert str(path) in str(caught.value)
    for name, content in (("wide.json", json.dumps([llava()])), ("w.jsonl", json.dumps(llava()))):
        (tmp_path / name).write_bytes(content.encode(encoding))
        with pytest.raises(ValueError, match=f"{name}: is not UTF-8 text but UTF-16 or UTF-32"):
            convert(tmp_path / name, tmp_path / "out.jsonl")
    assert not list(tmp_path.glob("out*"))


def test_a_line_of_another_encoding_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    latin = json.dumps(llava("café"), ensure_ascii=False).encode("latin-1")
    path.write_bytes(
        b"\n".join([json.dumps(llava()).encode(), latin, json.dumps(llava()).encode()])
    )
    (result,) = convert(path, tmp_path / "out.jsonl")
    assert result.num_records == 2
    assert result.left_out == [(f"{path}, line 2", "is not UTF-8 text")]


UNUSABLE = [
    ('"\\ud83d"', "half of a character"),
    ('"\\udc00 and text"', "half of a character"),
    ('{"a": 1, "a": 2}', "has the key 'a' twice"),
    ("[" * 500 + "]" * 500, "nested too deeply"),
]


@pytest.mark.parametrize(("value", "reason"), UNUSABLE)
def test_one_unusable_entry_is_left_out_by_name(tmp_path: Path, value: str, reason: str) -> None:
    good = json.dumps(llava())
    bad = good[:-1] + f', "note": {value}}}'
    for name, text in (("a.json", f"[{good},{bad},{good}]"), ("a.jsonl", f"{good}\n{bad}\n{good}")):
        (tmp_path / name).write_text(text)
        (result,) = convert(tmp_path / name, tmp_path / "out.jsonl")
        assert result.num_records == 2
        ((where, why),) = result.left_out
        assert where.endswith(" 2")
        assert reason in why
    record = line()[:-1] + f', "note": {value}}}'
    with pytest.raises(RecordError, match="^here: ") as caught:
        record_from_json(record, tmp_path, "here")
    assert reason in str(caught.value)
    assert not list(tmp_path.glob("*.part"))


def test_nesting_beyond_the_reader_itself_names_the_file(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    (tmp_path / "a.json").write_text(f"[{deep}]")
    with pytest.raises(ValueError, match="a.json: is nested too deeply"):
        convert(tmp_path / "a.json", tmp_path / "out.jsonl")
    path = tmp_path / "records.jsonl"
    path.write_text(f'{{"id": "x", "messages": {deep}}}\n{line()}\n')
    file = RecordFile(path)
    with pytest.raises(RecordError, match="line 1: is nested too deeply"):
        file.read(0)
    assert file.read(1).id == "x"


def test_numbers_that_json_does_not_know_matter_only_where_they_are_used(tmp_path: Path) -> None:
    for number in ("NaN", "-Infinity", "1e999", "9" * 5000):
        assert record_from_json(line()[:-1] + f', "score": {number}}}', tmp_path, "x").id == "x"
        boxes = f'"objects": {{"frames": [[["cup", {number}, 0.5, 0.1, 0.1]]]}}'
        with pytest.raises(RecordError, match='"objects" must be'):
            record_from_json(f"{line()[:-1]}, {boxes}}}", tmp_path, "x")
        part = {"type": "concept", "class": 1, "seed": 2, "confidence": 0.5}
        for key in ("class", "confidence"):
            text = line().replace('"?"', json.dumps([{**part, key: "HERE"}]))
            with pytest.raises(RecordError, match="needs class, seed and confidence"):
                record_from_json(text.replace('"HERE"', number), tmp_path, "x")


def test_pandas_writes_nan_for_a_conversation_without_a_picture(tmp_path: Path) -> None:
    text = json.dumps([{**llava(), "image": float("nan")}])
    (tmp_path / "a.json").write_text(text)
    (result,) = convert(tmp_path / "a.json", tmp_path / "out.jsonl")
    assert (result.num_records, result.left_out) == (1, [])


def test_whole_characters_in_escapes_are_text() -> None:
    assert parse_line('"\\ud83d\\ude00"') == "\U0001f600"


def test_a_record_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    records = [{"id": "one"}, {"id": "two", "messages": ["\ud83d"]}]
    with pytest.raises(RecordError, match=r"out.jsonl, record 'two': contains \\ud83d, half of"):
        write_records(tmp_path / "out.jsonl", records)
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_that_is_no_text_does_not_end_a_conversion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "caf\udce9.jsonl"  # Latin-1 bytes, as Python reads them
    source.write_text(json.dumps(llava()) + "\n{broken\n")
    monkeypatch.setattr("sys.argv", ["data", "convert", str(source), str(tmp_path / "out.jsonl")])
    assert main() == 1
    assert "caf\\udce9.jsonl, line 2" in capsys.readouterr().out
    (record,) = read_records(tmp_path / "out.jsonl")
    assert record.id == "caf\\udce9-0000001"
    listed = json.loads((tmp_path / "out.not-converted.jsonl").read_text(encoding="utf-8"))
    assert listed["where"].endswith("line 2")
    source.write_text(line("") + "\n")  # a record without an id is named by its file
    assert len(write_shards(RecordFile(source), tmp_path / "tars", "train", 1)) == 1


def test_the_quarantine_survives_any_name_and_half_a_line(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.jsonl", 1.0)
    sample = {"place": 0, "where": "caf\udce9, line 1", "reason": "a\u2028b"}
    quarantine.add(1, 2, [sample])
    quarantine.add(2, 2, [sample])
    with quarantine.path.open("a") as file:
        file.write('{"step": 2, "pl')
    quarantine.resume(1, 2)
    assert quarantine.num_bad == 1
    (kept,) = [json.loads(text) for text in quarantine.path.read_text().split("\n") if text]
    assert kept["reason"] == "a\u2028b"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_recipe_is_read_with_a_mark_and_refused_as_utf_16(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes("data: [{path: a.jsonl}]\noutput: runs/x\n".encode(encoding))
    if encoding == "utf-8-sig":
        assert load_recipe(path).data[0].path == "a.jsonl"
        return
    with pytest.raises(ValueError, match="recipe.yaml: is not UTF-8 text but UTF-16"):
        load_recipe(path)


def test_an_interrupted_writer_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "records.jsonl"
    write_records(path, [{"id": "old"}])
    with pytest.raises(KeyboardInterrupt):
        write_records(path, (interrupted() for _ in range(2)))  # type: ignore[misc]
    monkeypatch.setattr("numpy.savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LengthTable(()).save(tmp_path / "lengths.npz")
    monkeypatch.setattr("data.samples.disk_cache.save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        DiskCache(tmp_path, 100).put("ab", {})
    monkeypatch.setattr("data.sources.shard_writer._add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_shards([None], tmp_path, "train", 1)  # type: ignore[list-item]
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["records.jsonl"]
    assert path.read_text() == '{"id": "old"}\n'
