"""Batched answers equal those of single questions, regardless of the rest of the batch."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny import tiny_assistant
from torch.distributed.fsdp import fully_shard

from evaluation.asking.answerer import Answerer, GenerateSettings, Prompt, peak_memory
from vlm.conversation import Conversation, Image, Message, Part, Text, Video
from vlm.inference import batch
from vlm.inference.decoding import batch_decoding

SETTINGS = GenerateSettings(max_new_tokens=10, max_tiles=3)


def random_conversation(random: np.random.Generator) -> Conversation:
    """Returns one to three turns of text, images of any shape with tiles and looks, and videos."""
    messages = []
    num_turns = int(random.integers(1, 4))
    for turn in range(num_turns):
        parts: list[Part] = []
        for _ in range(random.integers(0, 3)):
            height, width = random.integers(8, 60, 2)
            if random.random() < 0.5:
                pixels = random.integers(0, 256, (height, width, 3), np.uint8)
                looks = int(random.integers(1, 5)) if random.random() < 0.5 else None
                parts.append(Image(pixels, looks))
            else:
                T = int(random.integers(1, 6))
                frames = random.integers(0, 256, (T, height, width, 3), np.uint8)
                parts.append(Video(frames, np.sort(random.uniform(0, 60, T))))
        words = bytes(random.integers(32, 127, random.integers(1, 90), np.uint8)).decode()
        messages.append(Message("user", (*parts, Text(words))))
        if turn < num_turns - 1:
            messages.append(Message("assistant", (Text(words[::-1]),)))
    return Conversation(tuple(messages))


def random_questions(num: int, seed: int) -> list[Prompt]:
    random = np.random.default_rng(seed)
    return [Prompt(f"q{i}", random_conversation(random)) for i in range(num)]


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    assistant = tiny_assistant()
    assistant.close()
    assert assistant.model.dtype == torch.float32
    return Answerer(assistant.model, assistant.processor, 1, SETTINGS)


def with_batch(answerer: Answerer, batch_size: int, **changes: Any) -> Answerer:
    """Returns the same model with empty caches, so that cached results cannot cause equality."""
    settings = replace(answerer.settings, **changes)
    return Answerer(answerer.model, answerer.processor, batch_size, settings)


def texts(answerer: Answerer, asked: list[Prompt]) -> list[str]:
    answers = answerer.answer(asked)
    assert not any(answer.error for answer in answers)
    return [answer.text for answer in answers]


def alone(answerer: Answerer, question: Prompt) -> str:
    """Returns the answer of transformers' own `generate` to one question."""
    conversation = answerer.as_set(question.conversation)  # tiles
    inputs = answerer.processor(conversation, add_generation_prompt=True)
    with torch.inference_mode():
        ids = answerer.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=answerer.settings.max_new_tokens,
            suppress_tokens=answerer.facts.suppressed_ids,
            eos_token_id=sorted(answerer.facts.eos_ids),
            pad_token_id=answerer.processor.tokenizer.pad_token_id,
        )
    new = ids[0, inputs["input_ids"].shape[1] :]
    return answerer.processor.tokenizer.decode(new, skip_special_tokens=True).strip()


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_a_batch_answers_what_transformers_answers_one_by_one(
    answerer: Answerer, batch_size: int
) -> None:
    asked = random_questions(32, seed=batch_size)
    expected = [alone(answerer, question) for question in asked]
    assert len(set(expected)) > 24  # a model with constant answers would prove nothing
    assert texts(with_batch(answerer, batch_size), asked) == expected


