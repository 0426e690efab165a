"""The probe: questions with accepted answers, counted before and after a run."""

from pathlib import Path

import pytest

from data.records import write_records
from training.watch.probe import Probe, has_fallen, probe_records


def test_only_records_with_accepted_answers_are_asked(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "red"}]
    plain = {"id": "1", "messages": messages}
    write_records(tmp_path / "a.jsonl", [plain, {**plain, "id": "2", "accept": [["red"]]}])
    assert [record.id for record in probe_records(("a.jsonl",), tmp_path)] == ["2"]
    assert len(probe_records(("facts", "a.jsonl"), tmp_path)) == 25
    write_records(tmp_path / "b.jsonl", [plain])
    with pytest.raises(ValueError, match=r"b.jsonl, which has no record with accepted answers"):
        probe_records(("b.jsonl",), tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "fallen"),
    [(10, 4, True), (10, 8, True), (10, 9, False), (2, 1, False), (2, 0, True), (None, 0, False)],
)
def test_a_fifth_of_the_right_answers_and_at_least_two_are_a_fall(
    before: int | None, after: int, fallen: bool
) -> None:
    assert has_fallen(before, after) == fallen


def test_a_fall_is_warned_of_once_and_summed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = Probe(probe_records(("facts",), tmp_path)[:12], None, tmp_path, 1)  # type: ignore[arg-type]
    counts = iter([10, 6, 4])
    monkeypatch.setattr(Probe, "_count", lambda self, model: next(counts))
    model = None
    probe.ask_before(model)  # type: ignore[arg-type]
    assert [probe.ask(model, step) for step in (50, 100)] == [6, 4]  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert printed.count("WARNING: other questions: 10/12 before, 6 at step 50: ") == 1
    assert printed.count("WARNING") == 1
    assert "mix in general data (`mix_in`)" in printed
    assert probe.summary(100).startswith("other questions: 10/12 before, 4/12 after")


def test_a_probe_that_was_added_after_the_kept_step_is_summed_up_without_it(
    tmp_path: Path,
) -> None:
    probe = Probe(probe_records(("facts",), tmp_path)[:12], None, tmp_path, 1)  # type: ignore[arg-type]
    assert probe.summary(100) == "other questions: not known before, not known after"
