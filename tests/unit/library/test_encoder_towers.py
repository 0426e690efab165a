"""Encoders of every kind as the tower of an assistant: what must be equal is equal.

Causal and not, with and without a stride in time, with a base that stays frozen, with a grid that
has no squares, with one token for each frame.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from data.samples.collate import Collator
from data.samples.dataset import RecordDataset, SamplingConfig
from data.samples.packing import PackedRow
from data.sources.record_file import RecordFile
from tests import golden
from tests.media_maker import write_video
from tests.strip_encoder import StripEncoder
from tests.tiny import tiny_processor
from vlm import encoders
from vlm.assemble.swap import with_encoder
from vlm.assistant import Assistant, Finished, Settings, State
from vlm.conversation import Video
from vlm.inference.caches import MediaCache
from vlm.inference.visual.looking import VisualEncoder
from vlm.layers.drop_path import DropPath
from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model
from vlm.processor import PVCProcessor
from vlm.weights import sources

KINDS = {
    "streamformer-test": "causal, streams",
    "streamformer-stretch-test": "one whose features change with the length of the clip",
    "aim-test": "adapters on a frozen base, not causal",
    "st-adapter-causal-test": "causal, takes the whole clip at once",
    "r2plus1d-test": "a token for several frames, BatchNorm",
    "dualpath-test": "two streams of tokens",
    "vtn-test": "one token for each frame",
    "strips-test": "a grid without squares",
}
GREEDY = Settings(max_new_tokens=12, repetition_penalty=1.0, temperature=0.0)
Made = tuple[PVCForConditionalGeneration, PVCProcessor]


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setitem(encoders.ENCODERS, "strips", StripEncoder)
    monkeypatch.setitem(encoders.PRESETS, "strips-test", StripEncoder.presets["strips-test"])
    model, processor = with_encoder(build_model("test"), tiny_processor(), request.param)
    with torch.no_grad():
        golden.fill(model.tower)
        golden.fill(model.compressor)
        for name, parameter in model.language_model.named_parameters():
            if parameter.dim() > 1 and "embed_tokens" not in name:
                parameter.mul_(8)  # otherwise all prompts have nearly the same logits
    return model.eval(), processor


def pixels(model: PVCForConditionalGeneration, num_frames: int) -> Tensor:
    return golden.clip(1, num_frames, model.config.image_size)[0]


def times(num_looks: int) -> list[float]:
    return [look / num_looks for look in range(num_looks)]


def test_every_frame_has_the_announced_number_of_tokens(made: Made) -> None:
    model, processor = made
    M = processor.tokens_per_look
    rows, columns = model.config.grid
    expected = 3 if (rows, columns) == (3, 1) else -(-rows // 2) * -(-columns // 2)
    assert expected == M
    for num_frames in (1, 4, 5, 17):
        tokens = model.encode(
            pixels(model, num_frames), [num_frames], [num_frames], [0.0] * num_frames
        )
        assert tokens.shape == (num_frames * M, model.config.text_width)
    clip = Video(np.zeros((5, 20, 20, 3), np.uint8), np.arange(5.0))
    assert processor.prepare(clip).clips[0].looks == 5


def test_clips_of_a_batch_equal_each_alone(made: Made) -> None:
    model, _ = made
    clips = [(pixels(model, 4), 4), (pixels(model, 7)[3:], 4), (pixels(model, 1), 3)]
    alone = [model.encode(clip, [len(clip)], [looks], times(looks)) for clip, looks in clips]
    together = model.encode(
        torch.cat([clip for clip, _ in clips]),
        [len(clip) for clip, _ in clips],
        [looks for _, looks in clips],
        [time for _, looks in clips for time in times(looks)],
    )
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("num_frames", [1, 7])
def test_a_clip_in_steps_equals_the_whole(made: Made, num_frames: int) -> None:
    """What is not incremental takes all frames at once; nothing is kept of a part of them."""
    model, _ = made
    clip = pixels(model, num_frames)
    steps = list(model.encode_steps(clip, 7, times(7), chunk=2))
    assert len(steps) == (4 if model.tower.incremental else 1)
    whole = model.encode(clip, [num_frames], [7], times(7))
    torch.testing.assert_close(torch.cat(steps), whole, atol=1e-4, rtol=1e-4)


def test_a_longer_clip_is_never_taken_for_a_shorter_one(made: Made) -> None:
    model, processor = made
    frames = np.random.default_rng(0).integers(0, 256, (6, 30, 30, 3), dtype=np.uint8)
    looking = VisualEncoder(model, processor, MediaCache(2**20))
    for num_frames in (4, 6, 4):
        media = processor.prepare(Video(frames[:num_frames], np.arange(float(num_frames))))
        fresh = VisualEncoder(model, processor, MediaCache(2**20)).encode(media)
        assert torch.equal(looking.encode(media).tokens, fresh.tokens)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of clips of different lengths."""
    root = tmp_path_factory.mktemp("clips")
    lines = []
    for number, num_frames in enumerate((3, 9, 5)):
        write_video(root / f"{number}.mp4", num_frames, size=(64, 48))
        question = [{"type": "video", "video": f"{number}.mp4"}, {"type": "text", "text": "What?"}]
        turns = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": f"It is {number * 111}."},
        ]
        lines.append(json.dumps({"id": str(number), "messages": turns}))
    (root / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_packed_clips_train_like_unpacked_ones(made: Made, folder: Path) -> None:
    model, processor = made
    model.train()  # BatchNorm keeps its statistics in an assistant
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout | DropPath):
            module.eval()
    sampling = SamplingConfig((1.0,), (4, 4))
    data = RecordDataset(RecordFile(folder / "records.jsonl"), processor, sampling=sampling)
    samples = [data[place] for place in range(len(data))]
    collate = Collator(processor)
    length = sum(len(sample.rendered.ids) for sample in samples)  # type: ignore[union-attr]
    names = ("quarantined", "num_samples", "num_tokens", "looks")

    def loss_of(items: list) -> Tensor:
        batch = {k: v for k, v in collate(items).items() if k not in names}
        return model(**batch, num_items_in_batch=1).loss

    packed = loss_of([PackedRow(samples, length)])
    alone = sum(loss_of([sample]) for sample in samples)
    torch.testing.assert_close(packed, alone, atol=1e-3, rtol=1e-4)