def test_the_prefill_chunk_size_changes_no_answer(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = random_questions(12, seed=5)
    expected = texts(with_batch(answerer, 12), asked)
    # Some rows are padding for several chunks.
    monkeypatch.setattr(batch_decoding, "PREFILL_CHUNK", 7)
    assert texts(with_batch(answerer, 12), asked) == expected


@pytest.fixture
def rough(answerer: Answerer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answerer]:
    """A model whose tokens have pairwise equal logits and whose batches round differently."""
    head = answerer.model.get_output_embeddings().weight
    before = head.detach().clone()
    with torch.no_grad():
        head[4::2] = head[3:-1:2]
    plain = answerer.model.language_model.forward
    random = torch.Generator().manual_seed(0)

    def forward(*args: Any, **kwargs: Any) -> Any:
        out = plain(*args, **kwargs)
        if len(out.logits) > 1:
            noise = torch.randn(out.logits.shape, generator=random)
            out.logits = out.logits + 1e-5 * noise * out.logits.std()
        return out

    monkeypatch.setattr(answerer.model.language_model, "forward", forward)
    yield answerer
    with torch.no_grad():
        head.copy_(before)


def test_a_batch_decides_a_near_tie_as_a_single_question_does(
    rough: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = random_questions(12, seed=7)
    expected = texts(with_batch(rough, 1), asked)
    assert texts(with_batch(rough, 4), asked) == expected
    monkeypatch.setattr(batch_decoding, "NEAR_TIE", 0.0)
    assert texts(with_batch(rough, 4), asked) != expected  # otherwise this test proves nothing


def test_few_answers_are_recomputed_alone(answerer: Answerer) -> None:
    asked = random_questions(32, seed=11)
    again = 0
    plain = batch.decode

    def counted(model: Any, rows: Any, *rest: Any) -> Any:
        nonlocal again
        again += len(rows) == 1
        return plain(model, rows, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "decode", counted)
        texts(with_batch(answerer, 16), asked)
    assert again <= 4


def test_answers_come_in_question_order(answerer: Answerer) -> None:
    asked = random_questions(9, seed=2)
    forwards = texts(with_batch(answerer, 4), asked)
    assert texts(with_batch(answerer, 4), asked[::-1]) == forwards[::-1]


def test_sampled_answers_do_not_depend_on_their_batch(answerer: Answerer) -> None:
    asked = random_questions(6, seed=3)
    one = with_batch(answerer, 1, temperature=0.7, top_p=0.9, seed=4)
    many = with_batch(answerer, 6, temperature=0.7, top_p=0.9, seed=4)
    assert texts(one, asked) == texts(many, asked)
    other = with_batch(answerer, 6, temperature=0.7, top_p=0.9, seed=5)
    assert texts(other, asked) != texts(many, asked)


def test_input_output_and_visual_tokens_are_counted(answerer: Answerer) -> None:
    picture = Image(np.zeros((16, 16, 3), np.uint8), looks=3)
    question = Prompt("q", Conversation((Message("user", (picture, Text("What?"))),)))
    (answer,) = with_batch(answerer, 2).answer([question])
    rendered = answerer.processor.render(question.conversation, True)
    assert answer.input_tokens == len(rendered.ids)
    assert answer.visual_tokens == 3 * answerer.processor.tokens_per_look
    assert 0 < answer.output_tokens <= SETTINGS.max_new_tokens
    assert answer.seconds_prefill > 0
    assert answer.seconds_decode > 0


def test_the_settings_control_looks_and_tiles_of_images(answerer: Answerer) -> None:
    picture = Image(np.zeros((16, 64, 3), np.uint8))
    question = Prompt("q", Conversation((Message("user", (picture, Text("What?"))),)))
    per_look = answerer.processor.tokens_per_look

    def visual_tokens(**changes: Any) -> int:
        return with_batch(answerer, 1, **changes).answer([question])[0].visual_tokens

    assert visual_tokens(looks=1, max_tiles=None) == per_look
    assert visual_tokens(looks=2, max_tiles=4) == 2 * (4 + 1) * per_look
    assert visual_tokens(media=False) == 0


def test_an_overlong_question_fails_with_a_sentence_and_the_others_are_answered(
    answerer: Answerer,
) -> None:
    long = Conversation((Message("user", (Text("x" * answerer.facts.context),)),))
    asked = [*random_questions(2, seed=1), Prompt("long", long)]
    answers = with_batch(answerer, 3).answer(asked)
    assert [bool(answer.error) for answer in answers] == [False, False, True]
    assert str(answerer.facts.context) in answers[2].error


def test_an_invalid_question_fails_with_its_reason_and_the_others_are_answered(
    answerer: Answerer,
) -> None:
    broken = Video(np.zeros((3, 8, 8, 3), np.uint8), np.arange(2.0))
    wrong = Prompt("wrong", Conversation((Message("user", (broken, Text("What?"))),)))
    answers = with_batch(answerer, 3).answer([wrong, *random_questions(2, seed=1)])
    assert [answer.error for answer in answers] == ["a video has 3 frames but 2 times.", "", ""]


def test_a_batch_that_exceeds_the_memory_is_halved(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = random_questions(5, seed=8)
    expected = texts(with_batch(answerer, 1), asked)
    plain = batch.decode

    def small(model: Any, rows: Any, *rest: Any) -> Any:
        if len(rows) > 2:
            raise torch.OutOfMemoryError
        return plain(model, rows, *rest)

    monkeypatch.setattr(batch, "decode", small)
    assert texts(with_batch(answerer, 5), asked) == expected


def test_a_batch_of_a_sharded_model_is_refused_instead_of_halved(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*rest: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(batch, "decode", full)
    monkeypatch.setattr(batch, "is_sharded", lambda model: True)
    for number in (1, 5):
        with pytest.raises(ValueError, match="with sharded weights .* lower the batch size"):
            with_batch(answerer, number).answer(random_questions(number, seed=8))


def test_only_weights_that_other_processes_hold_are_sharded() -> None:
    def whole() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))

    assert not batch.is_sharded(whole())
    distributed = torch.distributed
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        mesh = distributed.init_device_mesh("cpu", (1,))
        assert not batch.is_sharded(whole())
        model = whole()
        fully_shard(model[1], mesh=mesh)
        assert batch.is_sharded(model)
    finally:
        distributed.destroy_process_group()


def test_an_answer_ends_before_a_stop_string(answerer: Answerer) -> None:
    asked = random_questions(4, seed=9)
    whole = texts(with_batch(answerer, 4), asked)
    stop = next(text for text in whole if len(text) > 3)[2]
    cut = texts(with_batch(answerer, 4, until=(stop,)), asked)
    assert any(stop in text for text in whole)
    assert cut == [text.split(stop)[0].strip() for text in whole]


def test_a_prefilled_reply_is_read_but_not_repeated(answerer: Answerer) -> None:
    question = random_questions(1, seed=13)[0]
    begun = replace(question, reply="Best: (")
    plain, led = with_batch(answerer, 2).answer([question, begun])
    assert led.input_tokens == plain.input_tokens + len("Best: (")
    assert led.text != plain.text
    assert not led.text.startswith("Best")


def test_a_video_with_two_questions_is_encoded_once(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = Video(np.zeros((3, 16, 16, 3), np.uint8), np.arange(3.0))
    asked = [
        Prompt(word, Conversation((Message("user", (video, Text(word))),)))
        for word in ("one", "two", "three")
    ]
    encoded = []
    plain = answerer.model.encode_steps

    def counted(*args: Any, **kwargs: Any) -> Any:
        encoded.append(args)
        return plain(*args, **kwargs)

    monkeypatch.setattr(answerer.model, "encode_steps", counted)
    texts(with_batch(answerer, 2), asked)
    assert len(encoded) == 1


def test_impossible_settings_are_refused_in_a_sentence(answerer: Answerer) -> None:
    with pytest.raises(ValueError, match="looks is 0; it must be 1 or more"):
        GenerateSettings(looks=0)
    with pytest.raises(ValueError, match="the batch size is 0"):
        with_batch(answerer, 0)


def test_peak_memory_is_that_of_this_process() -> None:
    assert 50e6 < peak_memory(torch.device("cpu")) < 1e12
