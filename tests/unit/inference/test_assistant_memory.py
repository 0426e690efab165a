"""Caches between turns are looked up by content, and using them changes no result."""

import copy
import os
import time
from pathlib import Path
from threading import Event, Thread, Timer

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_assistant
from transformers import DynamicCache

from vlm.assistant import Finished, Planned, State
from vlm.conversation import Clip, Media
from vlm.inference.caches import (
    Cancelled,
    Encoded,
    MediaCache,
    PrefixCache,
    common_prefix,
    digest,
    media_digest,
    prompt_rows,
)


def still(value: int, looks: int = 2, shape: tuple[int, ...] = (1, 4, 4, 3)) -> Media:
    steps = tuple(i / looks for i in range(looks))
    return Media("image", (Clip(np.full(shape, value, np.uint8), steps),))


def encoded(value: int, rows: int = 3, looks: int = 2) -> Encoded:
    media = still(value, looks)
    return Encoded(media, media_digest(media, "m"), torch.zeros(rows, 2))


def test_digests_differ_by_shape_dtype_and_order(tmp_path: Path) -> None:
    zeros = np.zeros((2, 6), np.uint8)
    (tmp_path / "a").write_bytes(b"ab")
    (tmp_path / "b").write_bytes(b"ab")
    different = [
        digest(zeros),
        digest(zeros.reshape(3, 4)),
        digest(zeros.view(np.int16)),
        digest(zeros.tobytes()),
        digest("a", "b"),
        digest("ab"),
        digest("b", "a"),
        digest(tmp_path / "a"),
    ]
    assert len(set(different)) == len(different)
    assert digest(tmp_path / "a") == digest(tmp_path / "b"), "a file is its content, not its name"


def test_hashing_a_large_file_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 2**40)  # a sparse file, which would take many minutes
    cancel, ended = Event(), Event()

    def work() -> None:
        with pytest.raises(Cancelled):
            digest(tmp_path / "large", cancel=cancel)
        ended.set()

    Thread(target=work, daemon=True).start()
    assert not ended.wait(0.2)
    cancel.set()
    assert ended.wait(60)


def test_a_stop_is_heard_while_a_large_file_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (8, 8)).save(path)
    assistant, stop = tiny_assistant(), Event()
    events = assistant.reply(State(), "What?", [path], stop=stop)
    while not isinstance(next(events), Planned):
        pass
    os.truncate(path, 2**40)
    Timer(0.3, stop.set).start()
    started = time.monotonic()
    *_, last = events
    assistant.close()
    assert isinstance(last, Finished)
    assert last.stopped
    assert time.monotonic() - started < 60, "hashing all of it takes many minutes"


def test_the_key_of_a_picture_is_its_pixels_its_looks_and_the_model() -> None:
    same = media_digest(still(1), "m")
    assert media_digest(still(1), "m") == same
    for other in (still(2), still(1, looks=3), still(1, shape=(1, 8, 2, 3))):
        assert media_digest(other, "m") != same
    assert media_digest(still(1), "another") != same
    assert media_digest(Media("video", still(1).clips), "m") != same


def test_the_position_of_a_picture_counts_as_its_hash() -> None:
    a, b = encoded(1, looks=1), encoded(2, looks=1)
    ids = [5, 9, 9, 9, 6, 9, 9, 9, 7]
    rows = prompt_rows(ids, [a, b], image_token_id=9)
    assert [row for row in rows if row >= 0] == [5, 6, 7]
    assert rows[1] == rows[3] != rows[5]
    assert common_prefix(rows, prompt_rows(ids, [a, a], 9)) == 5
    assert common_prefix(rows, prompt_rows(ids, [b, a], 9)) == 1
    assert common_prefix(rows, rows[:4]) == 4


def test_the_least_recently_used_picture_is_evicted_first() -> None:
    one = encoded(1).num_bytes
    cache = MediaCache(max_bytes=2 * one)
    for key in (b"a", b"b"):
        cache.put(key, encoded(1))
    assert cache.get(b"a") is not None  # used again, so b goes
    cache.put(b"c", encoded(1))
    assert (cache.get(b"b"), cache.num_bytes) == (None, 2 * one)
    assert cache.get(b"a") is not None


