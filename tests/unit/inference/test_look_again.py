"""One more look at a picture: the same tokens as all looks computed anew, at the price of one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from tiny import tiny_assistant

from vlm.assistant import Assistant, Finished, MediaSource, Settings, State
from vlm.conversation import Image
from vlm.inference.visual.look_states import LookStates
from vlm.timesteps import next_timestep, relative_timesteps

GREEDY = Settings(max_new_tokens=8, looks=2, repetition_penalty=1.0)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 180, 3), dtype=np.uint8)
    Pillow.fromarray(pixels).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def ask(assistant: Assistant, path: Path, again: int = 0, **settings: Any) -> Finished:
    chosen = Settings(**{"max_new_tokens": 8, "looks": 2, "repetition_penalty": 1.0, **settings})
    *_, last = assistant.reply(State(), "What?", [MediaSource(path, again=again)], chosen)
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize("form", ["t/T", "t/(T-1)", "t"])
@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_a_second_look_stands_where_it_does_among_two(form: str, scale: float) -> None:
    first = relative_timesteps(range(1), scale, form)
    assert [*first, next_timestep(first, scale, form)] == relative_timesteps(range(2), scale, form)
    times = relative_timesteps(range(4), scale, form)
    assert next_timestep(times, scale, form) >= times[-1]


@pytest.mark.parametrize("tiles", [1, 4])
@pytest.mark.parametrize("order", ["tile", "look"])
def test_one_more_look_equals_all_looks_anew_and_earlier_ones_keep_their_tokens(
    tiles: int, order: str
) -> None:
    assistant = tiny_assistant()
    assistant.processor.prompt["tile_order"] = order
    encoder, processor = assistant._reply(State(), None, None).encoder, assistant.processor
    pixels = np.random.default_rng(1).integers(0, 256, (60, 180, 3), dtype=np.uint8)
    two = encoder.encode(processor.prepare(Image(pixels, looks=2, max_tiles=tiles)))
    three = encoder.look_again(encoder.look_again(two))
    encoder.states, encoder.cache._entries = LookStates(0), type(encoder.cache._entries)()
    anew = encoder.look_again(encoder.look_again(two))
    torch.testing.assert_close(three.tokens, anew.tokens, rtol=1e-4, atol=1e-4)
    assert (three.digest, three.looks) == (anew.digest, anew.looks)
    assert len(three.looks) == three.media.looks
    size = processor.tokens_per_look
    new = [look in (three.digest, three.looks[-1]) for look in three.looks]
    old = [look in two.look_digests for look in three.looks]
    assert old.count(True) == two.media.looks
    assert not any(a and b for a, b in zip(new, old, strict=True))
    kept = three.tokens.unflatten(0, (-1, size))[torch.tensor(old)].flatten(0, 1)
    torch.testing.assert_close(kept, two.tokens, rtol=1e-4, atol=1e-4)
    assistant.close()


def test_looking_again_costs_one_look_and_reuses_what_was_read(picture: Path) -> None:
    assistant = tiny_assistant()
    ask(assistant, picture)
    steps: list[tuple[bool, int]] = []
    step = assistant.model.tower.step

    def counted(clip: Any, times: Any, cache: Any = None) -> Any:
        steps.append((clip is None, times.shape[1]))
        return step(clip, times, cache)

    assistant.model.tower.step = counted  # type: ignore[method-assign]
    last = ask(assistant, picture, again=1)
    assert steps == [(True, 1)]
    assert last.usage.decoded_files == 0
    per_look = assistant.processor.tokens_per_look
    assert last.usage.visual_tokens == 3 * per_look
    assert last.usage.reused_tokens >= 2 * per_look  # the looks before, in the language model
    fresh = tiny_assistant()
    assert ask(fresh, picture, again=1).text == last.text
    for made in (assistant, fresh):
        made.close()


def test_a_look_beyond_the_most_is_refused_with_a_note(picture: Path) -> None:
    assistant = tiny_assistant()
    source = MediaSource(picture, again=3)
    events = list(assistant.reply(State(), "What?", [source], Settings(looks=64, max_new_tokens=4)))
    [file] = events[[type(e).__name__ for e in events].index("Planned")].plan.files
    assert file.looks - file.looks_before == file.again or file.looks <= 64
    assert isinstance(events[-1], Finished)
    assistant.close()
    with pytest.raises(ValueError, match="again is -1"):
        MediaSource(picture, again=-1)
