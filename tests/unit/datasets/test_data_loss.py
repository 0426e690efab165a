"""Answers marked not to be learned, blank answers and records longer than the context."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data.__main__ import main
from data.convert.run import convert
from data.embedded.multi_topic import RecordSources, multi_topic_records
from data.embedded.word_targets import WordTargets
from data.records import Record, RecordError, read_records, record_from_json, record_to_json
from data.samples.collate import Collator
from data.samples.dataset import RecordDataset, RejectedSample, Sample
from data.samples.first_question import first_question
from data.samples.packing import PackedRow
from data.samples.token_lengths import LengthEstimator, measure_lengths
from data.sources.record_file import RecordFile
from data.sources.shard_writer import write_shards
from data.sources.shards import samples_in
from tests.tiny import tiny_processor
from vlm.presets import preset_config
from vlm.prompt.writer import IGNORE

FALSE = [{"loss": False}, {"weight": 0}, {"weight": 0.0}, {"learn": False}, {"train": False}]


def turns(*answers: dict[str, Any] | str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for number, answer in enumerate(answers):
        given = {"content": answer} if isinstance(answer, str) else answer
        messages.append({"role": "user", "content": f"{number}?"})
        messages.append({"role": "assistant", **given})
    return messages


def parsed(*answers: dict[str, Any] | str, folder: Path = Path(), name: str = "x") -> Record:
    return record_from_json(json.dumps({"id": name, "messages": turns(*answers)}), folder, "here")


def learned(labels: list[int]) -> str:
    """The text that labels teach; markup is dropped."""
    ids = [label for label in labels if label != IGNORE]
    return tiny_processor().tokenizer.decode(ids, skip_special_tokens=True)


def sample(record: Record, **options: Any) -> Sample:
    found = RecordDataset([record], tiny_processor(), **options)[0]
    assert isinstance(found, Sample), found
    return found


def refused(record: Record, **options: Any) -> str:
    found = RecordDataset([record], tiny_processor(), **options)[0]
    assert isinstance(found, RejectedSample)
    return found.reason


@pytest.mark.parametrize("flag", FALSE)
def test_an_answer_without_loss_is_read_and_never_learned(flag: dict[str, Any]) -> None:
    record = parsed({"content": "wrong", **flag}, "right")
    plain = parsed("wrong", "right")
    assert [message.has_loss for message in record.messages] == [True, False, True, True]
    found, whole = sample(record), sample(plain)
    assert found.rendered.ids == whole.rendered.ids
    assert learned(whole.rendered.labels) == "wrongright"
    assert learned(found.rendered.labels) == "right"


@pytest.mark.parametrize("flag", [{"loss": True}, {"weight": 1}, {"loss": None}, {"weight": 1.0}])
def test_a_flag_for_learning_changes_nothing(flag: dict[str, Any]) -> None:
    assert parsed({"content": "a", **flag}) == parsed("a")


@pytest.mark.parametrize("flag", [{"weight": 0.5}, {"loss": "false"}, {"loss": []}, {"weight": 2}])
def test_a_flag_that_could_be_meant_either_way_is_refused(flag: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="it must be true or false, or 1 or 0"):
        parsed({"content": "a", **flag})


def test_collated_and_packed_labels_leave_out_the_answer() -> None:
    samples = [sample(parsed({"content": "no", "loss": False}, "yes")), sample(parsed("also"))]
    collate = Collator(tiny_processor())
    padded = collate(samples)["labels"].tolist()
    assert [learned(row) for row in padded] == ["yes", "also"]
    length = sum(len(one.rendered.ids) for one in samples)
    (row,) = collate([PackedRow(samples, length)])["labels"].tolist()
    assert learned(row) == "yesalso"


def test_shards_and_written_records_keep_the_flag(tmp_path: Path) -> None:
    record = parsed({"content": "no", "weight": 0}, "yes", folder=tmp_path)
    written = record_to_json(record, tmp_path)
    assert [message.get("loss") for message in written["messages"]] == [None, False, None, None]
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps(written) + "\n")
    assert list(read_records(path)) == [record]
    (shard,) = write_shards(RecordFile(path), tmp_path, "train", 1)
    (found,) = [one.record() for one in samples_in(shard)]
    assert [message.has_loss for message in found.messages] == [True, False, True, True]


def test_conversations_about_several_topics_keep_the_flag() -> None:
    records = [parsed({"content": "no", "loss": False}, "yes", name=str(n)) for n in range(4)]
    joined = list(multi_topic_records(RecordSources(records, records, records), 20, 1))
    for record in joined:
        for message in record.messages:
            assert message.has_loss == (message.text != "no")


def test_the_word_objective_does_not_learn_the_answer(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    messages = turns({"content": "zebra", "loss": False}, "cup")
    messages[0]["content"] = [{"type": "image", "image": "a.png"}]
    record = record_from_json(json.dumps({"messages": messages}), tmp_path, "x")
    targets = WordTargets(tiny_processor(), None)
    assert targets.words(record) == targets.ids(["cup"])


def test_converters_keep_openai_weights_and_swift_losses(tmp_path: Path) -> None:
    openai = {"messages": turns({"content": "no", "weight": 0}, {"content": "yes", "weight": 1})}
    swift = {"messages": turns("yes", {"content": "no", "loss": False})}
    values = [("human", "a", {}), ("gpt", "no", {"loss": False}), ("human", "b", {}),
              ("gpt", "yes", {})]  # fmt: skip
    llava = {"conversations": [{"from": who, "value": text, **more} for who, text, more in values]}
    unclear = {"messages": turns({"content": "a", "weight": 0.3})}
    nothing = {"messages": turns({"content": "a", "weight": 0})}
    for entries in ([openai, swift, unclear, nothing], [llava]):
        (tmp_path / "in.json").write_text(json.dumps(entries))
        (result,) = convert(tmp_path / "in.json", tmp_path / "out.jsonl")
        for record in read_records(tmp_path / "out.jsonl"):
            answers = [message for message in record.messages if message.role == "assistant"]
            assert [one.has_loss for one in answers] == [one.text == "yes" for one in answers]
        if entries != [llava]:
            reasons = [why for _, why in result.left_out]
            assert '"weight" is 0.3; it must be true or false, or 1 or 0' in reasons[0]
            assert "has no answer to learn" in reasons[1]


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t \r\n", "\u200b", "\ufeff\u00a0"])
def test_a_record_with_a_blank_answer_is_not_trained(blank: str, tmp_path: Path) -> None:
    record = parsed("a", blank, name="mine-7")
    assert refused(record) == (
        'record "mine-7": has an empty answer (number 2), which would teach the model to say '
        "nothing."
    )
    estimator = LengthEstimator(tiny_processor())
    table = measure_lengths(lambda _: record, 1, estimator)
    assert "has an empty answer" in str(table[0])
    assert sample(parsed("a", {"content": blank, "loss": False}))


@pytest.mark.parametrize("answer", ["0", ".", "👩‍👩‍👧", " a\n"])
def test_an_answer_of_one_visible_character_is_trained(answer: str) -> None:
    assert sample(parsed(answer))


def test_a_record_without_an_answer_to_learn_is_not_trained() -> None:
    reason = refused(parsed({"content": "a", "loss": False}))
    assert "has no answer to learn" in reason


def test_a_record_longer_than_the_context_is_left_out_by_name() -> None:
    record = parsed("a" * 300, name="mine-8")
    length = len(sample(record).rendered.ids)
    assert sample(record, max_length=length)
    assert refused(record, max_length=length - 1).startswith(
        f'record "mine-8": has {length} tokens, more than the context of {length - 1}'
    )


def test_a_first_question_keeps_the_system_text() -> None:
    messages = [{"role": "system", "content": "Be brief."}, *turns("a")]
    record = record_from_json(json.dumps({"messages": messages}), Path(), "x")
    assert [message.role for message in first_question(record, 1).messages] == ["system", "user"]
    assert len(first_question(parsed("a"), 1).messages) == 1


def checked(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    path, model = folder / "records.jsonl", folder / "model"
    if not model.exists():
        tiny_processor().save_pretrained(model)
        preset_config("test").save_pretrained(model)
    monkeypatch.setattr("sys.argv", ["data", "check", str(path), "--model", str(model), *options])
    return main()


def test_the_check_names_long_blank_and_unlearned_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = {
        "good": turns("a"),
        "long": turns("b" * 300),
        "blank": turns("a", "\n"),
        "none": turns({"content": "c", "loss": False}),
    }
    lines = [json.dumps({"id": name, "messages": found}) for name, found in records.items()]
    (tmp_path / "records.jsonl").write_text("\n".join(lines))
    assert checked(tmp_path, monkeypatch, "--json", "--max-length", "200") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["problem_counts"] == {"long": 1, "blank": 1, "unlearnable": 1}
    assert found["num_without_loss"] == 1
    length = len(sample(parsed("b" * 300)).rendered.ids)
    (long,) = [one["text"] for one in found["problems"] if one["kind"] == "long"]
    assert f'record "long" has {length} tokens, more than the context of 200' in long
    assert checked(tmp_path, monkeypatch, "--max-length", "200") == 1
    printed = capsys.readouterr().out
    assert "1  records longer than the context" in printed
    assert "1  records with an empty answer" in printed
    assert "1 answer excluded from the loss, read as context only" in printed


def test_the_check_uses_the_context_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = preset_config("test").get_text_config().max_position_embeddings
    text = json.dumps({"id": "x", "messages": turns("b" * (context + 1))})
    (tmp_path / "records.jsonl").write_text(text)
    assert checked(tmp_path, monkeypatch) == 1
    assert f"more than the context of {context:,}" in capsys.readouterr().out
    assert checked(tmp_path, monkeypatch, "--max-length", str(2 * context)) == 1
    assert checked(tmp_path, monkeypatch, "--max-length", "0") == 2
