"""One reply, step by step: plan, decode, encode, answer. Each step can be stopped."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Event as Flag
from typing import Any, TypeVar

from torch import Tensor

from vlm.conversation import Conversation, Image, Media, Video
from vlm.experts.expert_words import SHORT_SIDE, Described, ExpertWords
from vlm.experts.findings import Findings
from vlm.inference import planning
from vlm.inference.budget import Plan
from vlm.inference.caches import Encoded, digest, prompt_rows
from vlm.inference.decoder import Decoder, Job, Prefixes
from vlm.inference.events import (
    Asked,
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
from vlm.inference.generation import Detokenizer, Stopped
from vlm.inference.grammar import Grammars
from vlm.inference.looking import VisualEncoder
from vlm.inference.media_source import MediaSource
from vlm.inference.media_thread import Progress, in_thread, probe, read
from vlm.inference.model_facts import ModelFacts
from vlm.inference.sampler import Grammar, Sampler
from vlm.inference.settings import Settings
from vlm.inference.stop_strings import StopStrings
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
class Prompt:
    """A question that has been seen, ready to be read by the language model."""

    turn: Turn  # without its answer
    conversation: Conversation
    plan: Plan
    ids: list[int]
    rows: list[int]  # of the prefix cache
    cache: Any  # keys and values of the first tokens
    embeddings: Tensor  # [1, L, D] of the others


@dataclass(frozen=True, eq=False)
class Shared:
    """What all replies of one assistant share."""

    facts: ModelFacts
    reader: MediaReader
    encoder: VisualEncoder
    prefixes: Prefixes
    decoder: Decoder
    grammars: Grammars
    words: ExpertWords | None = None


class Reply:
    """One reply, and what it counts on the way."""

    def __init__(self, shared: Shared, state: State, settings: Settings, stop: Flag) -> None:
        self.facts, self.reader = shared.facts, shared.reader
        self.encoder, self.prefixes = shared.encoder, shared.prefixes
        self.decoder, self.grammars, self.words = shared.decoder, shared.grammars, shared.words
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
            prompt = yield from self.see(text, files, before, earlier)
            yield from self.answer(prompt, grammar)
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
        infos = []
        for source in sources:
            probing = probe(self.reader, source, self.stop)
            infos.append((yield from _with_progress(source.path.name, probing)))
        question = text if before else planning.question(text, infos)
        earlier = planning.with_questions(earlier, infos)
        self.state = planning.with_turns(given, earlier)
        plan = planning.plan_files(
            self.processor,
            self.facts.context,
            self.state,
            infos,
            question,
            self.settings,
            with_words=self.words is not None,
            sources=sources,
            before=before,
        )
        yield Planned(plan)
        media = yield from self.look(sources, infos, plan)
        self.state = planning.with_turns(given, earlier, media)
        return self.prompt(question, media[len(sources) - len(files) :], plan, before)

    def prompt(
        self, question: str, media: Sequence[Encoded], plan: Plan, before: Sequence[str]
    ) -> Prompt:
        """Writes the prompt, and looks up the keys and values that are known of it."""
        writer = self.processor.writer
        conversation = planning.conversation(self.state, question, media, before)
        ids = writer.write(conversation, add_generation_prompt=True).ids
        all_media = [encoded for turn in self.state.turns for encoded in turn.media] + [*media]
        rows = prompt_rows(ids, all_media, writer.image_token_id)
        cache = self.prefixes.fork(self.model.language_model, rows)
        self.prompt_tokens, self.reused_tokens = len(ids), cache.get_seq_length()
        self.visual_tokens = ids.count(writer.image_token_id)
        embeddings = self.encoder.embed(ids, all_media, self.reused_tokens)
        names = tuple(file.name for file in plan.files[len(plan.files) - len(media) :])
        turn = Turn(question, names, media=tuple(media), before=tuple(before))
        return Prompt(turn, conversation, plan, ids, rows, cache, embeddings)

    def look(
        self, sources: Sequence[MediaSource], infos: Sequence[MediaInfo], plan: Plan
    ) -> Generator[Event, None, list[Encoded]]:
        """Returns the files as visual tokens: decoded and encoded, or from the cache."""
        keys = []
        for source, file in zip(sources, plan.files, strict=True):
            what = (
                self.encoder.model_key,
                "" if self.words is None else self.words.key,
                *source.content,
                file.kind,
                file.frames,
                file.looks,
                file.max_tiles,
                file.section,
            )
            hashing = in_thread(partial(_digest, what), self.stop)
            keys.append((yield from _with_progress(file.name, hashing)))
        known = [self.encoder.cache.get(key) for key in keys]
        decoded: dict[int, Decoded] = {}
        for i, encoded in enumerate(known):
            if encoded is None and keys[i] not in keys[:i]:  # the same file twice is decoded once
                decoded[i] = yield from self.decode(sources[i], infos[i], plan, i)

        total = sum(one.media.looks for one in decoded.values())
        done = 0
        if total:
            yield Encoding(done, total)
        for i, one in decoded.items():
            media = one.media
            pieces: list[Tensor] = []
            stream = self.encoder.stream(media)
            while (tokens := self.decoder.run(partial(next, stream, None))) is not None:
                pieces.append(tokens)
                done += len(tokens) // self.processor.tokens_per_look
                yield Encoding(done, total)
                if self.stop.is_set():
                    raise Stopped
            joined = self.encoder.join(media, pieces)
            digest = self.encoder.digest(media)
            encoded = Encoded(media, digest, joined, one.warnings, one.findings)
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
        self, source: MediaSource, info: MediaInfo, plan: Plan, i: int
    ) -> Generator[Event, None, Decoded]:
        """Decodes the i-th file of the plan, lets the experts look, prepares it for the tower."""
        file = plan.files[i]
        size = self.processor.image_processor.image_size
        if self.words is not None:
            size = max(size, SHORT_SIDE)
        reading = read(self.reader, source, file, size, self.stop)
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

    def answer(self, prompt: Prompt, grammar: Grammar | None = None) -> Iterator[Event]:
        """Prefills what the prompt adds to known keys and values, then answers token by token."""
        rows, cache = prompt.rows, prompt.cache
        token_ids: list[int] = []
        words = Detokenizer(self.processor.tokenizer)
        stops = StopStrings(self.settings.stop)
        settings = replace(self.settings, max_new_tokens=prompt.plan.answer_tokens)
        sampler = Sampler(settings, self.facts.suppressed_ids, grammar)
        job = self.job(prompt, sampler)
        text, stopped, num_sent = "", False, 0
        try:
            with closing(self.decoder.tokens(job)) as tokens:
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
            self.prefixes.keep([*rows, *token_ids], cache)
            raise
        self.prefixes.keep([*rows, *token_ids], cache)
        if stopped and not token_ids:
            raise Stopped
        piece = stops.push(words.finish()) + stops.finish()
        if piece or num_sent < len(sampler.logprobs[: len(token_ids)]):
            text += piece
            yield TextDelta(piece, tuple(sampler.logprobs[num_sent : len(token_ids)]))
        # Tokens of a text that a stop string cut would bring back what was cut.
        ids = () if stops.found else tuple(token_ids)
        turn = replace(prompt.turn, answer=text, stopped=stopped, answer_ids=ids)
        cut = not stops.found and len(token_ids) >= settings.max_new_tokens
        state = replace(self.state, turns=(*self.state.turns, turn))
        yield self.finished(state, text, len(token_ids), stopped, cut)

    def job(self, prompt: Prompt, sampler: Sampler) -> Job:
        """Returns the prompt as a job.

        Its keys and values are kept before the answer, too: other choices and questions that come
        meanwhile share them.
        """
        keep = partial(self.prefixes.keep, prompt.rows, prompt.cache)
        embeddings, eos_ids = prompt.embeddings, self.facts.eos_ids
        return Job(embeddings, prompt.cache, sampler, eos_ids, self.stop, keep)

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
