"""`generate` with copies of a prompt (beams, answers) and with the cache of an earlier turn."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tiny import tiny_assistant
from torch import Tensor
from transformers import set_seed

from vlm.generate_inputs import VISUAL_INPUTS
from vlm.model import PVCForConditionalGeneration, fuse

M = 4  # tokens of a look, set by the fixture's check
PAD = 2
# Per prompt: clips as (frames, looks).
PROMPTS = {
    "one picture": [[(1, 4)]],
    "pictures of different looks": [[(1, 4), (1, 1), (1, 2)]],
    "a film": [[(3, 3)]],
    "films and pictures": [[(3, 3), (1, 2), (2, 2)]],
    "two prompts": [[(3, 3), (1, 1)], [(1, 2)]],
    "a prompt without a picture": [[(2, 2)], []],
}


@pytest.fixture(scope="module")
def model() -> PVCForConditionalGeneration:
    model = tiny_assistant().model
    assert model.config.tokens_per_look == M
    return model


def clips_of(shapes: Sequence[tuple[int, int]], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "pixel_values": torch.randn(sum(t for t, _ in shapes), 3, 32, 32, generator=generator),
        "clip_frames": torch.tensor([t for t, _ in shapes]),
        "clip_looks": torch.tensor([r for _, r in shapes]),
        "timesteps": torch.cat([torch.arange(r) / r for _, r in shapes]),
    }


def question(
    model: PVCForConditionalGeneration, shapes: Sequence[tuple[int, int]], first: int = 5
) -> list[int]:
    image = model.config.image_token_id
    return [t for i, (_, r) in enumerate(shapes) for t in (first + i, *[image] * (M * r))] + [7, 8]


def inputs_of(
    model: PVCForConditionalGeneration, prompts: Sequence[Sequence[tuple[int, int]]]
) -> dict[str, Tensor]:
    rows = [question(model, shapes) for shapes in prompts]
    length = max(map(len, rows))
    return {
        "input_ids": torch.tensor([[PAD] * (length - len(row)) + row for row in rows]),
        "attention_mask": torch.tensor(
            [[0] * (length - len(row)) + [1] * len(row) for row in rows]
        ),
        **clips_of([shape for shapes in prompts for shape in shapes]),
    }


def embedded(model: PVCForConditionalGeneration, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same prompts as embeddings, which transformers copies row by row."""
    with torch.no_grad():
        tokens = model.encode(*(inputs[n] for n in VISUAL_INPUTS[:4]))
        embeddings = model.get_input_embeddings()(inputs["input_ids"])
        fused = fuse(embeddings, inputs["input_ids"], tokens, model.config.image_token_id)
    return {"inputs_embeds": fused, "attention_mask": inputs["attention_mask"]}


def answers(model: PVCForConditionalGeneration, inputs: dict[str, Tensor], **how: Any) -> Tensor:
    set_seed(3)
    out = model.generate(
        **inputs, max_new_tokens=6, min_new_tokens=6, eos_token_id=PAD, pad_token_id=PAD, **how
    )
    return out[:, -6:]


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS.keys())
@pytest.mark.parametrize(
    "how",
    [
        {"num_beams": 2, "do_sample": False},
        {"num_beams": 3, "num_return_sequences": 2, "do_sample": False},
        {"num_return_sequences": 2, "do_sample": True},
    ],
    ids=["beams", "beams returned", "samples"],
)
def test_copies_of_a_prompt_see_its_pictures(
    model: PVCForConditionalGeneration,
    prompts: list[list[tuple[int, int]]],
    how: dict[str, Any],
) -> None:
    inputs = inputs_of(model, prompts)
    assert torch.equal(
        answers(model, inputs, **how), answers(model, embedded(model, inputs), **how)
    )


@pytest.mark.parametrize(
    "how",
    [{"use_cache": False}, {"cache_implementation": "static"}, {"prompt_lookup_num_tokens": 2}],
    ids=["no cache", "static cache", "prompt lookup"],
)
def test_every_way_of_decoding_sees_the_pictures(
    model: PVCForConditionalGeneration, how: dict[str, Any]
) -> None:
    inputs = inputs_of(model, PROMPTS["films and pictures"])
    expected = answers(model, inputs, do_sample=False)
    found = answers(model, inputs, do_sample=False, disable_compile=True, **how)
    assert torch.equal(found, expected)


def test_beams_of_two_prompts_equal_those_of_each_alone(
    model: PVCForConditionalGeneration,
) -> None:
    together = inputs_of(model, PROMPTS["two prompts"])
    found = answers(model, together, num_beams=2, do_sample=False)
    first, second = PROMPTS["two prompts"]
    alone = {**inputs_of(model, [first])}
    pixels = together["pixel_values"]
    alone["pixel_values"] = pixels[:4]
    other = inputs_of(model, [second])
    other["pixel_values"] = pixels[4:]
    expected = [answers(model, one, num_beams=2, do_sample=False) for one in (alone, other)]
    assert torch.equal(found, torch.cat(expected))


