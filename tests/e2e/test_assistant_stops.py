"""A reply that is stopped: at once, whatever it does, and nothing of the conversation is lost."""

import gc
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from PIL import Image as Pillow
from replies import GREEDY, answered_from_scratch, finish

from vlm.assistant import (
    Assistant,
    Decoding,
    Encoding,
    Finished,
    Planned,
    Settings,
    State,
    TextDelta,
)
from vlm.media.confined.child import Child
from vlm.media.decode import MediaReader


def stopped_at(
    assistant: Assistant, kind: type, files: list[Path], text: str = "What?"
) -> tuple[Finished, float]:
    """Stops at the first event of this kind; returns the last event and the seconds until it."""
    stop = Event()
    pressed = 0.0
    chosen = Settings(max_new_tokens=500, repetition_penalty=1.0)
    for event in assistant.reply(State(), text, files, chosen, stop):
        if isinstance(event, kind) and not stop.is_set():
            pressed = time.perf_counter()
            stop.set()
    assert isinstance(event, Finished)
    return event, time.perf_counter() - pressed


@pytest.mark.parametrize("phase", [Planned, Decoding, Encoding])
def test_a_reply_stopped_before_its_first_word_leaves_the_state(
    phase: type, assistant: Assistant, files: dict[str, Path]
) -> None:
    last, seconds = stopped_at(assistant, phase, [files["clip.mp4"]])
    assert (last.stopped, last.text, last.state.turns) == (True, "", ())
    assert seconds < 1


def test_a_stopped_answer_is_kept_with_a_mark_and_can_be_continued(
    assistant: Assistant, files: dict[str, Path]
) -> None:
    last, seconds = stopped_at(assistant, TextDelta, [files["clip.mp4"]])
    assert seconds < 1
    assert last.stopped
    assert last.text
    assert last.state.turns[-1].stopped
    assert last.state.turns[-1].answer == last.text
    second = finish(assistant.reply(last.state, "Go on", [], GREEDY))
    assert second.usage.reused_tokens >= last.usage.prompt_tokens
    assert list(second.state.turns[-1].answer_ids) == (
        answered_from_scratch(assistant, second.state, GREEDY)
    )


def slowly(function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    def slow(*args: Any, **kwargs: Any) -> Any:
        time.sleep(seconds)
        return function(*args, **kwargs)

    return slow


@pytest.mark.parametrize("phase", ["decode", "look", "prefill"])
def test_a_stop_during_slow_work_takes_effect_within_a_second(
    phase: str, assistant: Assistant, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "What?"
    if phase == "decode":

        def read_video(*_: Any, progress: Any, cancel: Event, **__: Any) -> None:
            for i in range(100):
                time.sleep(0.1)
                progress(i, 100)

        monkeypatch.setattr(assistant.reader, "read_video", read_video)
    elif phase == "look":
        tower = assistant.model.tower
        monkeypatch.setattr(tower, "step", slowly(tower.step, 0.3))
    else:
        language_model = assistant.model.language_model
        slow = slowly(language_model.forward, 0.3)
        monkeypatch.setattr(language_model, "forward", slow)
        text = "x" * 1500
    stop, pressed = Event(), []

    def press() -> None:
        pressed.append(time.perf_counter())
        stop.set()

    chosen = Settings(num_frames=20, max_new_tokens=50)
    events = assistant.reply(State(), text, [files["clip.mp4"]], chosen, stop)
    next(events)  # the plan
    Timer(0.6, press).start()
    last = finish(events)
    assert last.stopped
    assert last.state.turns == ()
    assert 0 < time.perf_counter() - pressed[0] < 1


def test_a_consumer_that_goes_away_stops_the_work(
    assistant: Assistant, files: dict[str, Path]
) -> None:
    events = assistant.reply(State(), "What?", [files["clip.mp4"]], Settings(max_new_tokens=500))
    for event in events:
        if isinstance(event, TextDelta):
            break
    events.close()
    gc.collect()
    # What was prefilled is kept: the same question continues from it.
    last = finish(assistant.reply(State(), "What?", [files["clip.mp4"]], GREEDY))
    assert last.usage.reused_tokens == last.usage.prompt_tokens - 1
    assert last.usage.decoded_files == 0


def test_stop_during_the_first_look_ends_the_reading_process(
    assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is stopped before it can answer, so only the kill can end it."""
    path = tmp_path / "large.gif"
    frames = [Pillow.new("L", (64, 48), 50 * shade) for shade in range(5)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    children: list[Child] = []
    start = Child.__init__

    def stuck(child: Child, *args: Any, **kwargs: Any) -> None:
        start(child, *args, **kwargs)
        os.kill(child.process.pid, signal.SIGSTOP)
        children.append(child)

    assistant.reader.close()
    monkeypatch.setattr(Child, "__init__", stuck)
    assistant.reader = MediaReader()
    stop = Event()
    set_at: list[float] = []
    Timer(0.3, lambda: (set_at.append(time.monotonic()), stop.set())).start()
    last = finish(assistant.reply(State(), "What moves?", [path], GREEDY, stop))
    assert last.stopped
    assert time.monotonic() - set_at[0] < 0.5
    deadline = time.monotonic() + 2
    while children[0].process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children[0].process.poll() is not None
