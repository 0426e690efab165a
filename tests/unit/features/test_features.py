"""Features of files are the encoder's, with the seconds that they belong to."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.image_models import image_model
from tests.media_maker import write_video
from tests.trainable import base_folder
from vlm.encoders import PRESETS, build_tower
from vlm.features.choose import choose_encoder
from vlm.features.clip import ClipFeatures, Sampling, default_sampling, encode_clip
from vlm.features.file import ALONE, read_features, read_header, write_features
from vlm.heads.classification import clip_pixels, clip_times
from vlm.inference.visual.media_thread import longest_side
from vlm.media.decode import read_video
from vlm.model import PVCForConditionalGeneration
from vlm.weights.io.files import WeightsError

TESTS = [name for name in PRESETS if name.endswith("-test")]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_video(path, 20, fps=10, size=(64, 48))
    return path


@pytest.mark.parametrize("name", TESTS)
def test_every_frame_of_tokens_has_a_time_within_the_clip(name: str) -> None:
    config = PRESETS[name].tower
    with torch.device("meta"):
        tower = build_tower(config)
    for T in (1, 2, 5, 8, 16, 17):
        times = [0.5 * index for index in range(T)]
        found = tower.token_times(times)
        assert len(found) == tower.token_grid(T, config.image_size, config.image_size)[0]
        assert times[0] <= min(found) <= max(found) <= times[-1]


def test_tokens_have_the_mean_time_of_their_frames() -> None:
    with torch.device("meta"):
        strided = build_tower(PRESETS["adaptformer-videomae-test"].tower)
        two_paths = build_tower(PRESETS["dualpath-test"].tower)  # grids of 2 x 2, 3 frames
    assert strided.token_times([0.0, 1.0, 2.0, 3.0, 8.0]) == [0.5, 2.5, 8.0]
    assert two_paths.token_times([0.0, 1.0, 2.0, 3.0, 8.0]) == [1.5, 8.0, 0.0, 1.0, 3.0]


@pytest.mark.parametrize("name", ["vpt-deep-test", "dualpath-test", "mvit-v2-test", "vtn-test"])
def test_features_are_those_of_the_tower_on_the_frames_that_were_read(
    name: str, clip: Path
) -> None:
    encoder = choose_encoder(name)
    found = encode_clip(encoder, clip)
    config = PRESETS[name].tower
    size = longest_side(64, 48, config.image_size)  # decoded as small as the square allows
    video = read_video(clip, num_frames=encoder.num_frames, size=size)
    pixels = clip_pixels(video.frames, config)[None]
    with torch.inference_mode():
        expected = encoder.tower(pixels, clip_times(list(video.times), config)[None])
    assert torch.equal(found.tokens, expected.tokens[0])
    assert torch.equal(found.pooled, expected.pooled[0])
    assert found.grid == expected.grid
    assert found.times.tolist() == list(video.times)
    assert len(found.token_times) == len(found.tokens)


def test_weights_without_a_file_are_seeded_and_a_sentence_warns_of_them() -> None:
    first, again, other = (choose_encoder("vtn-test", seed=seed) for seed in (0, 0, 1))
    assert first.digest() == again.digest() != other.digest()
    assert "random weights (seed 0), so its features carry no meaning" in first.notice


def test_an_image_is_seen_as_often_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "red").save(path)
    encoder = choose_encoder("streamformer-test")
    once = encode_clip(encoder, path)
    thrice = encode_clip(encoder, path, Sampling(8, 16, looks=3))
    assert (len(once.tokens), len(thrice.tokens)) == (1, 3)
    assert once.times.tolist() == [0.0]


@pytest.mark.parametrize("name", TESTS)
def test_features_of_every_encoder_can_be_stored(name: str, tmp_path: Path) -> None:
    """Where pooled is the token of the only frame, the two share no memory."""
    path, out = tmp_path / "a.png", tmp_path / "f.safetensors"
    Image.new("RGB", (40, 30), "red").save(path)
    found = encode_clip(choose_encoder(name), path)
    write_features(out, {ALONE: found}, {})
    stored = read_features(out)[0][ALONE]
    assert torch.equal(stored.pooled, found.pooled)
    assert torch.equal(stored.tokens, found.tokens)
    assert (stored.global_token is None) == (found.global_token is None)


def test_crop_takes_the_middle_square(tmp_path: Path) -> None:
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 200
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide[:, 16:32]).save(tmp_path / "middle.png")
    encoder = choose_encoder("vpt-deep-test")
    cropped = encode_clip(encoder, tmp_path / "wide.png", Sampling(8, 16, crop=True))
    middle = encode_clip(encoder, tmp_path / "middle.png")
    squeezed = encode_clip(encoder, tmp_path / "wide.png")
    assert torch.equal(cropped.pooled, middle.pooled)
    assert not torch.equal(squeezed.pooled, middle.pooled)


@pytest.mark.parametrize("name", ["vpt-deep-test", "mvit-v2-test", "video-swin-test", "i3d-test"])
def test_frames_of_another_size_give_the_announced_grid(name: str, clip: Path) -> None:
    encoder = choose_encoder(name)
    size = 2 * encoder.config.image_size
    found = encode_clip(encoder, clip, Sampling(4, size))
    T, H, W = encoder.tower.token_grid(4, size, size)
    assert found.tokens.shape == (T, H * W, encoder.tower.dim)


def features(value: float, tokens: bool = True) -> ClipFeatures:
    return ClipFeatures(
        torch.full((3,), value),
        torch.full((2, 4, 3), value) if tokens else None,
        (2, 2),
        torch.tensor([0.0, 1.0], dtype=torch.float64),
        torch.tensor([0.5, 1.5], dtype=torch.float64),
        warnings=("Only half could be read.",) if value else (),
    )


def test_a_file_of_features_comes_back_with_names_and_warnings(tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    write_features(path, {"a/b.mp4": features(1), "c": features(0, False)}, {"preset": "vtn-test"})
    clips, header = read_features(path)
    assert header["preset"] == "vtn-test"
    assert torch.equal(clips["a/b.mp4"].tokens, features(1).tokens)
    assert clips["a/b.mp4"].warnings == ("Only half could be read.",)
    assert clips["a/b.mp4"].times.dtype == torch.float64
    assert clips["c"].tokens is None
    write_features(path, {ALONE: features(1)}, {})
    assert {"pooled", "tokens", "times", "token_times"} == load_file(path).keys()


def test_other_files_are_no_features(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    assert read_header(path) is None
    with pytest.raises(WeightsError, match="other tensors than features"):
        read_features(path)
    with pytest.raises(WeightsError, match="no such file"):
        read_features(tmp_path / "missing.safetensors")


@pytest.mark.parametrize("prefix", ["", "tower."])
def test_weights_of_our_own_names_are_read_for_any_encoder(prefix: str, tmp_path: Path) -> None:
    trained = choose_encoder("pro-tuning-test", seed=5)
    path = tmp_path / "trained.safetensors"
    save_file({prefix + n: t for n, t in trained.tower.state_dict().items()}, path)
    loaded = choose_encoder("pro-tuning-test", str(path))
    assert loaded.digest() == trained.digest()
    assert (loaded.weights, loaded.notice) == ("trained.safetensors", "")


def test_weights_of_another_encoder_are_refused_with_the_tensors_that_misfit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "other.safetensors"
    save_file(dict(choose_encoder("vtn-test").tower.state_dict()), path)
    with pytest.raises(WeightsError, match=r"other\.safetensors"):
        choose_encoder("pro-tuning-test", str(path))


@pytest.mark.parametrize("given", ["run", "run/trained", "run/trained/model.safetensors"])
def test_the_folder_of_a_training_run_gives_its_encoder(given: str, tmp_path: Path) -> None:
    trained = choose_encoder("pro-tuning-test", seed=5)
    file = tmp_path / "run" / "trained" / "model.safetensors"
    file.parent.mkdir(parents=True)
    save_file(trained.tower.state_dict(), file)
    loaded = choose_encoder("pro-tuning-test", str(tmp_path / given))
    assert loaded.digest() == trained.digest()


def test_a_folder_of_an_image_model_is_the_base_and_a_sentence_counts_what_is_untrained(
    tmp_path: Path,
) -> None:
    image_model(PRESETS["vpt-deep-test"].tower).save_pretrained(tmp_path)
    found = choose_encoder("vpt-deep-test", str(tmp_path))
    assert found.weights == tmp_path.name
    assert "and 1 tensor of its own that is untrained" in found.notice
    with pytest.raises(WeightsError, match="mvit-v2-test is not built on an image model"):
        choose_encoder("mvit-v2-test", str(tmp_path))


def test_the_tower_of_a_model_folder_is_the_models(tmp_path: Path) -> None:
    folder = base_folder(tmp_path) / "base"
    model = PVCForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    found = choose_encoder(str(folder))
    for name, tensor in model.tower.state_dict().items():
        assert torch.equal(found.tower.state_dict()[name], tensor)
    assert found.config == model.config.tower_config
    assert default_sampling(found).looks == model.config.prompt_config.looks
    with pytest.raises(ValueError, match="weights of its own"):
        choose_encoder(str(folder), weights="x.safetensors")
