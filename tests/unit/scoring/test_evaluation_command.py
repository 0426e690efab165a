"""`python -m evaluation`: output, exit codes and errors."""

from pathlib import Path

import pytest
from fake_benchmark import Fake, make_fake
from tiny import tiny_assistant

from evaluation.__main__ import main
from evaluation.asking.answerer import Answerer
from evaluation.benchmarks import BENCHMARKS
from evaluation.runs.lock import only_writer
from evaluation.runs.log import read_log


class Broken(Fake):
    """A benchmark whose files are missing."""

    name = "broken"
    title = "Broken"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHMARKS, "fake", Fake())
    monkeypatch.setitem(BENCHMARKS, "broken", Broken())


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fake(tmp_path_factory.mktemp("sets") / "fake", clips=1, pictures=2).parent


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model saved to a folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    assistant = tiny_assistant()
    assistant.close()
    assistant.model.save_pretrained(folder)
    assistant.processor.save_pretrained(folder)
    return folder


def run(sets: Path, model: Path, out: Path, *more: str) -> int:
    return main(
        ["run", *(more or ("fake",)), "--data", str(sets), "--model", str(model), "--out", str(out)]
    )


def test_help_teaches_by_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["run"], ["score"], ["compare"], ["export"], ["toy"]):
        with pytest.raises(SystemExit) as end:
            main([*words, "--help"])
        assert end.value.code == 0
        assert "python -m evaluation" in capsys.readouterr().out.partition("example")[2]


def test_the_list_shows_what_each_benchmark_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert "questions.jsonl, written by make_fake" in said
    assert "any, strict" in said


def test_a_run_writes_a_table_a_json_file_and_a_report(
    sets: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sets, model, tmp_path) == 0
    said = capsys.readouterr()
    assert "Fake" in said.out
    assert "6/6" in said.err
    before = (tmp_path / "results.json").read_bytes()
    assert "<h1>tiny</h1>" in (tmp_path / "report.html").read_text()

    assert main(["score", str(tmp_path / "fake")]) == 0
    assert (tmp_path / "results.json").read_bytes() == before
    assert main(["score", str(tmp_path), "--mode", "strict"]) == 0
    assert (tmp_path / "results.json").read_bytes() != before

    assert run(sets, model, tmp_path / "blind", "fake", "--no-media") == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path), str(tmp_path / "blind")]) == 0
    assert "media: True, here False" in capsys.readouterr().out


def test_experts_are_named_as_in_the_chat(
    sets: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sets, model, tmp_path / "things", "fake", "--experts", "things") == 0
    first = read_log(tmp_path / "things/fake")[0]
    assert "words" in first["media"][0]
    assert run(sets, model, tmp_path / "none", "fake", "--experts", "none") == 0
    assert "words" not in read_log(tmp_path / "none/fake")[0]["media"][0]
    capsys.readouterr()
    assert run(sets, model, tmp_path / "words", "fake", "--words-only") == 2
    assert "--words-only needs experts" in capsys.readouterr().err


def test_an_unreadable_benchmark_does_not_stop_the_others(
    sets: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sets, model, tmp_path, "broken", "fake") == 1
    said = capsys.readouterr()
    assert "broken: there is no folder" in said.err
    assert "Fake" in said.out


def test_missing_data_are_reported_before_the_model_is_loaded(
    sets: Path,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(*more: object, **options: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(Answerer, "load", load)
    out = tmp_path / "out"
    assert run(tmp_path / "nowhere", model, out) == 2
    error = capsys.readouterr().err
    assert "fake: there is no folder" in error
    assert error.count("\n") == 1
    (tmp_path / "empty/fake").mkdir(parents=True)
    assert run(tmp_path / "empty", model, out) == 2
    assert "questions.jsonl" in capsys.readouterr().err
    assert not out.exists()


def test_a_second_command_into_the_same_folder_is_refused(
    sets: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_writer(tmp_path):
        assert run(sets, model, tmp_path) == 2
        error = capsys.readouterr().err
        assert f"another command is writing into {tmp_path}; wait for it" in error
        assert error.count("\n") == 1
    assert not (tmp_path / "fake").exists()
    assert run(sets, model, tmp_path) == 0


def test_a_failed_sample_sets_the_exit_code(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_fake(tmp_path / "sets/fake", clips=0, pictures=2)
    (data / "picture1.png").write_bytes(b"no picture")
    assert run(data.parent, model, tmp_path / "out") == 1
    assert "incomplete, 2 of 4 answered (2 failed" in capsys.readouterr().out
    assert main(["score", str(tmp_path / "out")]) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "videome"], "groups video, documents, images, motion, online"),
        (["run", "kinetcs"], "; did you mean kinetics?"),
        (["run", "nonsense"], "there is no benchmark 'nonsense'; known are"),
        (
            ["run", "fake", "--model", "/nowhere"],
            "--model /nowhere cannot be loaded: /nowhere is neither a folder",
        ),
        (["run", "fake", "--experts", "eyes"], '--experts names "eyes"; there are kinds'),
        (["run", "fake", "--words-only", "--no-media"], "--words-only shows what --no-media"),
        (["run", "fake", "--limit", "0"], "--limit is 0; it must be 1 or more."),
        (["run", "fake", "--mode", "odd"], "there is no mode 'odd' here; known are any, strict."),
        (["run", "fake", "--prompt", "odd"], "fake has no prompt mode 'odd'"),
        (["run", "fake", "--subtitles"], "fake has no subtitles."),
        (["run", "fake", "broken", "--subtitles"], "none of these benchmarks has subtitles"),
        (["score", "/nowhere"], "/nowhere holds no run"),
        (["compare", "/nowhere", "/nowhere"], "/nowhere holds no run"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_sentence(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_folder_without_a_model_is_refused_in_one_sentence(
    sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (None, "{}", "not JSON", '{"model_type": "llama"}'):
        if content is not None:
            (tmp_path / "config.json").write_text(content)
        assert run(sets, tmp_path, tmp_path / "out") == 2
        said = capsys.readouterr().err.strip()
        assert said.startswith("python -m evaluation run: ")
        assert "cannot be loaded" in said
        assert "\n" not in said
