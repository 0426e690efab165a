"""The models that the page offers: one is loaded at a time, and another takes its place.

    models = Models(load, ["embedded", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"], assistant)
    models.use("HuggingFaceTB/SmolVLM2-500M-Video-Instruct")    # frees the old one, loads the new
    models.reply(state, "What happens?")                        # of the current one

A conversation goes on after a change: its text is kept, and its pictures, which only the old model
has seen, are left out.
"""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlm.assistant import (
    Asked,
    Assistant,
    Event,
    Finished,
    MediaSource,
    Settings,
    State,
    Stream,
    Turn,
)

Load = Callable[[str], Assistant]
CANNOT_LOAD = (ValueError, OSError, ImportError, MemoryError, RuntimeError)
CHANGING = "Another model is being loaded; ask again in a moment."
NONE = "No model is loaded; choose one of the list below."
BUSY = "An answer does not end; stop it first."
WAIT = 30.0  # seconds for the running answers to end


class Models:
    """The current model's assistant, as a chat uses it. Safe for several threads."""

    def __init__(
        self,
        load: Load,
        names: Sequence[str],
        assistant: Assistant,
        stop_answers: Callable[[], None] = lambda: None,
        wait: float = WAIT,
    ) -> None:
        """`assistant` runs the first of `names`; `load` raises ValueError for one that cannot."""
        self.names, self.current = tuple(names), names[0]
        self.stop_answers = stop_answers
        self._load, self._wait = load, wait
        self._assistant: Assistant | None = assistant
        self._card: Mapping[str, Any] = assistant.card
        self._answered: weakref.WeakSet[Turn] = weakref.WeakSet()  # by the current model
        self._running = 0
        self._changed = threading.Condition()
        self._one = threading.Lock()

    @property
    def card(self) -> Mapping[str, Any]:
        """The card of the current model."""
        return self._card

    def reply(
        self,
        state: State,
        text: str,
        files: Sequence[Path | MediaSource] = (),
        settings: Settings | None = None,
        stop: threading.Event | None = None,
        *,
        before: Sequence[str] = (),
        earlier: Sequence[Asked] = (),
    ) -> Iterator[Event]:
        """Answers with the current model. Raises ValueError while another is being loaded."""
        with self._in_use() as assistant:
            known = self.own(state)
            for event in assistant.reply(
                known, text, files, settings, stop, before=before, earlier=earlier
            ):
                if isinstance(event, Finished):
                    self._answered.update(event.state.turns)
                yield event

    def decide(
        self, state: State, text: str, options: Sequence[str], files: Sequence[MediaSource] = ()
    ) -> Iterator[Event]:
        """Decides with the current model. Raises ValueError while another is being loaded."""
        with self._in_use() as assistant:
            yield from assistant.decide(self.own(state), text, options, files)

    def see_next(self, stream: Stream, frame: NDArray[np.uint8], time: float) -> Stream:
        """Looks with the current model. Raises ValueError while another is being loaded."""
        with self._in_use() as assistant:
            return assistant.see_next(stream, frame, time)

    @contextmanager
    def _in_use(self) -> Iterator[Assistant]:
        """Yields the current model's assistant, which stays until the end of the block."""
        with self._changed:
            assistant = self._assistant
            if assistant is None:
                raise ValueError(CHANGING if self._one.locked() else NONE)
            self._running += 1
        try:
            yield assistant
        finally:
            del assistant
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def own(self, state: State) -> State:
        """Returns the conversation without what another model has seen of it."""
        return replace(
            state,
            turns=tuple(
                turn
                if turn in self._answered
                else replace(turn, media=(), before=(), answer_ids=())
                for turn in state.turns
            ),
        )

    def use(self, name: str) -> None:
        """Frees the current model and loads another; if that fails, the old one again.

        If that fails too, `current` is "", and any of the list can be loaded next. Raises
        ValueError, one sentence.
        """
        if name not in self.names:
            raise ValueError(f"there is no model {name!r:.80} here; choose one of the list.")
        with self._one:
            if name == self.current:
                return
            self._free()
            before, self.current = self.current, ""
            fault = self._try(name)
            if fault and before and self._try(before):
                fault += f" {before} cannot be loaded again either; choose a model of the list."
            if fault:
                raise ValueError(fault)

    def _try(self, name: str) -> str:
        """Loads a model; returns why it cannot be, in one sentence, or "".

        Nothing of a model that failed stays: its exception, which holds what was loaded so far, is
        dropped here, before another is loaded.
        """
        try:
            self._put(name, self._load(name))
        except CANNOT_LOAD as error:
            return str(error).partition("\n")[0] or "there is not enough memory for it."
        return ""

    def _free(self) -> None:
        """Stops the answers, waits for their end, and drops the current model."""
        self.stop_answers()
        with self._changed:
            assistant, self._assistant = self._assistant, None
            if not self._changed.wait_for(lambda: self._running == 0, self._wait):
                self._assistant = assistant
                raise ValueError(BUSY)
            self._answered.clear()
        if assistant is not None:
            assistant.close()
        del assistant
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _put(self, name: str, assistant: Assistant) -> None:
        with self._changed:
            self._assistant, self._card, self.current = assistant, assistant.card, name
