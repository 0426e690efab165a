"""`python -m app find`: segments, a strip, JSON, and frames as they arrive."""

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.__main__ import main
from app.console import find as finding
from app.console import find_strip as strips
from app.console import follow as following
from app.console.find import sparkline
from tests.media_maker import write_video
from vlm.encoders import PRESETS, build_tower
from vlm.heads.folder import load_encoder_with_heads, save_video_text, tokens_of
from vlm.heads.stream import StreamState, next_scores
from vlm.heads.text.side import TextSide
from vlm.heads.text.tower import text_config
from vlm.heads.video_text import VideoText
from vlm.heads.where import Box
from vlm.media.confined.limits import MediaError
from vlm.media.y4m import y4m_frames

WORDS = "a red circle"


def saved(folder: Path, encoder: str, *tasks: str) -> Path:
    torch.manual_seed(0)
    text = text_config("siglip-test")
    model = VideoText(build_tower(PRESETS[encoder].tower), TextSide(text, tokens_of(text, None)),
                      ("grounding", *tasks), background=True)  # fmt: skip
    torch.nn.init.constant_(model.head("grounding").align.bias, 0.0)
    save_video_text(model, PRESETS[encoder].tower, 4, folder / encoder)
    return folder / encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("encoder"), "streamformer-test")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    write_video(path, list(frames), fps=6)
    return path


