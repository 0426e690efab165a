"""What every reply does, whichever model runs it: the order of its steps, the answer, the cost.

`vlm.inference.reply` runs our models, `vlm.image_text.reply` those that transformers runs whole.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Event as Flag
from typing import Any, Generic, TypeVar

from transformers import PreTrainedTokenizerBase

from vlm.inference import planning
from vlm.inference.budget import FilePlan, Plan
from vlm.inference.caches import Encoded, digest
from vlm.inference.decoding.decoder import Prefixes
from vlm.inference.decoding.generation import Detokenizer, Stopped
from vlm.inference.decoding.grammar import Grammars
from vlm.inference.decoding.sampler import Grammar, Sampler
from vlm.inference.decoding.stop_strings import StopStrings
from vlm.inference.events import (
    Asked,
    Decoding,
    Event,
    Finished,
    Planned,
    Seen,
    State,
    TextDelta,
    Turn,
    Usage,
)
from vlm.inference.model_facts import ModelFacts
from vlm.inference.settings import Settings
from vlm.inference.visual.media_source import MediaSource
from vlm.inference.visual.media_thread import Progress, in_thread, probe
from vlm.media.confined.limits import MediaCancelled
from vlm.media.decode import MediaInfo, MediaReader

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Ready:
    """A question whose files have been seen, and what the caches know of its prompt."""

    turn: Turn  # without its answer
    plan: Plan
    rows: list[int]  # of the prefix cache
    cache: Any  # keys and values of the first tokens


Prompt = TypeVar("Prompt", bound=Ready)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the replies of one assistant share, whichever model runs them."""

    facts: ModelFacts
    reader: MediaReader
    prefixes: Prefixes
    grammars: Grammars
    tokenizer: PreTrainedTokenizerBase