def test_visual_tokens_that_were_given_are_copied_with_their_prompt(
    model: PVCForConditionalGeneration,
) -> None:
    inputs = inputs_of(model, PROMPTS["two prompts"])
    with torch.no_grad():
        tokens = model.encode(*(inputs[n] for n in VISUAL_INPUTS[:4]))
    given = {k: v for k, v in inputs.items() if k not in VISUAL_INPUTS} | {"visual_tokens": tokens}
    how = {"num_beams": 2, "do_sample": False}
    assert torch.equal(answers(model, given, **how), answers(model, inputs, **how))


def test_copies_are_encoded_once(model: PVCForConditionalGeneration) -> None:
    frames: list[int] = []
    hook = model.tower.backbone.register_forward_hook(lambda _m, a, _o: frames.append(len(a[0])))
    answers(model, inputs_of(model, PROMPTS["films and pictures"]), num_beams=4, do_sample=False)
    hook.remove()
    assert frames == [6]


OLD, NEW = [(1, 2), (2, 2)], [(3, 3), (1, 4)]


def second_turn(
    model: PVCForConditionalGeneration,
) -> tuple[Tensor, Tensor, dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Returns the ids of one and of two turns; the clips of the first, the second, and both."""
    one = [*question(model, OLD)]
    ids = torch.tensor([[*one, 9, 10, *question(model, NEW, first=20)]])
    old, new = clips_of(OLD), clips_of(NEW, seed=1)
    both = {name: torch.cat([old[name], new[name]]) for name in old}
    return torch.tensor([one]), ids, old, new, both


@pytest.mark.parametrize("given", ["all pictures", "new pictures", "new ids"])
@pytest.mark.parametrize("beams", [1, 2])
def test_a_turn_that_continues_a_cache_equals_a_fresh_one(
    model: PVCForConditionalGeneration, given: str, beams: int
) -> None:
    one, ids, old, new, both = second_turn(model)
    how: dict[str, Any] = {"num_beams": beams, "do_sample": False}
    mask = torch.ones_like(ids)
    expected = answers(model, {"input_ids": ids, "attention_mask": mask, **both}, **how)
    with torch.no_grad():
        cache = model(input_ids=one, use_cache=True, **old).past_key_values
    frames: list[int] = []
    hook = model.tower.backbone.register_forward_hook(lambda _m, a, _o: frames.append(len(a[0])))
    inputs = {"input_ids": ids, "attention_mask": mask, **(both if given[0] == "a" else new)}
    if given == "new ids":
        inputs["input_ids"] = ids[:, one.shape[1] :]
    found = answers(model, inputs, past_key_values=cache, **how)
    hook.remove()
    assert torch.equal(found, expected)
    if beams == 1:
        assert frames == [4]  # the cached pictures are not encoded again


def test_a_cache_that_ends_within_a_picture_is_continued(
    model: PVCForConditionalGeneration,
) -> None:
    _, ids, _, _, both = second_turn(model)
    mask = torch.ones_like(ids)
    expected = answers(model, {"input_ids": ids, "attention_mask": mask, **both}, do_sample=False)
    with torch.no_grad():
        cache = model(input_ids=ids, use_cache=True, **both).past_key_values
    cache.crop(30 - ids.shape[1])
    assert cache.get_seq_length() == 30
    assert ids[0, 29] == ids[0, 30] == model.config.image_token_id
    inputs = {"input_ids": ids, "attention_mask": mask, **both}
    assert torch.equal(answers(model, inputs, past_key_values=cache, do_sample=False), expected)


@pytest.mark.parametrize("beams", [1, 2])
def test_pictures_that_fit_neither_the_prompt_nor_its_new_part_are_refused(
    model: PVCForConditionalGeneration, beams: int
) -> None:
    one, ids, old, _, _ = second_turn(model)
    with torch.no_grad():
        cache = model(input_ids=one, use_cache=True, **old).past_key_values
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **clips_of([(1, 1)])}
    with pytest.raises(ValueError, match=r"44 placeholders .* 28 of them behind .* but 4 visual"):
        answers(model, inputs, past_key_values=cache, num_beams=beams, do_sample=False)


def test_a_prompt_whose_pictures_are_missing_is_refused(
    model: PVCForConditionalGeneration,
) -> None:
    inputs = inputs_of(model, PROMPTS["one picture"])
    text = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    with pytest.raises(ValueError, match="16 placeholders for visual tokens, but 0 visual tokens"):
        answers(model, text, do_sample=False)


def test_pictures_beside_embeddings_are_refused(model: PVCForConditionalGeneration) -> None:
    inputs = inputs_of(model, PROMPTS["one picture"])
    inputs["inputs_embeds"] = model.get_input_embeddings()(inputs.pop("input_ids"))
    with pytest.raises(ValueError, match="inputs_embeds were given: pass input_ids"):
        model(**inputs)
