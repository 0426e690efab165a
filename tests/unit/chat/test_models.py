"""The page's models: one is loaded at a time, the old one is freed, conversations go on."""

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from fake_assistant import FakeAssistant

from app.page import model_list
from app.page.models import Models
from vlm.assistant import Finished, Settings, State


class Loaded(FakeAssistant):
    """An assistant that remembers the state it was asked with, and that it was closed."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.card = {**FakeAssistant.card, "name": name}
        self.closed = False
        self.states: list[State] = []

    def reply(self, state: State, *given: Any, **options: Any) -> Iterator[Any]:
        self.states.append(state)
        options = {k: v for k, v in options.items() if k not in ("before", "earlier")}
        return super().reply(state, *given, **options)

    def close(self) -> None:
        self.closed = True


def load(name: str) -> Any:
    if name == "broken":
        raise ValueError("broken: it has no weights.")
    return Loaded(name)


def ask(models: Models, state: State) -> State:
    *_, last = models.reply(state, "What?", (), Settings(), threading.Event())
    assert isinstance(last, Finished)
    return last.state


def test_another_model_takes_the_place_of_the_old_one_which_is_freed() -> None:
    first = Loaded("a")
    old = weakref.ref(first)
    models = Models(load, ["a", "b"], first)  # type: ignore[arg-type]
    del first
    ask(models, State())
    models.use("b")
    assert old() is None
    assert (models.current, models.card["name"]) == ("b", "b")


def test_the_old_model_comes_back_if_the_new_one_cannot_be_loaded() -> None:
    models = Models(load, ["a", "broken"], load("a"))
    with pytest.raises(ValueError, match=r"^broken: it has no weights\.$"):
        models.use("broken")
    assert models.current == "a"
    ask(models, State())


def test_after_a_failure_of_both_any_model_of_the_list_can_be_loaded() -> None:
    missing = {"a", "broken"}

    def load_some(name: str) -> Any:
        if name in missing:
            raise ValueError(f"{name}: it has no weights.")
        return Loaded(name)

    models = Models(load_some, ["a", "broken", "c"], load("a"))
    with pytest.raises(ValueError, match=r"^broken: it has no weights\. a cannot be loaded again"):
        models.use("broken")
    assert models.current == ""
    with pytest.raises(ValueError, match="No model is loaded"):
        ask(models, State())
    missing.remove("a")
    models.use("a")
    assert models.current == "a"
    ask(models, State())


def test_what_was_loaded_of_a_model_that_failed_is_freed_before_the_old_one_returns() -> None:
    parts: list[weakref.ref[Loaded]] = []

    def load_some(name: str) -> Any:
        part = Loaded(name)
        if name == "large":
            parts.append(weakref.ref(part))
            raise MemoryError
        assert parts[0]() is None
        return part

    models = Models(load_some, ["a", "large"], load("a"))
    with pytest.raises(ValueError, match=r"^there is not enough memory for it\.$"):
        models.use("large")
    assert models.current == "a"


def test_a_model_that_is_not_offered_is_refused() -> None:
    models = Models(load, ["a", "b"], load("a"))
    with pytest.raises(ValueError, match="there is no model 'c' here"):
        models.use("c")


def test_a_conversation_goes_on_without_what_the_old_model_saw() -> None:
    models = Models(load, ["a", "b"], load("a"))
    state = ask(models, State())
    continued = ask(models, state)
    assert models.own(continued).turns == continued.turns
    models.use("b")
    kept = models.own(continued)
    assert [turn.text for turn in kept.turns] == [turn.text for turn in continued.turns]
    assert [turn.answer for turn in kept.turns] == [turn.answer for turn in continued.turns]
    assert all(turn.media == () and turn.answer_ids == () for turn in kept.turns)


def test_running_answers_are_stopped_before_a_change() -> None:
    stop = threading.Event()
    models = Models(load, ["a", "b"], load("a"), stop.set)
    events, seen = models.reply(State(), "slow answer", (), Settings(), stop), []
    next(events)
    done = threading.Thread(target=lambda: seen.extend(events))
    done.start()
    models.use("b")
    done.join()
    assert seen[-1].stopped
    assert models.current == "b"


def test_an_answer_that_does_not_end_keeps_its_model() -> None:
    models = Models(load, ["a", "b"], load("a"), wait=0.05)
    events = models.reply(State(), "slow answer", (), Settings(), threading.Event())
    next(events)
    with pytest.raises(ValueError, match="An answer does not end"):
        models.use("b")
    assert models.current == "a"
    ask(models, State())


def test_the_list_has_what_was_named_and_nothing_is_downloaded_for_it() -> None:
    assert model_list.offered("x", ["y", "x"], on_disk=False) == ["x", "y"]
    assert "embedded" in model_list.offered("x", [])
    name = "HuggingFaceTB/SmolVLM2-256M-Video-Instruct"
    assert model_list.needs(name).startswith("0.26 billion parameters")
    assert "to download" in model_list.needs(name)
    assert model_list.needs("someone/unknown-model") == "downloaded when you choose it"


def test_the_advice_names_a_larger_model_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    from vlm.fit.hardware import DeviceMemory

    def free(num_bytes: float) -> None:
        room = DeviceMemory("on this machine", int(num_bytes), int(num_bytes))
        monkeypatch.setattr(model_list, "memory_of", lambda device: room)

    free(64e9)
    assert "--model HuggingFaceTB/SmolVLM2-2.2B-Instruct" in model_list.larger(1e8)
    free(4e9)
    assert "--model HuggingFaceTB/SmolVLM2-500M-Video-Instruct" in model_list.larger(1e8)
    free(1e9)
    assert model_list.larger(1e8).startswith("A larger model needs more memory")
    assert model_list.larger(5e9) == ""