def test_a_saved_one_is_loaded_and_answers_the_same(made: Made, tmp_path: Path) -> None:
    model, processor = made
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again, its_processor = sources.load(tmp_path, torch.float32)
    looks = (pixels(model, 5), [5], [5], times(5))
    assert torch.equal(again.encode(*looks), model.encode(*looks))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name, p in again.named_parameters() if p.requires_grad} == trained
    assert its_processor.tokens_per_look == processor.tokens_per_look


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.mp4", 24, size=(64, 48), fps=4)
    return tmp_path / "clip.mp4"


@pytest.fixture
def assistants(made: Made) -> Iterator[tuple[Assistant, Assistant]]:
    """Two with nothing remembered."""
    both = Assistant(*made), Assistant(*made)
    yield both
    for assistant in both:
        assistant.close()


def finish(assistant: Assistant, state: State, text: str, files: list[Path]) -> Finished:
    *_, last = assistant.reply(state, text, files, settings=GREEDY)
    assert isinstance(last, Finished)
    return last


def test_a_second_question_about_a_clip_equals_one_to_a_fresh_assistant(
    assistants: tuple[Assistant, Assistant], clip: Path
) -> None:
    ours, fresh = assistants
    first = finish(ours, State(), "What?", [clip])
    second = finish(ours, first.state, "And then?", [])
    anew = finish(fresh, finish(fresh, State(), "What?", [clip]).state, "And then?", [])
    assert second.state.turns[1].answer_ids == anew.state.turns[1].answer_ids
    again = finish(ours, State(), "What?", [clip])  # from the cache of encoded media
    assert again.state.turns[0].answer_ids == first.state.turns[0].answer_ids
