"""llama.cpp gives torch's logits, answers and probabilities; turns from its cache are as fresh."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf_maker import KINDS, assistant_folder, tiny_language_model
from PIL import Image

from vlm.assistant import Assistant, Decided, Finished, Settings, State, TextDelta
from vlm.inference.errors import NotEnoughMemory
from vlm.inference.verify import verify_cache
from vlm.llamacpp.context import LlamaContext
from vlm.llamacpp.sequences import Sequences
from vlm.llamacpp.verify import verify_engine
from vlm.llamacpp.write import write_gguf

pytest.importorskip("llama_cpp", reason="llama-cpp-python, an optional package, is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assistant_folder(tmp_path_factory.mktemp("tiny") / "model", context=1024)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def torchs(folder: Path) -> Iterator[Assistant]:
    made = Assistant.load(folder, torch.float32)
    yield made
    made.close()


@pytest.fixture(scope="module")
def llamas(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVISIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = Assistant.load(folder, torch.float32, engine="llama.cpp", gguf="f32")
        yield made
        made.close()


def context_of(kind: str, path: Path, cells: int = 512) -> tuple[torch.nn.Module, LlamaContext]:
    model = tiny_language_model(kind)
    write_gguf(model, path / "m.gguf", "f32")
    return model, LlamaContext(path / "m.gguf", cells, 1, exact=True)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_torch(kind: str, tmp_path: Path) -> None:
    model, context = context_of(kind, tmp_path)
    ids = torch.randint(0, 96, (1, 200), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(input_ids=ids).logits[0]
    by_tokens = context.read_tokens(0, 0, ids[0].tolist(), every=True)
    by_rows = context.read(1, 0, model.get_input_embeddings()(ids)[0].detach(), every=True)
    scale = expected.std()
    assert scale > 0.1
    assert (by_tokens - expected).abs().max() < 2e-3 * scale
    assert torch.equal(by_tokens, by_rows), "embeddings are tokens"
    context.close()


def test_a_fork_continues_where_its_prefix_ends_and_shares_its_cells(tmp_path: Path) -> None:
    _, context = context_of("SmolLM2", tmp_path, cells=256)
    turns = Sequences(context)
    first = turns.fork(list(range(90)))
    turns.read_tokens(first, list(range(90)))
    turns.keep(list(range(90)), first)
    again = turns.fork([*range(80), 95, 94])
    assert again.get_seq_length() == 80
    branch = turns.read_tokens(again, [95, 94])
    whole = turns.fork([])
    expected = turns.read_tokens(whole, [*range(80), 95, 94])
    torch.testing.assert_close(branch, expected, atol=1e-4, rtol=1e-4)
    context.close()


def test_a_full_pool_forgets_the_oldest_turns_first_and_then_refuses(tmp_path: Path) -> None:
    _, context = context_of("SmolLM2", tmp_path, cells=256)
    turns = Sequences(context)
    for number in range(4):
        made = turns.fork([])
        turns.read_tokens(made, [number] * 100)
        turns.keep([number] * 100, made)
        del made
    assert turns.num_kept == 200
    assert turns.fork([3] * 100).get_seq_length() == 99
    held = [turns.fork([])]
    turns.read_tokens(held[0], [7] * 200)
    with pytest.raises(NotEnoughMemory, match="raise --context"):
        turns.read_tokens(held[0], [7] * 100)
    context.close()


def said(assistant: Assistant, state: State, text: str, files: list, **options: object) -> Finished:
    settings = Settings(max_new_tokens=24, **options)  # type: ignore[arg-type]
    events = list(assistant.reply(state, text, files, settings))
    last = events[-1]
    assert isinstance(last, Finished)
    assert "".join(e.piece for e in events if isinstance(e, TextDelta)) == last.text
    return last


def test_answers_and_follow_ups_are_those_of_torch(
    torchs: Assistant, llamas: Assistant, picture: Path
) -> None:
    assert llamas.card["engine"] == "llama.cpp, f32"
    first = [said(a, State(), "What is it?", [picture]) for a in (torchs, llamas)]
    assert first[0].text == first[1].text
    assert first[0].usage.new_tokens > 3
    second = [
        said(assistant, end.state, "And now?", [])
        for assistant, end in zip((torchs, llamas), first, strict=True)
    ]
    assert second[0].text == second[1].text
    assert second[0].usage.reused_tokens == second[1].usage.reused_tokens > 20
    drawn = [
        said(a, State(), "Draw.", [picture], temperature=1.0, seed=3) for a in (torchs, llamas)
    ]
    assert drawn[0].text == drawn[1].text


def test_probabilities_of_given_answers_are_those_of_torch(
    torchs: Assistant, llamas: Assistant, picture: Path
) -> None:
    found = []
    for assistant in (torchs, llamas):
        *_, last = assistant.decide(State(), "Is it?", ["Yes", "No", "Perhaps"], [picture])
        assert isinstance(last, Decided)
        found.append(torch.tensor(last.logprobs))
    torch.testing.assert_close(found[0], found[1], atol=1e-3, rtol=1e-3)


def test_a_cached_turn_is_the_fresh_one(llamas: Assistant) -> None:
    check = verify_cache(llamas)
    assert check.passed, check.sentence


def test_the_check_of_the_engine_passes_and_finds_wrong_weights(
    llamas: Assistant, folder: Path, tmp_path: Path
) -> None:
    (check,) = verify_engine(llamas, folder)
    assert check.passed, check.sentence
    assert check.num_same == check.num_positions > 20
    other = assistant_folder(tmp_path / "other", seed=1)
    (check,) = verify_engine(llamas, other)
    assert not check.passed
    with pytest.raises(ValueError, match="FAILED: llama.cpp with f32 diverges"):
        check.required()


def test_rounded_weights_are_compared_exactly_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path))
    rounded = Assistant.load(folder, torch.float32, engine="llama.cpp", gguf="q8_0")
    exact, check = verify_engine(rounded, folder)
    assert (exact.kind, check.kind) == ("f32", "q8_0")
    assert exact.passed, exact.sentence
    assert exact.divergence < check.divergence
    rounded.close()


def test_a_stop_keeps_the_answer_so_far(llamas: Assistant, picture: Path) -> None:
    stop = threading.Event()
    events = llamas.reply(State(), "Tell me.", [picture], Settings(max_new_tokens=500), stop)
    pieces = 0
    for event in events:
        pieces += isinstance(event, TextDelta)
        if pieces == 5:
            stop.set()
        last = event
    assert isinstance(last, Finished)
    assert last.stopped
    assert 5 <= last.usage.new_tokens < 500


def test_answers_that_are_asked_for_together_are_those_of_one_at_a_time(
    llamas: Assistant, picture: Path
) -> None:
    texts = [f"Question {number}?" for number in range(4)]
    alone = [said(llamas, State(), text, [picture]).text for text in texts]
    found = [""] * len(texts)

    def ask(place: int) -> None:
        found[place] = said(llamas, State(), texts[place], [picture]).text

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == alone


@pytest.mark.parametrize("kind", ["q8_0", "q4_k"])
def test_rounded_weights_answer_near_the_exact_ones(kind: str, tmp_path: Path) -> None:
    model = tiny_language_model("SmolLM2", hidden_size=256, intermediate_size=512)
    write_gguf(model, tmp_path / "m.gguf", kind)
    whole = sum(p.numel() for p in model.parameters()) * 4
    assert (tmp_path / "m.gguf").stat().st_size < whole / 2
    ids = torch.arange(90)
    with torch.inference_mode():
        expected = model(input_ids=ids[None]).logits[0].log_softmax(-1)
    context = LlamaContext(tmp_path / "m.gguf", 256, 1)
    found = context.read_tokens(0, 0, ids.tolist(), every=True).log_softmax(-1)
    error, spread = (found - expected).std(), expected.std()
    assert error < (0.1 if kind == "q8_0" else 0.5) * spread
    context.close()


def test_a_process_that_closes_nothing_ends_without_a_word(tmp_path: Path) -> None:
    write_gguf(tiny_language_model("SmolLM2"), tmp_path / "m.gguf", "f32")
    code = (
        "import pathlib, sys; from vlm.llamacpp.context import LlamaContext;"
        "context = LlamaContext(pathlib.Path(sys.argv[1]), 256, 1);"
        "context.read_tokens(0, 0, [1, 2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m.gguf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
