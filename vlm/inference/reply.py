"""One reply, step by step: plan, decode, encode, answer. Each step can be stopped."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import TypeVar

from torch import Tensor

from vlm.conversation import Image, Media, Video
from vlm.experts.expert_words import SHORT_SIDE, Described, ExpertWords
from vlm.experts.findings import Findings
from vlm.inference import planning
from vlm.inference.budget import Plan
from vlm.inference.caches import Encoded, PrefixCache, digest, prompt_rows
from vlm.inference.events import (
    Decoding,
    Encoding,
    Event,
    Finished,
    Planned,
    Seen,
    State,
    TextDelta,
    Turn,
    Usage,
)
from vlm.inference.generation import Detokenizer, Stopped, generate, prefill
from vlm.inference.looking import VisualEncoder
from vlm.inference.media_thread import Progress, in_thread, read
from vlm.inference.model_facts import ModelFacts
from vlm.inference.settings import Settings
from vlm.media.confined.limits import MediaCancelled
from vlm.media.decode import MediaInfo, MediaReader

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file ready for the tower."""

    media: Media
    warnings: tuple[str, ...] = ()
    findings: tuple[Findings, ...] = ()


@dataclass(frozen=True, eq=False)
class Shared:
    """What all replies of one assistant share."""

    facts: ModelFacts
    reader: MediaReader
    encoder: VisualEncoder
    prefixes: PrefixCache
    words: ExpertWords | None = None


