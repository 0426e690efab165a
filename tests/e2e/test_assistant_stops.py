"""A reply that is stopped: at once, whatever it does, and nothing of the conversation is lost."""

import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PIL import Image as Pillow
from replies import GREEDY, answered_from_scratch, finish
from waiting import once_asked, until

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


def stopped(
    assistant: Assistant,
    files: list[Path],
    stop: Event,
    at: type | None = None,
    text: str = "What?",
    **options: Any,
) -> tuple[Finished, list[Any]]:
    """Stops at the first event of a kind, if given; returns the last event, and all since."""
    later: list[Any] = []
    chosen = Settings(**{"max_new_tokens": 500, "repetition_penalty": 1.0, **options})
    for event in assistant.reply(State(), text, files, chosen, stop):
        if stop.is_set():
            later.append(event)
        elif at is not None and isinstance(event, at):
            stop.set()
    assert isinstance(later[-1], Finished)
    return later[-1], later


@pytest.mark.parametrize("phase", [Planned, Decoding, Encoding])
def test_a_reply_stopped_before_its_first_word_leaves_the_state(
    phase: type, assistant: Assistant, files: dict[str, Path]
) -> None:
    last, later = stopped(assistant, [files["clip.mp4"]], Event(), phase)
    assert (last.stopped, last.text, last.state.turns) == (True, "", ())
    assert {type(event) for event in later} <= {phase, Finished}, "no later phase began"


def test_a_stopped_answer_is_kept_with_a_mark_and_can_be_continued(
    assistant: Assistant, files: dict[str, Path]
) -> None:
    last, _ = stopped(assistant, [files["clip.mp4"]], Event(), TextDelta)
    assert last.stopped
    assert last.text
    assert last.state.turns[-1].stopped
    assert last.state.turns[-1].answer == last.text
    second = finish(assistant.reply(last.state, "Go on", [], GREEDY))
    assert second.usage.reused_tokens >= last.usage.prompt_tokens
    assert list(second.state.turns[-1].answer_ids) == (
        answered_from_scratch(assistant, second.state, GREEDY)
    )


class StopsInside:
    """A function that sets a stop signal when it is called the second time."""

    def __init__(self, function: Callable[..., Any], stop: Event) -> None:
        self.calls = 0
        self._function, self._stop = function, stop

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls == 2:
            self._stop.set()
        return self._function(*args, **options)


def test_a_stop_while_a_film_is_read_waits_for_nothing(
    assistant: Assistant, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, left = Event(), Event()

    def read_video(*_: Any, cancel: Event, **__: Any) -> None:
        stop.set()
        if cancel.wait(60):
            left.set()

    monkeypatch.setattr(assistant.reader, "read_video", read_video)
    last, later = stopped(assistant, [files["clip.mp4"]], stop)
    assert (last.stopped, last.state.turns, later) == (True, (), [last])
    assert left.wait(60), "the reading was not ended"


def test_a_stop_in_the_middle_of_a_film_takes_no_further_step_of_the_tower(
    assistant: Assistant, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, tower = Event(), assistant.model.tower
    monkeypatch.setattr(tower, "step", StopsInside(tower.step, stop))
    last, later = stopped(assistant, [files["clip.mp4"]], stop, num_frames=20)
    assert (last.stopped, last.state.turns) == (True, ())
    assert [type(event) for event in later] == [Encoding, Finished]
    assert later[0].done < later[0].total


def test_a_stop_in_the_middle_of_a_long_prompt_reads_no_further_piece(
    assistant: Assistant, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, model = Event(), assistant.model.language_model
    reading = StopsInside(model.forward, stop)
    monkeypatch.setattr(model, "forward", reading)
    last, _ = stopped(assistant, [files["clip.mp4"]], stop, text="x" * 1500)
    assert (last.stopped, last.state.turns, reading.calls) == (True, (), 2)


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
    stop, children = Event(), []
    start = Child.__init__

    def stuck(child: Child, *args: Any, **kwargs: Any) -> None:
        start(child, *args, **kwargs)
        os.kill(child.process.pid, signal.SIGSTOP)
        once_asked(child, stop.set)
        children.append(child)

    assistant.reader.close()
    monkeypatch.setattr(Child, "__init__", stuck)
    assistant.reader = MediaReader()
    last = finish(assistant.reply(State(), "What moves?", [path], GREEDY, stop))
    assert last.stopped
    until(lambda: children[0].process.poll() is not None)
