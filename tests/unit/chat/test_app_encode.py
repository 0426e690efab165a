"""`python -m app encode` writes the features of files and folders, or one sentence."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import app.__main__ as command
from app.console.clips import find_clips
from tests.media_maker import write_video
from vlm.features.file import read_features

TINY = ["--encoder", "vpt-deep-test", "--frames", "3"]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clips/ with a video, an image below it, and files that are no media."""
    folder = tmp_path_factory.mktemp("media") / "clips"
    (folder / "walks").mkdir(parents=True)
    write_video(folder / "a.mp4", 6, fps=3, size=(32, 24))
    Image.new("RGB", (40, 30), "red").save(folder / "walks" / "b.png")
    Image.new("RGB", (40, 30), "red").save(folder / ".hidden.png")
    (folder / "notes.txt").write_text("nothing")
    return folder


def test_a_clip_has_pooled_and_token_features_with_their_times(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "f.safetensors"
    assert command.main(["encode", str(media / "a.mp4"), *TINY, "--out", str(out)]) == 0
    tensors = load_file(out)
    assert tensors["pooled"].shape == (16,)
    assert tensors["tokens"].shape == (3, 4, 16)
    assert tensors["times"].tolist() == tensors["token_times"].tolist()
    (_, header) = read_features(out)
    assert (header["preset"], header["weights"]) == ("vpt-deep-test", "random, seed 0")
    out, err = capsys.readouterr()
    assert out.endswith("f.safetensors: 1 clip\n")
    assert err.startswith("vpt-deep-test has random weights (seed 0)")
    assert err.count("\n") == 1


def test_a_folder_gives_the_media_in_it_by_name(media: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.safetensors"
    arguments = ["encode", str(media), *TINY, "--pooled-only", "--quiet", "--out", str(out)]
    assert command.main(arguments) == 0
    assert {"a.mp4/pooled", "walks/b.png/pooled"} <= load_file(out).keys()
    assert not [name for name in load_file(out) if name.endswith("tokens")]


def test_an_empty_film_in_a_folder_is_not_passed_over_in_silence(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mp4").write_bytes((media / "a.mp4").read_bytes())
    (tmp_path / "empty.MP4").touch()
    out = tmp_path / "f.safetensors"
    assert command.main(["encode", str(tmp_path), *TINY, "--quiet", "--out", str(out)]) == 1
    assert "empty.MP4" in capsys.readouterr().err
    assert len(read_features(out)[0]) == 1


def test_files_are_named_below_the_folder_that_holds_them_all(media: Path) -> None:
    both = [str(media / "walks" / "b.png"), str(media / "a.mp4"), str(media / "a.mp4")]
    assert [clip.name for clip in find_clips(both)] == ["walks/b.png", "a.mp4"]
    assert [clip.name for clip in find_clips([str(media)])] == ["a.mp4", "walks/b.png"]


def test_a_clip_that_cannot_be_read_costs_one_sentence_and_the_others_stay(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes((media / "a.mp4").read_bytes()[:300])
    out = tmp_path / "f.safetensors"
    arguments = ["encode", str(broken), str(media / "a.mp4"), *TINY, "--quiet", "--out", str(out)]
    assert command.main(arguments) == 1
    assert len(read_features(out)[0]) == 1
    err = capsys.readouterr().err
    assert "broken.mp4" in err
    assert err.count("\n") == 1


def test_a_stopped_run_into_a_folder_goes_on_with_what_is_missing(
    media: Path, tmp_path: Path
) -> None:
    out = tmp_path / "features"
    arguments = ["encode", str(media), *TINY, "--quiet", "--out", str(out)]
    assert command.main(arguments) == 0
    first, second = out / "a.mp4.safetensors", out / "walks" / "b.png.safetensors"
    before = first.stat().st_mtime_ns
    second.unlink()
    assert command.main(arguments) == 0
    assert second.is_file()
    assert first.stat().st_mtime_ns == before
    assert command.main([*arguments, "--seed", "1"]) == 0  # other weights: computed again
    assert first.stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.mp4", *TINY], "missing.mp4: no such file or folder"),
        (["http://a.org/b.mp4", *TINY], "web addresses are not fetched"),
        (["CLIPS/notes.txt", *TINY], "notes.txt"),
        (["CLIPS/a.mp4", "--encoder", "vpt-dep"], "did you mean vpt"),
        (["CLIPS/a.mp4", *TINY, "--frames", "0"], "--frames is 0"),
        (["CLIPS/a.mp4", *TINY, "--size", "3"], "--size 3 leaves no token"),
        (["CLIPS/a.mp4", *TINY, "--weights", "none.pth"], "none.pth"),
        (["CLIPS/a.mp4", *TINY, "--weights", "CLIPS"], "config.json"),
        (["CLIPS/a.mp4", "--encoder", "r2plus1d-r2d-test", "--frames", "3"], "no encoder"),
        (["CLIPS/a.mp4", "--encoder", "i3d-flow"], "optical flow"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    arguments: list[str],
    sentence: str,
    media: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "f.safetensors"
    given = [word.replace("CLIPS", str(media)) for word in arguments]
    assert command.main(["encode", *given, "--out", str(out)]) == 2
    written, err = capsys.readouterr()
    assert written == ""
    assert sentence in err
    assert (err.count("\n"), "Traceback" in err) == (1, False)
    assert not out.exists()


def test_a_file_that_holds_no_features_is_not_overwritten(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(1)}, out)
    assert command.main(["encode", str(media / "a.mp4"), *TINY, "--out", str(out)]) == 2
    assert "is not a file of features" in capsys.readouterr().err
    assert load_file(out).keys() == {"weight"}


def test_more_features_than_fit_in_memory_are_refused_before_anything_is_read(
    media: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("app.console.encode.MOST_MEMORY", 0.0)
    out = tmp_path / "f.safetensors"
    assert command.main(["encode", str(media), *TINY, "--quiet", "--out", str(out)]) == 2
    assert "give --out a folder" in capsys.readouterr().err


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["encode", "--help"])
    assert "python -m app encode clip.mp4 --out clip.safetensors" in capsys.readouterr().out