class Reply:
    """One reply, and what it counts on the way."""

    def __init__(self, shared: Shared, state: State, settings: Settings, stop: Flag) -> None:
        self.facts, self.reader = shared.facts, shared.reader
        self.encoder, self.prefixes = shared.encoder, shared.prefixes
        self.words = shared.words
        self.model, self.processor = shared.encoder.model, shared.encoder.processor
        self.state = state
        self.settings = settings
        self.stop = stop
        self.started = time.perf_counter()
        self.token_times: list[float] = []  # of the first and the last token
        self.seen: list[Seen] = []
        self.decoded_files = self.encoded_clips = 0
        self.seconds_experts = 0.0
        self.prompt_tokens = self.reused_tokens = self.visual_tokens = 0

    def run(self, text: str, files: Sequence[Path]) -> Iterator[Event]:
        """Runs all steps. A reply stopped before its first word leaves the state as it was."""
        try:
            infos = []
            for path in files:
                probing = in_thread(partial(_probe, self.reader, path), self.stop)
                infos.append((yield from _with_progress(path.name, probing)))
            question = planning.question(text, infos)
            plan = planning.plan_files(
                self.processor,
                self.facts.context,
                self.state,
                infos,
                question,
                self.settings,
                with_words=self.words is not None,
            )
            yield Planned(plan)
            media = yield from self.look(files, infos, plan)
            yield from self.answer(question, media, plan)
        except (Stopped, MediaCancelled):
            yield self.finished(self.state, "", 0, stopped=True)

    def look(
        self, files: Sequence[Path], infos: Sequence[MediaInfo], plan: Plan
    ) -> Generator[Event, None, list[Encoded]]:
        """Returns the files as visual tokens: decoded and encoded, or from the cache."""
        keys = []
        for path, file in zip(files, plan.files, strict=True):
            what = (
                self.encoder.model_key,
                "" if self.words is None else self.words.key,
                path,
                file.kind,
                file.frames,
                file.looks,
                file.max_tiles,
            )
            hashing = in_thread(partial(_digest, what), self.stop)
            keys.append((yield from _with_progress(file.name, hashing)))
        known = [self.encoder.cache.get(key) for key in keys]
        decoded: dict[int, Decoded] = {}
        for i, encoded in enumerate(known):
            if encoded is None and keys[i] not in keys[:i]:  # the same file twice is decoded once
                decoded[i] = yield from self.decode(files[i], infos[i], plan, i)

        total = sum(one.media.looks for one in decoded.values())
        done = 0
        if total:
            yield Encoding(done, total)
        for i, one in decoded.items():
            media = one.media
            pieces: list[Tensor] = []
            for tokens in self.encoder.stream(media):
                pieces.append(tokens)
                done += len(tokens) // self.processor.tokens_per_look
                yield Encoding(done, total)
                if self.stop.is_set():
                    raise Stopped
            tokens = self.encoder.join(media, pieces)
            digest = self.encoder.digest(media)
            encoded = Encoded(media, digest, tokens, one.warnings, one.findings)
            self.encoder.cache.put(keys[i], encoded)
            known[i] = encoded
            self.encoded_clips += len(media.clips)

        first = [known[keys.index(key)] for key in keys]
        ready = [encoded for encoded in first if encoded is not None]
        for file, encoded in zip(plan.files, ready, strict=True):
            frames = [frame for clip in encoded.media.clips for frame in clip.frames]
            times = encoded.media.times if file.kind == "video" else None
            self.seen.append(
                Seen(
                    file.name,
                    file.kind,
                    frames,
                    times,
                    encoded.warnings,
                    encoded.findings,
                    encoded.media.words,
                )
            )
        return ready

    def decode(
        self, path: Path, info: MediaInfo, plan: Plan, i: int
    ) -> Generator[Event, None, Decoded]:
        """Decodes the i-th file of the plan, lets the experts look, prepares it for the tower."""
        file = plan.files[i]
        size = self.processor.image_processor.image_size
        if self.words is not None:
            size = max(size, SHORT_SIDE)
        reading = read(self.reader, path, file, size, self.stop)
        part, warnings = yield from _with_progress(file.name, reading)
        self.decoded_files += 1
        findings: tuple[Findings, ...] = ()
        if self.words is not None:
            started = time.perf_counter()
            looking = in_thread(partial(_look, self.words, part), self.stop)
            described = yield from _with_progress(file.name, looking)
            part, findings = described.part, described.findings
            self.seconds_experts += time.perf_counter() - started
        return Decoded(self.processor.prepare(part), (*info.warnings, *warnings), findings)

    def answer(self, question: str, media: Sequence[Encoded], plan: Plan) -> Iterator[Event]:
        """Prefills what the prompt adds to known keys and values, then answers token by token."""
        writer, language_model = self.processor.writer, self.model.language_model
        conversation = planning.conversation(self.state, question, media)
        ids = writer.write(conversation, add_generation_prompt=True).ids
        all_media = [encoded for turn in self.state.turns for encoded in turn.media] + [*media]
        rows = prompt_rows(ids, all_media, writer.image_token_id)
        cache = self.prefixes.fork(language_model, rows)
        self.prompt_tokens, self.reused_tokens = len(ids), cache.get_seq_length()
        self.visual_tokens = ids.count(writer.image_token_id)
        embeddings = self.encoder.embed(ids, all_media, self.reused_tokens)

        token_ids: list[int] = []
        words = Detokenizer(self.processor.tokenizer)
        text, stopped = "", False
        try:
            tokens = generate(
                language_model,
                prefill(language_model, embeddings, cache, self.stop),
                cache,
                replace(self.settings, max_new_tokens=plan.answer_tokens),
                eos_ids=self.facts.eos_ids,
                suppressed_ids=self.facts.suppressed_ids,
                stop=self.stop,
            )
            for token in tokens:
                self.token_times = [*self.token_times[:1], time.perf_counter()]
                token_ids.append(token)
                if piece := words.push(token):
                    text += piece
                    yield TextDelta(piece)
        except Stopped:
            stopped = True
        except GeneratorExit:  # the consumer is gone
            self.prefixes.keep([*rows, *token_ids], cache)
            raise
        self.prefixes.keep([*rows, *token_ids], cache)
        if stopped and not token_ids:
            raise Stopped
        if piece := words.finish():
            text += piece
            yield TextDelta(piece)
        names = tuple(file.name for file in plan.files)
        turn = Turn(question, names, text, stopped, tuple(media), tuple(token_ids))
        yield self.finished(State((*self.state.turns, turn)), text, len(token_ids), stopped)

    def finished(self, state: State, text: str, num_tokens: int, stopped: bool) -> Finished:
        """Returns the last event, with the usage."""
        times = self.token_times or [self.started]
        first, last = times[0], times[-1]
        usage = Usage(
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
        return Finished(state, text, tuple(self.seen), usage, stopped)


def _probe(reader: MediaReader, path: Path, progress: Progress, cancel: Flag) -> MediaInfo:
    return reader.probe(path, cancel)


def _look(words: ExpertWords, part: Image | Video, progress: Progress, cancel: Flag) -> Described:
    return words(part)


def _digest(parts: tuple[object, ...], progress: Progress, cancel: Flag) -> bytes:
    return digest(*parts, cancel=cancel)


def _with_progress(
    name: str, work: Generator[tuple[int, int], None, Result]
) -> Generator[Event, None, Result]:
    """Turns a reader's (done, total) into events; returns what the reader returns."""
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            return end.value
        yield Decoding(name, done, total)