class Answering(ABC, Generic[Prompt]):
    """One reply, and what it counts on the way. Each step can be stopped."""

    def __init__(self, around: Surroundings, state: State, settings: Settings, stop: Flag) -> None:
        self.facts, self.reader = around.facts, around.reader
        self.prefixes, self.grammars = around.prefixes, around.grammars
        self.tokenizer = around.tokenizer
        self.state = state
        self.settings = settings
        self.stop = stop
        self.started = time.perf_counter()
        self.token_times: list[float] = []  # of the first and the last token
        self.seen: list[Seen] = []
        self.decoded_files = self.encoded_clips = 0
        self.seconds_experts = 0.0
        self.prompt_tokens = self.reused_tokens = self.visual_tokens = 0

    @abstractmethod
    def plan(
        self,
        infos: Sequence[MediaInfo],
        question: str,
        sources: Sequence[MediaSource],
        before: Sequence[str],
    ) -> Plan:
        """Chooses what the model sees of each file. Raises PromptTooLong if nothing fits."""

    @abstractmethod
    def look(
        self, sources: Sequence[MediaSource], infos: Sequence[MediaInfo], plan: Plan
    ) -> Generator[Event, None, list[Encoded]]:
        """Decodes and encodes the files, or finds them in the cache."""

    @abstractmethod
    def prompt(
        self, question: str, media: Sequence[Encoded], plan: Plan, before: Sequence[str]
    ) -> Prompt:
        """Writes the prompt, and looks up the keys and values that are known of it."""

    @abstractmethod
    def tokens(self, ready: Prompt, sampler: Sampler) -> Generator[int, None, None]:
        """Yields the answer's tokens. Raises `Stopped` once `stop` is set."""

    def run(
        self,
        text: str,
        files: Sequence[MediaSource],
        before: Sequence[str] = (),
        earlier: Sequence[Asked] = (),
    ) -> Iterator[Event]:
        """Runs all steps. A reply stopped before its first word leaves the state as it was."""
        given = self.state
        schema = self.settings.schema  # a wrong one is refused before anything is decoded
        grammar = None if schema is None else self.grammars.of_schema(schema)
        try:
            ready = yield from self.see(text, files, before, earlier)
            yield from self.answer(ready, grammar)
        except (Stopped, MediaCancelled):
            yield self.finished(given, "", 0, stopped=True)

    def see(
        self,
        text: str,
        files: Sequence[MediaSource],
        before: Sequence[str] = (),
        earlier: Sequence[Asked] = (),
    ) -> Generator[Event, None, Prompt]:
        """Plans, decodes and encodes; returns the prompt, ready to be read by the model."""
        given = self.state
        sources = [file for asked in earlier for file in asked.files] + [*files]
        infos = yield from self.probe(sources)
        question = text if before else planning.question(text, infos)
        earlier = planning.with_questions(earlier, infos)
        self.state = planning.with_turns(given, earlier)
        plan = self.plan(infos, question, sources, before)
        yield Planned(plan)
        media = yield from self.look(sources, infos, plan)
        self.state = planning.with_turns(given, earlier, media)
        return self.prompt(question, media[len(sources) - len(files) :], plan, before)

    def probe(self, sources: Sequence[MediaSource]) -> Generator[Event, None, list[MediaInfo]]:
        """Describes all files."""
        infos = []
        for source in sources:
            probing = probe(self.reader, source, self.stop)
            infos.append((yield from with_progress(source.path.name, probing)))
        return infos

    def key(self, what: tuple[object, ...], name: str) -> Generator[Event, None, bytes]:
        """Hashes a file and what is done with it."""
        hashing = in_thread(partial(_digest, what), self.stop)
        return (yield from with_progress(name, hashing))

    def note_seen(self, file: FilePlan, encoded: Encoded) -> None:
        """Keeps a file as the model sees it, for the last event."""
        media = encoded.media
        frames = [frame for clip in media.clips for frame in clip.frames]
        times = media.times if file.kind == "video" else None
        found, warnings = encoded.findings, encoded.warnings
        self.seen.append(Seen(file.name, file.kind, frames, times, warnings, found, media.words))

    def answer(self, ready: Prompt, grammar: Grammar | None = None) -> Iterator[Event]:
        """Prefills what the prompt adds to known keys and values, then answers token by token."""
        token_ids: list[int] = []
        words = Detokenizer(self.tokenizer)
        stops = StopStrings(self.settings.stop)
        settings = self.settings.with_own(self.facts.sampling)
        settings = replace(settings, max_new_tokens=ready.plan.answer_tokens)
        sampler = Sampler(settings, self.facts.suppressed_ids, grammar)
        text, stopped, num_sent = "", False, 0
        try:
            with closing(self.tokens(ready, sampler)) as tokens:
                for token in tokens:
                    self.token_times = [*self.token_times[:1], time.perf_counter()]
                    token_ids.append(token)
                    if piece := stops.push(words.push(token)):
                        text += piece
                        yield TextDelta(piece, tuple(sampler.logprobs[num_sent : len(token_ids)]))
                        num_sent = len(token_ids)
                    if stops.found:
                        break
        except Stopped:
            stopped = True
        except GeneratorExit:  # the consumer is gone
            self.keep(ready, token_ids)
            raise
        self.keep(ready, token_ids)
        if stopped and not token_ids:
            raise Stopped
        piece = stops.push(words.finish()) + stops.finish()
        if piece or num_sent < len(sampler.logprobs[: len(token_ids)]):
            text += piece
            yield TextDelta(piece, tuple(sampler.logprobs[num_sent : len(token_ids)]))
        # Tokens of a text that a stop string cut would bring back what was cut.
        ids = () if stops.found else tuple(token_ids)
        turn = replace(ready.turn, answer=text, stopped=stopped, answer_ids=ids)
        cut = not stops.found and len(token_ids) >= settings.max_new_tokens
        state = replace(self.state, turns=(*self.state.turns, turn))
        yield self.finished(state, text, len(token_ids), stopped, cut)

    def keep(self, ready: Prompt, token_ids: Sequence[int]) -> None:
        """Stores the keys and values of the prompt and of the answer so far."""
        self.prefixes.keep([*ready.rows, *token_ids], ready.cache)

    def finished(
        self, state: State, text: str, num_tokens: int, stopped: bool, cut: bool = False
    ) -> Finished:
        """Returns the last event, with the usage."""
        return Finished(state, text, tuple(self.seen), self.usage(num_tokens), stopped, cut)

    def usage(self, num_tokens: int = 0) -> Usage:
        """Returns what the reply has cost so far."""
        times = self.token_times or [self.started]
        first, last = times[0], times[-1]
        return Usage(
            prompt_tokens=self.prompt_tokens,
            reused_tokens=self.reused_tokens,
            new_tokens=num_tokens,
            visual_tokens=self.visual_tokens,
            context_left=self.facts.context - self.prompt_tokens - num_tokens,
            seconds_to_first_token=first - self.started,
            tokens_per_second=(num_tokens - 1) / (last - first) if last > first else 0.0,
            decoded_files=self.decoded_files,
            encoded_clips=self.encoded_clips,
            seconds_experts=self.seconds_experts,
        )


def with_progress(
    name: str, work: Generator[tuple[int, int], None, Result]
) -> Generator[Event, None, Result]:
    """Turns a reader's (done, total) into events; returns what the reader returns."""
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            return end.value
        yield Decoding(name, done, total)


def _digest(parts: tuple[object, ...], progress: Progress, cancel: Flag) -> bytes:
    return digest(*parts, cancel=cancel)
