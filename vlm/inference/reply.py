"""One reply of our models, step by step: plan, decode, encode, answer. Each step can be stopped."""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag

from torch import Tensor

from vlm.conversation import Conversation, Image, Media, Video
from vlm.experts.expert_words import SHORT_SIDE, Described, ExpertWords
from vlm.experts.findings import Findings
from vlm.inference import planning
from vlm.inference.answering import (
    Answering,
    Ready,
    Surroundings,
    with_progress,
)
from vlm.inference.budget import Plan
from vlm.inference.caches import Encoded, prompt_rows
from vlm.inference.decoding.decoder import Decoder, Job
from vlm.inference.decoding.generation import Stopped
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.events import Encoding, Event, State, Turn
from vlm.inference.settings import Settings
from vlm.inference.visual.live import Stream, as_film
from vlm.inference.visual.looking import VisualEncoder
from vlm.inference.visual.media_source import MediaSource
from vlm.inference.visual.media_thread import Progress, in_thread, read
from vlm.media.decode import MediaInfo


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file ready for the tower."""

    media: Media
    warnings: tuple[str, ...] = ()
    findings: tuple[Findings, ...] = ()


@dataclass(frozen=True, eq=False)
class Prompt(Ready):
    """A question that has been seen, ready to be read by the language model."""

    conversation: Conversation
    ids: list[int]
    embeddings: Tensor  # [1, L, D] of the tokens that the cache does not hold


@dataclass(frozen=True, eq=False)
class Shared:
    """What all replies of one assistant share."""

    around: Surroundings
    encoder: VisualEncoder
    decoder: Decoder
    words: ExpertWords | None = None


class Reply(Answering[Prompt]):
    """One reply, and what it counts on the way."""

    def __init__(self, shared: Shared, state: State, settings: Settings, stop: Flag) -> None:
        super().__init__(shared.around, state, settings, stop)
        self.encoder, self.decoder, self.words = shared.encoder, shared.decoder, shared.words
        self.model, self.processor = shared.encoder.model, shared.encoder.processor

    def plan(
        self,
        infos: Sequence[MediaInfo],
        question: str,
        sources: Sequence[MediaSource],
        before: Sequence[str],
    ) -> Plan:
        """Chooses frames, looks and tiles of each file."""
        so_far = planning.conversation(self.state, question, before=before)
        written = self.processor.writer.write(so_far, add_generation_prompt=True)
        with_words = self.words is not None
        return planning.plan_files(
            self.processor, self.facts.context, written, infos, self.settings, with_words, sources
        )

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
        return Prompt(turn, plan, rows, cache, conversation, ids, embeddings)

    def look(
        self, sources: Sequence[MediaSource], infos: Sequence[MediaInfo], plan: Plan
    ) -> Generator[Event, None, list[Encoded]]:
        """Returns the files as visual tokens: decoded and encoded, or from the cache."""
        keys, known = yield from self.known(sources, plan)
        decoded: dict[int, Decoded] = {}
        for i, encoded in enumerate(known):
            if encoded is None and keys[i] not in keys[:i]:  # the same file twice is decoded once
                decoded[i] = yield from self.decode(sources[i], infos[i], plan, i)
        for i, encoded in (yield from self.encode(decoded, keys)).items():
            known[i] = encoded
        first = [known[keys.index(key)] for key in keys]
        ready = [encoded for encoded in first if encoded is not None]
        for i, file in enumerate(plan.files):
            ready[i] = yield from self.look_again(ready[i], file.looks - file.looks_before)
        for file, encoded in zip(plan.files, ready, strict=True):
            self.note_seen(file, encoded)
        return ready

    def known(
        self, sources: Sequence[MediaSource], plan: Plan
    ) -> Generator[Event, None, tuple[list[bytes], list[Encoded | None]]]:
        """Returns the key of each file in the cache, and what the cache holds of it."""
        keys: list[bytes] = []
        known: list[Encoded | None] = []
        for source, file in zip(sources, plan.files, strict=True):
            if source.stream is not None:
                known.append(self.seen_live(source.stream, file.frames))
                keys.append(b"stream %d" % len(keys))
                continue
            what = (
                self.encoder.model_key,
                "" if self.words is None else self.words.key,
                *source.content,
                file.kind,
                file.frames,
                file.looks_before,
                file.max_tiles,
                file.section,
            )
            keys.append((yield from self.key(what, file.name)))
            known.append(self.encoder.cache.get(keys[-1]))
        return keys, known

    def encode(
        self, decoded: Mapping[int, Decoded], keys: Sequence[bytes]
    ) -> Generator[Event, None, dict[int, Encoded]]:
        """Encodes files, by their position, and puts each into the cache."""
        total = sum(one.media.looks for one in decoded.values())
        done, found = 0, {}
        if total:
            yield Encoding(done, total)
        for i, one in decoded.items():
            pieces: list[Tensor] = []
            stream = self.encoder.stream(one.media)
            while (tokens := self.decoder.run(partial(next, stream, None))) is not None:
                pieces.append(tokens)
                done += len(tokens) // self.processor.tokens_per_look
                yield Encoding(done, total)
                if self.stop.is_set():
                    raise Stopped
            joined = self.encoder.join(one.media, pieces)
            digest = self.encoder.digest(one.media)
            found[i] = Encoded(one.media, digest, joined, one.warnings, one.findings)
            self.encoder.cache.put(keys[i], found[i])
            self.encoded_clips += len(one.media.clips)
        return found

    def look_again(self, encoded: Encoded, num_looks: int) -> Generator[Event, None, Encoded]:
        """Returns a picture with more looks at it."""
        for done in range(num_looks):
            yield Encoding(done, num_looks)
            encoded = self.decoder.run(partial(self.encoder.look_again, encoded))
            if self.stop.is_set():
                raise Stopped
        return encoded

    def seen_live(self, stream: Stream, count: int) -> Encoded:
        """Returns frames of a stream. Raises ValueError if another model has seen it."""
        if stream.model is not self.model:
            raise ValueError("The model has not seen this stream yet; ask again in a moment.")
        return as_film(stream, count, self.processor.prompt_config.words_per_frame)

    def decode(
        self, source: MediaSource, info: MediaInfo, plan: Plan, i: int
    ) -> Generator[Event, None, Decoded]:
        """Decodes the i-th file of the plan, lets the experts look, prepares it for the tower."""
        file = plan.files[i]
        size = self.processor.image_processor.image_size
        if self.words is not None:
            size = max(size, SHORT_SIDE)
        reading = read(self.reader, source, file, size, self.stop)
        part, warnings = yield from with_progress(file.name, reading)
        self.decoded_files += 1
        findings: tuple[Findings, ...] = ()
        if self.words is not None:
            started = time.perf_counter()
            looking = in_thread(partial(_look, self.words, part), self.stop)
            described = yield from with_progress(file.name, looking)
            part, findings = described.part, described.findings
            self.seconds_experts += time.perf_counter() - started
        return Decoded(self.processor.prepare(part), (*info.warnings, *warnings), findings)

    def tokens(self, ready: Prompt, sampler: Sampler) -> Generator[int, None, None]:
        """Yields the answer's tokens. Raises `Stopped` once `stop` is set."""
        return self.decoder.tokens(self.job(ready, sampler))

    def job(self, prompt: Prompt, sampler: Sampler) -> Job:
        """Returns the prompt as a job.

        Its keys and values are kept before the answer, too: other choices and questions that come
        meanwhile share them.
        """
        keep = partial(self.prefixes.keep, prompt.rows, prompt.cache)
        embeddings, eos_ids = prompt.embeddings, self.facts.eos_ids
        return Job(embeddings, prompt.cache, sampler, eos_ids, self.stop, keep)


def _look(words: ExpertWords, part: Image | Video, progress: Progress, cancel: Flag) -> Described:
    return words(part)
