"""The whole model: visual tokens replace placeholders, and are equal however they are computed."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText

from vlm.model import PVCForConditionalGeneration, fuse
from vlm.presets import PRESETS, build_model, preset_config

STEPS = [0.0, 1 / 3, 2 / 3, 0.0, 0.25, 0.5, 0.75, 0.0, 0.25, 0.5, 0.75]
CLIPS = ([3, 1, 1], [3, 4, 4])  # a video of three frames and two still pictures


@pytest.fixture(scope="module")
def model() -> PVCForConditionalGeneration:
    built = build_model("test")
    with torch.no_grad():
        torch.manual_seed(1)
        for part in (built.tower, built.compressor):
            for parameter in part.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return built


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    torch.manual_seed(2)
    return torch.randn(5, 3, 32, 32)


def prompt(model: PVCForConditionalGeneration, num_tokens: int) -> torch.Tensor:
    return torch.tensor([[1, 5, *[model.config.image_token_id] * num_tokens, 7, 8]])


def test_the_published_model_has_its_published_size() -> None:
    with torch.device("meta"):
        model = PVCForConditionalGeneration(preset_config("pvc-internvl2-8b"))
    total = sum(p.numel() for p in model.parameters())
    # A layer of InternViT-300M has 12,596,224 parameters; the rest of a block is PVC's.
    added = sum(p.numel() for p in model.tower.blocks.parameters()) - 8 * 12_596_224
    assert round(total / 1e9, 2) == 9.55
    assert round(sum(p.numel() for p in model.compressor.parameters()) / 1e9, 4) == 1.4304
    # Eight layers' temporal attention, AdaLN, time embedding and gate: 77.7 M.
    assert round(added / 1e6, 1) == 77.7
    assert model.config.tokens_per_look == 64


def test_features_by_the_names_of_transformers_are_the_visual_tokens(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    tokens = model.encode(pixels, *CLIPS, STEPS)
    [video] = model.get_video_features(pixels[:3]).pooler_output
    pictures = model.get_image_features(pixels[3:]).pooler_output
    assert len(pictures) == 2
    torch.testing.assert_close(torch.cat([video, *pictures]), tokens)
    [look, looks] = model.get_image_features(pixels[3:], [1, 4], STEPS[6:]).pooler_output
    assert (len(look), len(looks)) == (model.config.tokens_per_look, len(pictures[1]))
    torch.testing.assert_close(looks, pictures[1])


def test_batched_clips_equal_single_clips(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    batched = model.encode(pixels, *CLIPS, STEPS)
    M = model.config.tokens_per_look
    alone = [
        model.encode(pixels[:3], [3], [3], STEPS[:3]),
        model.encode(pixels[3:4], [1], [4], STEPS[3:7]),
        model.encode(pixels[4:], [1], [4], STEPS[7:]),
    ]
    assert batched.shape == (11 * M, model.config.text_config.hidden_size)
    torch.testing.assert_close(batched, torch.cat(alone), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_encoding_in_steps_equals_encoding_at_once(
    model: PVCForConditionalGeneration, pixels: torch.Tensor, chunk: int
) -> None:
    video = torch.cat(list(model.encode_steps(pixels[:3], 3, STEPS[:3], chunk)))
    still = torch.cat(list(model.encode_steps(pixels[3:4], 4, STEPS[3:7], chunk)))
    whole = model.encode(pixels[:4], [3, 1], [3, 4], STEPS[:7])
    torch.testing.assert_close(torch.cat([video, still]), whole, atol=1e-5, rtol=1e-4)


def test_without_temporal_layers_all_looks_are_equal_and_the_tower_runs_once() -> None:
    tower = preset_config("test").tower | {"num_temporal_layers": 0, "depth": 3}
    model = build_model("test", tower=tower, compressor={"factor": 2, "adaptive": False})
    seen: list[int] = []
    model.tower.backbone.register_forward_hook(lambda _m, args, _o: seen.append(len(args[0])))
    pixels = torch.randn(4, 3, 32, 32)
    tokens = model.encode(pixels, [3, 1], [3, 4], STEPS[:7])
    assert seen == [4]
    looks = tokens[3 * model.config.tokens_per_look :].unflatten(0, (4, -1))
    assert torch.equal(looks, looks[:1].expand_as(looks))
    steps = torch.cat(list(model.encode_steps(pixels[3:], 4, STEPS[3:7], chunk=2)))
    torch.testing.assert_close(steps, looks.flatten(0, 1), atol=1e-5, rtol=1e-4)


def test_each_look_gives_other_tokens(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    looks = model.encode(pixels[:1], [1], [4], STEPS[3:7]).unflatten(0, (4, -1))
    assert (looks[1:] - looks[:-1]).abs().amax(dim=(1, 2)).min() > 1e-3


def test_pixels_in_the_prompt_equal_given_visual_tokens(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    visual = model.encode(pixels, *CLIPS, STEPS)
    ids = prompt(model, len(visual))
    expected = model(input_ids=ids, visual_tokens=visual).logits
    clips = dict(zip(("clip_frames", "clip_looks"), map(torch.tensor, CLIPS), strict=True))
    found = model(input_ids=ids, pixel_values=pixels, timesteps=torch.tensor(STEPS), **clips).logits
    torch.testing.assert_close(found, expected)


def test_generate_encodes_the_pictures_once(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    frames = []
    hook = model.tower.backbone.register_forward_hook(lambda _m, a, _o: frames.append(len(a[0])))
    ids = prompt(model, 4 * model.config.tokens_per_look)
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values=pixels[:1],
        clip_frames=torch.tensor([1]),
        clip_looks=torch.tensor([4]),
        timesteps=torch.tensor(STEPS[3:7]),
        max_new_tokens=5,
        eos_token_id=None,
        do_sample=False,
    )
    hook.remove()
    assert frames == [1]
    assert out.shape[1] == ids.shape[1] + 5


def test_the_loss_is_the_mean_over_answer_tokens(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    visual = model.encode(pixels[:3], [3], [3], STEPS[:3])
    ids = prompt(model, len(visual))
    labels = torch.full_like(ids, -100)
    labels[0, -2:] = ids[0, -2:]
    logits = model(input_ids=ids, visual_tokens=visual).logits[0, -3:-1]
    expected = torch.nn.functional.cross_entropy(logits, ids[0, -2:])
    found = model(input_ids=ids, visual_tokens=visual, labels=labels).loss
    torch.testing.assert_close(found, expected)


def test_a_saved_model_answers_the_same(
    model: PVCForConditionalGeneration, pixels: torch.Tensor, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert isinstance(again, PVCForConditionalGeneration)
    expected = model.encode(pixels, *CLIPS, STEPS)
    assert torch.equal(again.encode(pixels, *CLIPS, STEPS), expected)
    ids = prompt(model, len(expected))
    first = model(input_ids=ids, visual_tokens=expected).logits
    assert torch.equal(again(input_ids=ids, visual_tokens=expected).logits, first)


def test_missing_or_unexpected_weights_are_refused(
    model: PVCForConditionalGeneration, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["tower.blocks.0.alpah"] = tensors.pop("tower.blocks.0.alpha")
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="missing keys: tower.blocks.0.alpha; unexpected keys"):
        PVCForConditionalGeneration.from_pretrained(tmp_path)


def test_placeholders_and_visual_tokens_must_agree(model: PVCForConditionalGeneration) -> None:
    ids = prompt(model, 3)
    with pytest.raises(ValueError, match="3 placeholders for visual tokens, but 2 were given"):
        fuse(torch.zeros(1, ids.shape[1], 16), ids, torch.zeros(2, 16), model.config.image_token_id)


def test_frames_and_clips_must_agree(
    model: PVCForConditionalGeneration, pixels: torch.Tensor
) -> None:
    with pytest.raises(ValueError, match="5 frames and 11 times were given for clips of 4 frames"):
        model.encode(pixels, [3, 1], [3, 4], STEPS)


def test_extra_outputs_replace_those_of_their_frames_only() -> None:
    tower = {
        "image_size": 64,
        "block": {"dim": 16, "num_heads": 4, "mlp_dim": 16, "layer_scale": 1.0},
        "backbone": {"name": "efficientnet-lite0", "num_classes": 10},
        "temporal": {"num_layers": 2, "num_heads": 4, "alpha": 0.5},
    }
    text = {**PRESETS["test"]["text_config"]}
    model = build_model(
        "test", tower=tower, compressor=PRESETS["embedded"]["compressor"], text_config=text
    )
    pixels = torch.randn(2, 3, 64, 64)
    clips = ([1, 1], [1, 1], [0.0, 0.0])
    plain = model.encode(pixels, *clips)
    logits = torch.zeros(1, 4, 10)
    logits[..., 3] = 50.0
    changed = model.encode(pixels, *clips, {"class_logits": (torch.tensor([1]), logits)})
    M = model.config.tokens_per_look
    assert torch.equal(plain[:M], changed[:M])
    assert model.concepts is not None
    difference = changed[M] - model.concepts.words.weight[3]  # the compressor is silent here
    assert difference.abs().max() < 1e-4
    uncertainty = model.concepts.uncertainty(torch.stack([torch.zeros(4, 10), logits[0]])[None])
    assert uncertainty.shape == (1, 2, 1, 1)
    assert uncertainty[0, 0] > 0.99
    assert uncertainty[0, 1] < 0.01


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="there are pvc-internvl2-8b"):
        preset_config("pvc-9000")
