"""A stream: its frames are those of a film, at the same price and in the same memory for each."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_assistant
from torch import Tensor

from vlm.assistant import Assistant, Decided, Finished, MediaSource, Settings, State, Stream
from vlm.conversation import Clip, Media
from vlm.inference.visual.live import KEPT, PART, as_film, spread
from vlm.inference.visual.look_states import _tensors
from vlm.timesteps import relative_timesteps

GREEDY = Settings(max_new_tokens=8, repetition_penalty=1.0)
CAMERA = Path("camera")


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    made = tiny_assistant()
    yield made
    made.close()


def frames(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 40, 60, 3), dtype=np.uint8)


def follow(assistant: Assistant, pixels: np.ndarray, stream: Stream | None = None) -> Stream:
    stream = stream or Stream()
    for frame in pixels:
        stream = assistant.see_next(stream, frame, float(stream.num_seen))
    return stream


def test_a_part_that_comes_frame_by_frame_equals_the_part_as_a_film() -> None:
    assistant = tiny_assistant()
    assistant.model.double()
    stream = follow(assistant, frames(PART + 3))
    processor = assistant.processor
    steps = relative_timesteps(range(PART), processor.timestep_scale, processor.timestep_form)
    encoder = assistant._own_reply(State(), None, None).encoder
    for first, count in ((0, PART), (PART, 3)):
        part = stream.frames[first : first + count]
        clip = Clip(np.stack([frame.pixels for frame in part]), tuple(steps[:count]))
        whole = encoder.encode(Media("video", (clip,), tuple(f.time for f in part)))
        came = torch.cat([frame.tokens for frame in part])
        torch.testing.assert_close(came, whole.tokens, rtol=1e-9, atol=1e-9)
    assistant.close()


def test_memory_is_bounded(assistant: Assistant) -> None:
    def size(stream: Stream) -> int:
        kept: list[Tensor] = [*_tensors(stream.cache), *(f.tokens for f in stream.frames)]
        return sum(tensor.nbytes for tensor in kept)

    pixels = frames(PART)
    stream, sizes = Stream(), []
    for _ in range(2 * KEPT // PART):
        stream = follow(assistant, pixels, stream)
        sizes.append(size(stream))
    assert (len(stream.frames), stream.num_seen) == (KEPT, 2 * KEPT)
    assert sizes[-1] == sizes[KEPT // PART - 1]
    assert stream.frames[0].time == KEPT


def test_a_question_takes_frames_of_the_whole_that_is_kept(assistant: Assistant) -> None:
    stream = follow(assistant, frames(10))
    source = MediaSource(CAMERA, stream=stream)
    *_, last = assistant.reply(State(), "What now?", [source], GREEDY)
    assert isinstance(last, Finished)
    (seen,) = last.seen
    assert (seen.name, seen.kind, seen.times and seen.times[-1]) == ("camera", "video", 9.0)
    *_, again = assistant.reply(last.state, "And?", (), GREEDY)
    assert isinstance(again, Finished)
    assert again.usage.encoded_clips == 0
    *_, decided = assistant.decide(State(), "Is it red?", ("Yes", "No"), [source])
    assert isinstance(decided, Decided)


def test_the_frames_of_a_question_are_spread_and_end_with_the_last(assistant: Assistant) -> None:
    stream = follow(assistant, frames(10))
    assert [frame.time for frame in spread(stream.frames, 4)] == [1, 4, 6, 9]
    assert [frame.time for frame in spread(stream.latest(3).frames, 8)] == [7, 8, 9]
    film = as_film(stream, 4, 24)
    assert film.media.times == (1, 4, 6, 9)
    assert film.digest != as_film(stream, 5, 24).digest


def test_a_stream_of_another_model_begins_anew_and_times_must_increase(
    assistant: Assistant,
) -> None:
    stream = follow(assistant, frames(2))
    other = tiny_assistant(seed=1)
    with pytest.raises(ValueError, match="has not seen this stream yet"):
        list(other.reply(State(), "?", [MediaSource(CAMERA, stream=stream)], GREEDY))
    assert other.see_next(stream, frames(1)[0], 5.0).num_seen == 1
    other.close()
    with pytest.raises(ValueError, match="cannot follow"):
        assistant.see_next(stream, frames(1)[0], 1.0)