def test_segments_are_printed_as_json_with_a_strip(
    encoder: Path, film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strip = tmp_path / "strip.png"
    given = ["find", str(film), WORDS, "--encoder", str(encoder), "--json", "--strip", str(strip)]
    code = main([*given, "--threshold", "0"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert len(found["times"]) == len(found["scores"]) == 8
    assert [(s["start"], s["end"]) for s in found["segments"]] == [(0, pytest.approx(4, abs=0.3))]
    assert found["best"]["score"] == pytest.approx(max(found["scores"]), abs=1e-6)
    assert Image.open(strip).width == 1024
    assert main([*given, "--threshold", "1"]) == 1
    assert json.loads(capsys.readouterr().out)["segments"] == []


def test_an_encoder_with_masks_tells_where(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, "streamformer-test", "referring").rename(tmp_path / "tasks")
    asked: list[float] = []

    def box_at(_: object, path: Path, second: float, *rest: object) -> Box:
        asked.append(second)
        return Box(0.25, 0.5, 0.75, 1.0)

    monkeypatch.setattr(finding, "box_at", box_at)
    given = ["find", str(film), WORDS, "--encoder", str(tmp_path), "--threshold", "0"]
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (segment,) = found["segments"]
    assert segment["peak"] == found["best"]["time"] == round(asked[0], 6)
    assert segment["box"] == {"left": 0.25, "top": 0.5, "right": 0.75, "bottom": 1.0}
    assert main(given) == 0
    assert "x 25-75%  y 50-100%" in capsys.readouterr().out


def test_an_encoder_of_whole_clips_goes_through_a_film_too(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path, "aim-test")
    assert main(["find", str(film), WORDS, "--encoder", str(folder), "--threshold", "0"]) == 0
    assert "0:00.0 to" in capsys.readouterr().out


def y4m(frames: np.ndarray, rate: str = "4:1") -> bytes:
    H, W = frames.shape[1:3]
    gray = [b"FRAME\n" + f[..., 0].tobytes() + bytes([128]) * (2 * (H // 2) * (W // 2))
            for f in frames]  # fmt: skip
    return f"YUV4MPEG2 W{W} H{H} F{rate} C420jpeg\n".encode() + b"".join(gray)


def test_frames_of_a_pipe_have_their_times_and_their_light() -> None:
    frames = np.full((3, 4, 6, 3), 126, np.uint8)
    found = list(y4m_frames(io.BytesIO(y4m(frames) + b"FRAME\n123")))
    assert [second for second, _ in found] == [0.0, 0.25, 0.5]
    assert found[0][1].shape == (4, 6, 3)
    assert set(found[0][1].flatten().tolist()) == {128}  # 1.164 (126 - 16)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [(b"RIFF", "not YUV4MPEG2"), (b"YUV4MPEG2 W4\n", "no width, height and rate"),
     (b"YUV4MPEG2 W4 H4 F1:1 C444\n", "add -pix_fmt yuv420p"),
     (b"YUV4MPEG2 W400000 H400000 F1:1\n", "frames of 400000")],
)  # fmt: skip
def test_another_pipe_is_refused_in_one_sentence(given: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        list(y4m_frames(io.BytesIO(given)))


def test_a_pipe_is_followed_with_the_scores_of_the_whole(
    encoder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = np.random.default_rng(0).integers(16, 235, (8, 16, 16, 1), dtype=np.uint8)
    data = y4m(frames.repeat(3, axis=-1))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    given = ["find", "-", WORDS, "--encoder", str(encoder), "--follow", "--json", "--every", "0.5"]
    main([*given, "--threshold", "0"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["time"] for line in lines] == [0.0, 0.5, 1.0, 1.5]
    seen = np.stack([frame for _, frame in y4m_frames(io.BytesIO(data))])[::2]
    whole, _ = next_scores(load_encoder_with_heads(encoder), seen, [WORDS], StreamState())
    assert [line["score"] for line in lines] == pytest.approx(whole[:, 0].tolist(), abs=2e-6)


def test_a_growing_file_is_followed_to_its_end(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data = tmp_path / "grows.mp4", film.read_bytes()
    path.write_bytes(data[:100])  # no header yet
    monkeypatch.setattr(following.time, "sleep", lambda _: path.write_bytes(data))
    found = [second for second, _ in following.growing(path, 1.0, 0.05, 32)]
    assert found == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["{film}"], "give films, and then what to look for"),
        (["{film}", "{film}"], "is a file; what to look for comes last"),
        (["{film}", "!?"], "has no words"),
        (["{film}", WORDS, "--every", "0"], "must be above 0"),
        (["{film}", WORDS, "--threshold", "2"], "it must be 0 to 1"),
        (["{film}", WORDS, "--encoder", "nowhere"], "nowhere does not exist; give the folder"),
        (["{film}", WORDS, "--strip", "nowhere/x.png"], "x.png cannot be written: nowhere is no"),
        (["{film}", WORDS, "--strip", "."], "it is a folder; name a PNG file"),
        (["nowhere.mp4", WORDS, "--encoder", "nowhere"], "nowhere.mp4: no such file or folder"),
    ],
)
def test_an_error_is_one_sentence(
    given: list[str], sentence: str, encoder: Path, film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(film=film) for word in given]
    assert main(["find", "--encoder", str(encoder), *words]) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert printed.count("\n") == 1


def test_an_encoder_of_whole_clips_is_refused_before_it_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "growing", lambda *_: pytest.fail("it reads"))
    folder = saved(tmp_path, "aim-test")
    assert main(["find", "nothing.ts", WORDS, "--encoder", str(folder), "--follow"]) == 2
    assert "computes whole clips, so it cannot follow a stream" in capsys.readouterr().err


def test_several_files_have_a_summary_and_a_strip_of_the_best(
    encoder: Path, film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    Image.new("RGB", (64, 32), "red").save(tmp_path / "red.png")
    shutil.copy(film, tmp_path / "film.mp4")
    monkeypatch.setattr(strips, "MOST_ROWS", 1)
    monkeypatch.setattr(finding, "MOST_ROWS", 1)
    given = ["find", str(tmp_path), WORDS, "--encoder", str(encoder), "--threshold", "1"]
    assert main([*given, "--strip", str(tmp_path / "strip.png")]) == 1
    printed = capsys.readouterr()
    assert "red.png  0." in printed.out
    assert "which is below the threshold" in printed.out
    assert "Found in 0 of 2 files; the best is " in printed.err
    assert "The strip of the 1 best is in" in printed.err
    assert Image.open(tmp_path / "strip.png").height < 300
    assert main([*given, "--quiet"]) == 1
    assert capsys.readouterr().err == ""


def test_a_film_that_cannot_be_read_to_its_end_does_not_stop_the_others(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path, "streamformer-test", "referring")
    (tmp_path / "films").mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(film, tmp_path / "films" / name)

    def box_at(_: object, path: Path, *rest: object) -> None:
        if path.name == "a.mp4":
            raise MediaError("a.mp4 is damaged.")

    monkeypatch.setattr(finding, "box_at", box_at)
    given = ["find", str(tmp_path / "films"), WORDS, "--encoder", str(folder), "--threshold", "0"]
    assert main([*given, "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "a.mp4 is damaged.\n"
    assert printed.out.startswith("b.mp4 ")


def test_progress_is_shown_on_a_terminal_alone(
    encoder: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for terminal in (True, False):
        shown = io.StringIO()
        monkeypatch.setattr(shown, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr(sys, "stderr", shown)
        main(["find", str(film), WORDS, "--encoder", str(encoder), "--every", "0.1"])
        assert ("Looking through film.mp4 (1 of 1): 0% ..." in shown.getvalue()) == terminal
        assert shown.getvalue().endswith("\r\x1b[K") == terminal


def test_a_long_recording_is_caught_up_without_waiting(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(following.time, "sleep", waits.append)
    monkeypatch.setattr(following, "AT_ONCE", 2)
    frames = following.growing(film, 0.5, 1000, 32)
    assert len([next(frames) for _ in range(7)]) == 7
    assert waits == []


def test_a_curve_of_a_line_has_the_highest_of_each_part() -> None:
    assert sparkline(np.array([0.0, 0.5, 1.0])) == "▁▅█"
    assert len(sparkline(np.linspace(0, 1, 1000))) == 40
