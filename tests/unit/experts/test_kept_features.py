"""The classifier and the tower run the backbone once for both, with the same bits."""

import numpy as np
import pytest
import torch
from tiny import tiny_assistant

from app.page.asking.examples import FOLDER
from vlm.assistant import Settings, State, Stream
from vlm.encoders import build_tower
from vlm.encoders.base import ImageTokens
from vlm.encoders.pvc import ProgressiveEncoder, progressive
from vlm.experts.classifier import FRAMES_PER_BATCH, Classifier
from vlm.experts.expert_words import ExpertWords
from vlm.experts.experts import Experts
from vlm.experts.kept_features import KeptFeatures
from vlm.image_processor import PVCImageProcessor
from vlm.presets import preset_config

FRAMES = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)


def tower() -> ProgressiveEncoder:
    torch.manual_seed(0)
    return progressive(build_tower(preset_config("embedded").tower_config)).eval()


def pictures() -> PVCImageProcessor:
    return PVCImageProcessor(64, (0.5,) * 3, (0.5,) * 3)


@torch.inference_mode()
def test_tokens_after_the_classifier_have_the_bits_of_those_without_it() -> None:
    plain, kept = tower(), tower()
    features = kept.cached_backbone = KeptFeatures()
    kinds = Classifier(kept.backbone, pictures(), features)(torch.from_numpy(FRAMES))
    assert len(kinds) == len(FRAMES)
    calls: list[int] = []
    kept.backbone.register_forward_hook(lambda *_: calls.append(1))
    squares = pictures().pixel_values(pictures().squares(FRAMES))
    for batch in squares.split(4):
        assert torch.equal(kept.encode_frames(batch).tokens, plain.encode_frames(batch).tokens)
    assert calls == []  # all features were kept
    assert features.num_bytes == 0
    for _ in range(2):  # the tower keeps nothing itself
        kept.encode_frames(squares[:4])
    assert calls == [1, 1]


def test_what_is_kept_stays_within_its_bytes_and_the_oldest_goes() -> None:
    calls: list[int] = []

    def backbone(images: torch.Tensor) -> ImageTokens:
        calls.append(int(images[0, 0, 0, 0]))
        return ImageTokens(images.flatten(2), (1, 1))

    batches = [torch.full((1, 3, 4, 4), float(i)) for i in range(4)]
    kept = KeptFeatures(max_bytes=2 * 2 * batches[0].nbytes)
    for batch in batches:
        kept.keep(backbone, batch)  # type: ignore[arg-type]
    assert kept.num_bytes == kept.max_bytes
    assert torch.equal(kept(backbone, batches[3]).tokens, batches[3].flatten(2))  # type: ignore[arg-type]
    kept(backbone, batches[0])  # type: ignore[arg-type]
    assert calls == [0, 1, 2, 3, 0]
    kept.forget()
    assert kept.num_bytes == 0


@pytest.mark.parametrize("seen", ["moving-ball.mp4", "portrait.jpg", "a stream"])
def test_the_tower_asks_for_the_very_batches_that_the_classifier_saw(seen: str) -> None:
    assistant = tiny_assistant()
    kept, tower = KeptFeatures(), progressive(assistant.model.tower)
    tower.cached_backbone = kept
    pictures, calls = assistant.processor.image_processor, []

    def classifier(frames: torch.Tensor) -> list[tuple]:
        squares = pictures.pixel_values(pictures.squares(frames.numpy())).to(assistant.model.dtype)
        for batch in squares.split(FRAMES_PER_BATCH):
            kept.keep(tower.backbone, batch)
            calls.append(kept.num_bytes)
        return [()] * len(frames)

    words = Experts(None, None, classifier)
    assistant.words = ExpertWords(words, assistant.processor.prompt_config, ())
    if seen == "a stream":
        assistant.see_next(Stream(), FRAMES[0], 0.0)
    else:
        settings = Settings(max_new_tokens=1, num_frames=6)
        list(assistant.reply(State(), "What is this?", [FOLDER / seen], settings))
    assert calls
    assert kept.num_bytes == 0
    assistant.close()
