"""Heads on an encoder: shapes, equalities, folders."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vlm.encoders import PRESETS, build_tower
from vlm.heads.folder import LoadedVideoText, load_encoder_with_heads, save_video_text, tokens_of
from vlm.heads.segmentation import SegmentationHead, ValuePath, mask_logits
from vlm.heads.stream import StreamState, can_stream, next_scores
from vlm.heads.text.side import TextSide
from vlm.heads.text.tower import text_config
from vlm.heads.text_classes import in_words
from vlm.heads.video_text import TASKS, VideoText
from vlm.layers.attention_pooling import AttentionPooling
from vlm.weights.io.files import WeightsError

WORDS = ["a red circle moves", "a dog", "up"]
S = 16


def model_of(encoder: str = "streamformer-test", **values: object) -> LoadedVideoText:
    torch.manual_seed(0)
    facts = PRESETS[encoder]
    text = text_config(str(values.pop("text", "siglip-test")))
    options = {"tasks": TASKS, "background": True, **values}
    side = TextSide(text, tokens_of(text, None))
    model = VideoText(build_tower(facts.tower), side, **options)  # type: ignore[arg-type]
    for name, parameter in model.named_parameters():
        if name.endswith("gate"):
            torch.nn.init.constant_(parameter, 0.5)  # so that time takes part
    return LoadedVideoText(model.eval(), facts.tower, facts.num_frames)


@pytest.mark.parametrize("encoder", ["streamformer-test", "aim-test", "video-swin-test"])
def test_every_task_has_scores_of_its_shape_on_any_encoder(encoder: str) -> None:
    if encoder not in PRESETS:
        encoder = next(name for name in PRESETS if name.startswith("video-swin") and "test" in name)
    loaded = model_of(encoder)
    model, size = loaded.model, loaded.config.image_size
    T = 8
    clip = torch.randn(2, T, 3, size, size)
    with torch.no_grad():
        features = model.features(clip)
        assert model.classify(features, WORDS).shape == (2, 3)
        assert model.embed_video(features).shape == (2, model.text.dim)
        for task in ("localization", "grounding"):
            scores = model.frame_scores(features, WORDS, T, task)
            assert scores.shape == (2, T, 3)
            assert 0 <= float(scores.min()) <= float(scores.max()) <= 1
        for task in ("instances", "referring"):
            masks = model.mask_logits(features, WORDS, T, (20, 30), task)
            assert masks.shape == (2, T, 3, 20, 30)
    norms = model.embed_frames(features, T).norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones(2, T))


def test_the_value_path_is_attention_pooling_of_a_single_token() -> None:
    pooling = AttentionPooling(16, 2, 32, "gelu_pytorch_tanh", 1e-6)
    x = torch.randn(5, 16)
    torch.testing.assert_close(ValuePath(pooling)(x), pooling(x[:, None]))


def test_the_value_paths_are_copies_and_of_each_head_its_own() -> None:
    heads = model_of(text="siglip-test").model.heads
    first, second = heads["instances"], heads["referring"]
    assert isinstance(first, SegmentationHead)
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}


@pytest.mark.parametrize("chunks", [[1] * 10, [4, 1, 5], [10]])
def test_scores_of_a_stream_equal_those_of_the_whole_film(chunks: list[int]) -> None:
    loaded = model_of()  # a window of 3 frames
    assert can_stream(loaded)
    frames = np.random.default_rng(0).integers(0, 256, (10, S, S, 3), dtype=np.uint8)
    whole, _ = next_scores(loaded, frames, WORDS, StreamState())
    state, rows, at = StreamState(), [], 0
    for size in chunks:
        scores, state = next_scores(loaded, frames[at : at + size], WORDS, state)
        rows.append(scores)
        at += size
    np.testing.assert_allclose(np.concatenate(rows), whole, atol=1e-6)
    assert np.abs(np.diff(whole, axis=0)).max() > 1e-4


def test_the_memory_of_a_stream_does_not_grow() -> None:
    loaded, sizes = model_of(), []
    state = StreamState()
    for _ in range(12):
        _, state = next_scores(loaded, np.zeros((1, S, S, 3), np.uint8), WORDS, state)
        layers = state.cache.layers
        sizes.append(sum(layer.keys.numel() + layer.values.numel() for layer in layers))
    assert sizes[3:] == [sizes[3]] * 9


def test_an_encoder_of_whole_clips_does_not_follow_a_stream() -> None:
    with pytest.raises(ValueError, match="aim computes whole clips"):
        next_scores(model_of("aim-test"), np.zeros((1, S, S, 3), np.uint8), WORDS, StreamState())


@pytest.mark.parametrize(
    ("encoder", "values"),
    [
        ("streamformer-test", {}),
        ("aim-test", {"tasks": ("retrieval",), "background": False}),
        (
            "efficient-prompt-test",
            {
                "tasks": ("recognition", "localization", "retrieval"),
                "loss": "nce",
                "text": "efficient-prompt-test",
            },
        ),
    ],
)
def test_a_saved_encoder_has_the_same_scores(
    encoder: str, values: dict[str, object], tmp_path: Path
) -> None:
    loaded = model_of(encoder, **values)
    save_video_text(loaded.model, loaded.config, loaded.num_frames, tmp_path)
    again = load_encoder_with_heads(tmp_path)
    assert again.tasks == loaded.tasks
    assert again.num_frames == loaded.num_frames
    clip = torch.randn(1, 4, 3, S, S)
    with torch.no_grad():
        for one in loaded.tasks:
            if one in ("instances", "referring"):
                found = [m.model.mask_logits(m.model.features(clip), WORDS, 4, None, one)
                         for m in (loaded, again)]  # fmt: skip
            else:
                found = [m.model.frame_scores(m.model.features(clip), WORDS, 4, one)
                         for m in (loaded, again)]  # fmt: skip
            assert torch.equal(*found)


def test_another_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for folder, sentence in (
        (tmp_path / "nowhere", "nowhere does not exist; give the folder that"),
        (tmp_path, "has no tasks/config.json, which a run writes at its end"),
    ):
        with pytest.raises(WeightsError, match=sentence):
            load_encoder_with_heads(folder)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="is not the folder of an encoder with heads"):
        load_encoder_with_heads(tmp_path)


def test_a_head_over_fixed_classes_has_no_text_side(tmp_path: Path) -> None:
    (tmp_path / "classifier").mkdir()
    (tmp_path / "classifier/config.json").write_text('{"classes": ["a"], "tower": {}}')
    for folder in (tmp_path, tmp_path / "classifier"):
        with pytest.raises(WeightsError, match="head over fixed classes and no text side"):
            load_encoder_with_heads(folder)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"tasks": ("dancing",)}, 'no task "dancing"; there are recognition'),
        ({"tasks": ("grounding",), "loss": "nce"}, "grounding is trained with `loss: sigmoid`"),
    ],
)
def test_what_does_not_exist_is_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        model_of(**values)


def test_a_head_that_was_not_trained_is_named() -> None:
    model = model_of(tasks=("retrieval",)).model
    with pytest.raises(ValueError, match="no head for recognition; it has retrieval"):
        model.classify(model.features(torch.randn(1, 4, 3, S, S)), WORDS)


def test_a_mask_is_where_a_text_is_likelier_than_the_background_or_than_all_others() -> None:
    logits = torch.tensor([2.0, 1.0, 1.5]).view(1, 1, 3, 1, 1)
    assert mask_logits(logits, background=True).flatten().tolist() == [0.5, -0.5]
    assert mask_logits(logits, background=False).flatten().tolist() == [0.5, -1.0, -0.5]


@pytest.mark.parametrize(
    ("name", "words"),
    [("RedCircle", "red circle"), ("high_jump", "high jump"), ("moving left", "moving left"),
     ("Holding something", "Holding something"), ("YMCA", "YMCA")],
)  # fmt: skip
def test_a_class_name_becomes_words(name: str, words: str) -> None:
    assert in_words(name) == words
