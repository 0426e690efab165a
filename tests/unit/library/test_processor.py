"""From conversations to what the model takes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from tiny import tiny_processor
from transformers import AutoProcessor

from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.presets import PRESETS, build_model
from vlm.processor import PVCProcessor

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (60, 100, 3), dtype=np.uint8)
FRAMES = RNG.integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)
TIMES = np.array([0.1, 0.2, 0.3, 0.4, 0.9])


def ask(*parts: Image | Video, text: str = "What?") -> Conversation:
    return Conversation((Message("user", (*parts, Text(text))),))


def test_a_still_picture_is_said_once_however_often_it_is_looked_at() -> None:
    rendered = tiny_processor().render(ask(Image(PHOTO, looks=3)))
    assert rendered.frames[0].shape == (1, 32, 32, 3)
    assert (rendered.clip_frames, rendered.clip_looks) == ([1], [3])
    assert rendered.timesteps == pytest.approx([0, 1 / 3, 2 / 3])


def test_a_picture_is_looked_at_as_often_as_the_model_was_made_for() -> None:
    assert tiny_processor().render(ask(Image(PHOTO))).clip_looks == [4]


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (Image(PHOTO, looks=10**9), "1000000000 looks; it must be from 1 to 64"),
        (Image(PHOTO, max_tiles=10**9), "1000000000 tiles; it must be from 1 to 1024"),
        (Image(PHOTO, max_tiles=0), "0 tiles; it must be from 1"),
    ],
)
def test_looks_and_tiles_without_end_are_refused(image: Image, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        tiny_processor().prepare(image)


def test_a_tiled_picture_is_one_clip_for_each_tile() -> None:
    rendered = tiny_processor().render(ask(Image(PHOTO, looks=2, max_tiles=4)))
    assert rendered.clip_frames == [1, 1, 1]  # two tiles side by side and the whole
    assert rendered.ids.count(509) == 3 * 2 * 4


def test_a_video_is_one_clip_at_its_true_times() -> None:
    rendered = tiny_processor().render(ask(Video(FRAMES, TIMES)))
    assert (rendered.clip_frames, rendered.clip_looks) == ([5], [5])
    steps = np.array(rendered.timesteps)
    assert steps[0] == 0
    assert steps[-1] < 1
    assert np.allclose(np.diff(steps) / np.diff(TIMES), np.diff(steps)[0] / np.diff(TIMES)[0])


def test_a_video_without_a_time_for_each_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="5 frames but 4 times"):
        tiny_processor().render(ask(Video(FRAMES, TIMES[:4])))


def test_pixels_become_numbers_by_mean_and_deviation() -> None:
    processor = tiny_processor()
    frames = RNG.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    pixels = processor.pixel_values(frames)
    assert pixels.shape == (2, 3, 32, 32)
    mean, std = processor.image_processor.image_mean, processor.image_processor.image_std
    for channel in range(3):
        expected = (frames[..., channel] / 255 - mean[channel]) / std[channel]
        assert np.allclose(pixels[:, channel].numpy(), expected, atol=1e-5)


def test_looks_are_put_in_the_order_of_the_prompt() -> None:
    by_tile = tiny_processor()
    by_look = tiny_processor(prompt={"tile_order": "look"})
    one, two = (by_look.prepare(Image(PHOTO, looks=2, max_tiles=n)) for n in (1, 4))
    assert by_tile.look_order([one, two]) is None
    # Looks come as tile 0 look 0, tile 0 look 1, tile 1 look 0, ...
    assert by_look.look_order([one, two]) == [0, 1, 2, 4, 6, 3, 5, 7]


def test_saved_and_loaded_it_renders_the_same(tmp_path: Path) -> None:
    processor = tiny_processor(
        tower={"image_size": 32, "patch_size": 8, "image_mean": (0.1, 0.2, 0.3), "dim": 16}
    )
    processor.save_pretrained(tmp_path)
    conversation = ask(Image(PHOTO), Video(FRAMES, TIMES), text="<img> What?")
    expected = processor(conversation)
    for loaded in (PVCProcessor.from_pretrained(tmp_path), AutoProcessor.from_pretrained(tmp_path)):
        assert isinstance(loaded, PVCProcessor)
        inputs = loaded(conversation)
        assert inputs.keys() == expected.keys()
        for name, tensor in expected.items():
            assert torch.equal(inputs[name], tensor), name


def test_a_batch_is_padded_on_the_left_and_each_row_answers_as_alone() -> None:
    processor, model = tiny_processor(), build_model("test")
    short, long = ask(Image(PHOTO)), ask(Video(FRAMES, TIMES), text="What happens in the end?")
    together = processor([short, long])
    assert together["attention_mask"][0, 0] == 0
    assert together["attention_mask"][:, -1].tolist() == [1, 1]
    options = {"max_new_tokens": 8, "do_sample": False}
    both = model.generate(**together, **options)
    for row, conversation in enumerate((short, long)):
        alone = model.generate(**processor(conversation), **options)
        assert both[row, together["input_ids"].shape[1] :].tolist() == (
            alone[0, processor(conversation)["input_ids"].shape[1] :].tolist()
        )


def test_messages_may_hold_paths_pillow_pictures_and_arrays(tmp_path: Path) -> None:
    processor = tiny_processor()
    Pillow.fromarray(PHOTO).save(tmp_path / "photo.png")
    inputs = [
        processor.apply_chat_template(
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "image": image},
                        {"type": "text", "text": "What?"},
                    ],
                }
            ],
            add_generation_prompt=True,
        )
        for image in (str(tmp_path / "photo.png"), Pillow.fromarray(PHOTO), PHOTO)
    ]
    expected = processor(ask(Image(PHOTO)))
    for given in inputs:
        assert torch.equal(given["pixel_values"], expected["pixel_values"])
        assert torch.equal(given["input_ids"], expected["input_ids"])


@pytest.mark.parametrize(
    ("form", "scale", "expected"),
    [
        ("t/T", 1.0, [0, 0.25, 0.5, 0.75]),
        ("t/T", 1000.0, [0, 250, 500, 750]),
        ("t/(T-1)", 3.0, [0, 1, 2, 3]),
        ("t", 1.0, [0, 1, 2, 3]),
    ],
)
def test_timesteps_have_the_form_and_scale_of_the_config(
    form: str, scale: float, expected: list[float]
) -> None:
    tower = {**PRESETS["test"]["tower"], "timestep_form": form, "timestep_scale": scale}
    processor = tiny_processor(tower=tower)
    frames = np.zeros((4, 8, 8, 3), np.uint8)
    still = processor.prepare(Image(frames[0], looks=4))
    video = processor.prepare(Video(frames, np.array([7.0, 9.0, 11.0, 13.0])))
    for media in (still, video):
        assert media.clips[0].timesteps == pytest.approx(expected)
    alone = processor.prepare(Image(frames[0], looks=1))
    assert alone.clips[0].timesteps == (0.0,)


def test_timesteps_of_an_unknown_form_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"t/T, t/\(T-1\), t"):
        tiny_processor(tower={**PRESETS["test"]["tower"], "timestep_form": "seconds"})


def one_image(**part: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"type": "image", **part}, {"type": "text", "text": "?"}]}]


def test_pillow_pictures_are_read_like_their_files(tmp_path: Path) -> None:
    """Upright, transparency on white, deep gray scaled: the same pixels from both."""
    processor = tiny_processor()
    turned = Pillow.Exif()
    turned[0x0112] = 6
    Pillow.fromarray(PHOTO).save(tmp_path / "turned.jpg", exif=turned)
    Pillow.fromarray(PHOTO).save(tmp_path / "turned.tiff", exif=turned)
    clear = np.dstack([PHOTO, np.tile(np.arange(100, dtype=np.uint8) * 2, (60, 1))])
    Pillow.fromarray(clear).save(tmp_path / "clear.png")
    Pillow.fromarray(PHOTO[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Pillow.fromarray(PHOTO[..., 0].astype(np.int32) * 2**22).save(tmp_path / "deep.tiff")
    Pillow.fromarray(PHOTO).convert("CMYK").save(tmp_path / "ink.jpg")
    files = list(tmp_path.iterdir())
    assert len(files) == 6
    for file in files:
        with Pillow.open(file) as picture:
            given = [
                processor.apply_chat_template(one_image(image=image))["pixel_values"]
                for image in (str(file), picture)
            ]
        assert torch.equal(*given), file.name


def test_a_picture_may_be_under_the_keys_of_other_chat_templates(tmp_path: Path) -> None:
    processor, path = tiny_processor(), tmp_path / "a photo.png"
    Pillow.fromarray(PHOTO).save(path)
    expected = processor(ask(Image(PHOTO)))["pixel_values"]
    for part in (
        {"image": path},
        {"path": str(path)},
        {"url": str(path)},
        {"url": path.as_uri()},
        {"image": None, "path": path},
    ):
        given = processor.apply_chat_template(one_image(**part))["pixel_values"]
        assert torch.equal(given, expected)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({}, "a part of type 'image' without a medium"),
        ({"image_url": {"url": "a.png"}}, "a part of type 'image' without a medium"),
        ({"url": "https://example.com/a.png"}, "addresses are not fetched"),
        ({"image": "http://example.com/a.png"}, "addresses are not fetched"),
        ({"url": "data:image/png;base64,AAAA"}, "addresses are not fetched"),
    ],
)
def test_a_part_without_a_medium_that_can_be_read_is_one_sentence(part, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        tiny_processor().apply_chat_template(one_image(**part))


def test_a_video_may_be_a_list_of_pillow_pictures() -> None:
    frames = [Pillow.fromarray(frame) for frame in FRAMES]
    content = [{"type": "video", "video": frames, "times": TIMES}]
    given = tiny_processor().apply_chat_template([{"role": "user", "content": content}])
    expected = tiny_processor()(
        Conversation((Message("user", (Video(FRAMES, TIMES),)),)), add_generation_prompt=False
    )
    assert torch.equal(given["pixel_values"], expected["pixel_values"])
    assert torch.equal(given["timesteps"], expected["timesteps"])


@pytest.mark.parametrize("max_tiles", [1, 4])
def test_placeholders_are_counted_before_anything_is_decoded(max_tiles: int) -> None:
    processor = tiny_processor()
    counted = processor._get_num_multimodal_tokens(
        image_sizes=[PHOTO.shape[:2]], video_sizes=[FRAMES.shape[:3]], max_tiles=max_tiles
    )
    image = processor.render(ask(Image(PHOTO, max_tiles=max_tiles)))
    video = processor.render(ask(Video(FRAMES, TIMES)))
    assert counted.num_image_patches == [len(image.clips)]
    assert counted.num_image_tokens == [image.ids.count(509)]
    assert counted.num_video_tokens == [video.ids.count(509)]
