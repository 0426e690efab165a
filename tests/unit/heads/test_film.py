"""Films are seen in use with the pixels that training has."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.console.follow import growing
from data.records import MediaFile
from data.samples.decoder import Decoder
from evaluation.asking.media_ahead import MediaAhead
from evaluation.benchmarks.base import MediaPart, Question
from tests.media_maker import write_video
from vlm.encoders import PRESETS, build_tower
from vlm.heads import film as films
from vlm.heads import where
from vlm.heads.folder import LoadedVideoText, tokens_of
from vlm.heads.stream import StreamState
from vlm.heads.text.side import TextSide
from vlm.heads.text.tower import text_config
from vlm.heads.video_text import VideoText
from vlm.media.decode import MediaReader

S = 32
TIMES = [0.25, 0.75, 1.25, 1.75]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fine stripes, which every way of shrinking changes in its own manner."""
    frames = np.random.default_rng(0).integers(0, 256, (8, 120, 200, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    write_video(path, list(frames), fps=4)
    return path


@pytest.fixture(scope="module")
def wanted(film: Path) -> np.ndarray:
    decoder = Decoder()
    found = decoder.video_at(MediaFile("video", film), TIMES, S).frames
    decoder.close()
    assert found.shape == (4, S, S, 3)
    return found


def loaded(encoder: str) -> LoadedVideoText:
    text, config = text_config("siglip-test"), PRESETS[encoder].tower
    side = TextSide(text, tokens_of(text, None))
    model = VideoText(build_tower(config), side, ("grounding", "referring"), background=True)
    return LoadedVideoText(model.eval(), config, 4)


@pytest.mark.parametrize("encoder", ["streamformer-test", "aim-test"])
def test_finding_sees_what_training_sees(
    encoder: str, film: Path, wanted: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def scores(_: object, frames: np.ndarray, texts: object, *rest: object) -> np.ndarray:
        seen.append(frames)
        return np.zeros((len(frames), 1), np.float32)

    monkeypatch.setattr(films, "_of_clip", scores)
    monkeypatch.setattr(films, "next_scores", lambda *given: (scores(*given), StreamState()))
    monkeypatch.setattr(where, "box_in", lambda _, frames, text: seen.append(frames))
    found = replace(loaded(encoder), config=replace(PRESETS[encoder].tower, image_size=S))
    with MediaReader() as reader:
        films.film_scores(found, film, ["words"], 0.5, reader)
        where.box_at(found, film, TIMES[-1], 0.5, "words", reader)
    for frames in seen:
        assert np.array_equal(frames, wanted)
    assert len(seen) == 2


def test_following_sees_what_training_sees(film: Path, wanted: np.ndarray) -> None:
    found = [frame for _, frame in growing(film, 0.5, 0.0, S)]
    assert np.array_equal(np.stack(found), wanted)


def test_evaluation_sees_what_training_sees(film: Path, wanted: np.ndarray) -> None:
    question = Question("one", "one", (MediaPart("video", film),), ("answer",))
    (ready,) = MediaAhead(4, S, as_trained=True, workers=1)([question])
    assert np.array_equal(ready.seen[0].part.frames, wanted)


def test_a_picture_is_a_square_of_the_whole(tmp_path: Path, film: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "picture.png")
    decoder = Decoder()
    theirs = decoder.image(MediaFile("image", tmp_path / "picture.png"), S).frames[0]
    decoder.close()
    with MediaReader() as reader:
        assert np.array_equal(reader.read_image(tmp_path / "picture.png", square=S).pixels, theirs)