def read_rows(rows: list[int]) -> tuple[torch.nn.Module, DynamicCache, torch.Tensor]:
    model = tiny_assistant().model.language_model
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        out = model(torch.tensor([rows]), past_key_values=cache, use_cache=True)
    return model, cache, out.logits


@pytest.mark.parametrize("same", [1, 7, 19, 20])
def test_continuing_a_prefix_equals_prefilling_everything(same: int) -> None:
    known, wanted = list(range(3, 23)), list(range(3, 3 + same)) + list(range(200, 210))
    model, cache, _ = read_rows(known)
    prefixes = PrefixCache(max_bytes=2**20)
    prefixes.keep(known, cache)
    before = copy.deepcopy([layer.keys for layer in cache.layers])
    fork = prefixes.fork(model, wanted)
    assert fork.get_seq_length() == same
    with torch.no_grad():
        ours = model(torch.tensor([wanted[same:]]), past_key_values=fork, use_cache=True).logits
    _, _, whole = read_rows(wanted)
    assert torch.allclose(ours[0], whole[0, same:], atol=1e-4)
    # The prefix itself is unchanged: two branches can continue it.
    for was, layer in zip(before, cache.layers, strict=True):
        assert torch.equal(was, layer.keys)


def test_the_last_row_of_a_fully_cached_prompt_is_computed_again() -> None:
    rows = list(range(3, 23))
    model, cache, _ = read_rows(rows)
    prefixes = PrefixCache(2**20)
    prefixes.keep(rows, cache)
    assert prefixes.fork(model, rows).get_seq_length() == 19
    assert prefixes.fork(model, [400, *rows]).get_seq_length() == 0


def test_our_slices_equal_a_cropped_cache_of_this_transformers() -> None:
    """`crop` changed its meaning between versions, so we slice; here both agree."""
    rows = list(range(3, 23))
    model, cache, _ = read_rows(rows)
    prefixes = PrefixCache(2**20)
    prefixes.keep(rows, cache)
    cropped = copy.deepcopy(cache)
    cropped.crop(-8)  # removes from the end
    fork = prefixes.fork(model, [*rows[:12], 300])
    assert cropped.get_seq_length() == fork.get_seq_length() == 12
    for theirs, ours in zip(cropped.layers, fork.layers, strict=True):
        assert torch.equal(theirs.keys, ours.keys)
        assert torch.equal(theirs.values, ours.values)


def test_only_the_longest_of_prompts_that_extend_each_other_is_kept() -> None:
    rows = list(range(3, 23))
    prefixes = PrefixCache(2**20)
    for length in (5, 20, 8):
        _, cache, _ = read_rows(rows[:length])
        prefixes.keep(rows[:length], cache)
    _, cache, _ = read_rows([*rows[:5], 300])
    prefixes.keep([*rows[:5], 300], cache)
    assert [len(prefix.rows) for prefix in prefixes._entries] == [20, 6]


def test_prefixes_stay_within_their_byte_limit() -> None:
    prefixes = PrefixCache(max_bytes=0)
    for first in (3, 100, 200):
        rows = list(range(first, first + 10))
        _, cache, _ = read_rows(rows)
        prefixes.keep(rows, cache)
    assert len(prefixes._entries) == 1


def test_layers_that_drop_tokens_are_not_cut_to_a_prefix() -> None:
    model, cache, _ = read_rows([3, 4, 5])
    from transformers.cache_utils import DynamicSlidingWindowLayer

    cache.layers[0].__class__ = DynamicSlidingWindowLayer
    cache.layers[0].cumulative_length = 3
    prefixes = PrefixCache(2**20)
    prefixes.keep([3, 4, 5], cache)
    assert prefixes.fork(model, [3, 4, 5, 6]).get_seq_length() == 0
