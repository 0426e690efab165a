"""Records survive writing and reading; errors name the file and line."""

import json
from pathlib import Path

import pytest

from data.records import (
    MediaFile,
    Record,
    RecordError,
    RecordMessage,
    RecordText,
    read_records,
    record_to_json,
    resolve_media,
    write_records,
)

USER = {
    "role": "user",
    "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "?"}],
}
ANSWER = {"role": "assistant", "content": "A cup."}


def written(folder: Path, *lines: object) -> Path:
    path = folder / "records.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_a_written_record_is_read_back_unchanged(tmp_path: Path) -> None:
    record = Record(
        id="one",
        messages=(
            RecordMessage(
                "user",
                (MediaFile("video", tmp_path / "media" / "ä.mp4"), RecordText("What moves?")),
            ),
            RecordMessage("assistant", (RecordText("The café's cup."),)),
            RecordMessage("user", (RecordText("Which way?"),)),
            RecordMessage("assistant", (RecordText("To the left."),)),
        ),
        tasks=("mover", "motion"),
        accept=(("cup",), ("left",)),
        near=(("mug",), ()),
        wrong=((), ("right",)),
    )
    path = tmp_path / "records.jsonl"
    assert write_records(path, [record_to_json(record, tmp_path)]) == 1
    assert list(read_records(path)) == [record]
    assert record.turns == (("What moves?", "The café's cup."), ("Which way?", "To the left."))


def test_a_single_task_applies_to_all_answers(tmp_path: Path) -> None:
    second = {"role": "user", "content": "And now?"}
    line = {"id": "x", "messages": [USER, ANSWER, second, ANSWER], "task": "name"}
    (record,) = read_records(written(tmp_path, line))
    assert record.tasks == ("name", "name")


def test_empty_lines_are_skipped(tmp_path: Path) -> None:
    line = {"id": "x", "messages": [USER, ANSWER]}
    assert len(list(read_records(written(tmp_path, line, "", "   ", line)))) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "is not JSON"),
        ([1], "a record must be a JSON object"),
        ({"id": "x"}, '"messages" must be a non-empty list'),
        ({"messages": [USER]}, "roles must be user, assistant"),
        ({"messages": [ANSWER, USER]}, "roles must be user, assistant"),
        ({"messages": [{"role": "robot", "content": "hi"}, ANSWER]}, "'robot'"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}, ANSWER]}, "'audio'"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}, ANSWER]}, 'needs "image"'),
        (
            {"messages": [USER, {**USER, "role": "assistant"}]},
            "assistant message cannot contain media",
        ),
        ({"messages": [USER, ANSWER], "accept": [["a"], ["b"]]}, '"accept" must be 1 lists'),
        ({"messages": [USER, ANSWER], "accept": "cup"}, '"accept" must be 1 lists'),
        (
            {"messages": [USER, ANSWER], "task": ["a", "b"]},
            '"task" must be a string or a list of 1',
        ),
    ],
)
def test_an_error_names_the_file_and_line(tmp_path: Path, line: object, message: str) -> None:
    good = {"id": "x", "messages": [USER, ANSWER]}
    path = written(tmp_path, good, line)
    records = read_records(path)
    next(records)
    with pytest.raises(RecordError, match="line 2") as caught:
        next(records)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_an_error_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="missing.jsonl"):
        next(read_records(tmp_path / "missing.jsonl"))


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "media/../../x.png", "https://host/x.png"]
)
def test_media_paths_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="media path"):
        resolve_media(tmp_path, name)


def test_a_symlink_out_of_the_folder_is_rejected(tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.touch()
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.png").symlink_to(outside)
    with pytest.raises(RecordError, match="leads out of"):
        next(read_records(written(folder, {"messages": [USER, ANSWER]})))


def test_a_file_appears_only_when_complete(tmp_path: Path) -> None:
    def interrupted():  # noqa: ANN202
        yield {"id": "one"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(tmp_path / "records.jsonl", interrupted())
    assert not (tmp_path / "records.jsonl").exists()
