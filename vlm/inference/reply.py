"""One reply, step by step: plan, read, look, answer. Each step can be stopped."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from vlm.conversation import Media
from vlm.inference.budget import Plan
from vlm.inference.caches import Encoded, digest, media_digest, prompt_rows
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
from vlm.inference.media_thread import Progress, in_thread, read
from vlm.inference.settings import Settings
from vlm.media.confined.limits import MediaCancelled
from vlm.media.decode import MediaInfo, MediaReader
from vlm.model import fuse

if TYPE_CHECKING:
    from vlm.assistant import Assistant

Result = TypeVar("Result")

TILES_AT_ONCE = 4  # pictures that go through the tower between two looks at the stop flag
PREFILL_CHUNK = 256  # tokens of the prompt, likewise


class Reply:
    """What one reply counts and carries from step to step."""

    def __init__(
        self, assistant: "Assistant", state: State, settings: Settings, stop: Flag
    ) -> None:
        self.assistant = assistant
        self.state = state
        self.settings = settings
        self.stop = stop
        self.started = time.perf_counter()
        self.token_times: list[float] = []  # the moments of the first and the last token
        self.seen: list[Seen] = []
        self.decoded_files = self.encoded_clips = 0
        self.prompt_tokens = self.reused_tokens = self.visual_tokens = 0

    def run(self, text: str, files: Sequence[Path]) -> Iterator[Event]:
        """All steps. Stopped before the first word, nothing is kept: it can be asked again."""
        assistant = self.assistant
        try:
            infos = []
            for path in files:
                probing = in_thread(partial(_probe, assistant.reader, path), self.stop)
                infos.append((yield from _with_progress(path.name, probing)))
            question = assistant.question(text, infos)
            plan = assistant.fitted(self.state, infos, question, self.settings)
            yield Planned(plan)
            media = yield from self.look(files, infos, plan)
            yield from self.answer(question, media, plan)
        except (Stopped, MediaCancelled):
            yield self.finished(self.state, "", 0, stopped=True)

    def look(
        self, files: Sequence[Path], infos: Sequence[MediaInfo], plan: Plan
    ) -> Generator[Event, None, list[Encoded]]:
        """The files as visual tokens: read and encoded, or known from before."""
        assistant = self.assistant
        keys = [
            digest(assistant.model_key, path, file.kind, file.frames, file.looks, file.max_tiles)
            for path, file in zip(files, plan.files, strict=True)
        ]
        known = [assistant.media.get(key) for key in keys]
        unknown = [i for i, encoded in enumerate(known) if encoded is None]
        read_files: dict[int, tuple[Media, tuple[str, ...]]] = {}
        for i in unknown:
            reading = read(assistant.reader, files[i], plan.files[i], self.image_size, self.stop)
            part, warnings = yield from _with_progress(plan.files[i].name, reading)
            self.decoded_files += 1
            read_files[i] = assistant.processor.prepare(part), (*infos[i].warnings, *warnings)

        total = sum(media.looks for media, _ in read_files.values())
        done = 0
        if total:
            yield Encoding(done, total)
        for i, (media, warnings) in read_files.items():
            pieces = []
            for tokens in self.encode(media):
                pieces.append(tokens)
                done += len(tokens) // assistant.processor.tokens_per_look
                yield Encoding(done, total)
                self.check_stop()
            tokens = self.in_prompt_order(torch.cat(pieces), media)
            encoded = Encoded(media, media_digest(media, assistant.model_key), tokens, warnings)
            assistant.media.put(keys[i], encoded)
            known[i] = encoded
            self.encoded_clips += len(media.clips)

        ready = [encoded for encoded in known if encoded is not None]
        for file, encoded in zip(plan.files, ready, strict=True):
            frames = [frame for clip in encoded.media.clips for frame in clip.frames]
            times = encoded.media.times if file.kind == "video" else None
            self.seen.append(Seen(file.name, file.kind, frames, times, encoded.warnings))
        return ready

    @torch.inference_mode()
    def encode(self, media: Media) -> Iterator[Tensor]:
        """Yields visual tokens [looks * M, D], a few looks at a time."""
        model, processor = self.assistant.model, self.assistant.processor
        if media.kind == "video":
            (clip,) = media.clips
            pixels = processor.pixel_values(clip.frames).to(model.device)
            yield from model.encode_steps(pixels, clip.looks, list(clip.timesteps))
            return
        for start in range(0, len(media.clips), TILES_AT_ONCE):
            clips = media.clips[start : start + TILES_AT_ONCE]
            frames = np.concatenate([clip.frames for clip in clips])
            yield model.encode(
                processor.pixel_values(frames).to(model.device),
                [1] * len(clips),
                [clip.looks for clip in clips],
                [step for clip in clips for step in clip.timesteps],
            )

    def in_prompt_order(self, tokens: Tensor, media: Media) -> Tensor:
        """Visual tokens [looks * M, D] as the tower gives them, in the order of the prompt."""
        order = self.assistant.processor.look_order([media])
        if order is None:
            return tokens
        M = self.assistant.processor.tokens_per_look
        return tokens.unflatten(0, (-1, M))[order].flatten(0, 1)

    def answer(self, question: str, media: Sequence[Encoded], plan: Plan) -> Iterator[Event]:
        """Reads what is new of the prompt, then writes token by token."""
        assistant, model = self.assistant, self.assistant.model
        writer = assistant.processor.writer
        conversation = assistant.conversation(self.state, question, media)
        ids = writer.write(conversation, add_generation_prompt=True).ids
        everything = [encoded for turn in self.state.turns for encoded in turn.media] + [*media]
        rows = prompt_rows(ids, everything, writer.image_token_id)
        cache = assistant.prefixes.fork(model.language_model, rows)
        self.prompt_tokens, self.reused_tokens = len(ids), cache.get_seq_length()
        self.visual_tokens = ids.count(writer.image_token_id)
        embeddings = self.embed(ids, everything)

        token_ids: list[int] = []
        words = Detokenizer(assistant.processor.tokenizer)
        text, stopped = "", False
        settings = replace(self.settings, max_new_tokens=plan.answer_tokens)
        try:
            logits = prefill(model.language_model, embeddings, cache, self.stop, PREFILL_CHUNK)
            tokens = generate(
                model.language_model,
                logits,
                cache,
                settings,
                end=assistant.eos_ids,
                never=assistant.suppressed_ids,
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
        except GeneratorExit:  # whoever listened has gone
            assistant.prefixes.keep([*rows, *token_ids], cache)
            raise
        assistant.prefixes.keep([*rows, *token_ids], cache)
        if stopped and not token_ids:
            raise Stopped
        if piece := words.finish():
            text += piece
            yield TextDelta(piece)
        names = tuple(file.name for file in plan.files)
        turn = Turn(question, names, text, stopped, tuple(media), tuple(token_ids))
        yield self.finished(State((*self.state.turns, turn)), text, len(token_ids), stopped)

    @torch.inference_mode()
    def embed(self, ids: Sequence[int], media: Sequence[Encoded]) -> Tensor:
        """[1, L, D] of the part of the prompt whose keys and values are not known yet."""
        model = self.assistant.model
        image_token_id = model.config.image_token_id
        new = torch.tensor([ids[self.reused_tokens :]], device=model.device)
        embeddings = model.get_input_embeddings()(new)
        if not media:
            return embeddings
        placed = ids[: self.reused_tokens].count(image_token_id)
        visual = torch.cat([encoded.tokens for encoded in media])[placed:]
        return fuse(embeddings, new, visual, image_token_id)

    def finished(self, state: State, text: str, num_tokens: int, stopped: bool) -> Finished:
        """The last event, with what it took."""
        first, last = (
            (self.token_times[0], self.token_times[-1]) if self.token_times else (self.started,) * 2
        )
        usage = Usage(
            prompt_tokens=self.prompt_tokens,
            reused_tokens=self.reused_tokens,
            new_tokens=num_tokens,
            visual_tokens=self.visual_tokens,
            context_left=self.assistant.context - self.prompt_tokens - num_tokens,
            seconds_to_first_token=first - self.started,
            tokens_per_second=(num_tokens - 1) / (last - first) if last > first else 0.0,
            decoded_files=self.decoded_files,
            encoded_clips=self.encoded_clips,
        )
        return Finished(state, text, tuple(self.seen), usage, stopped)

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped

    @property
    def image_size(self) -> int:
        return self.assistant.processor.image_processor.image_size


def _probe(reader: MediaReader, path: Path, progress: Progress, cancel: Flag) -> MediaInfo:
    return reader.probe(path)


def _with_progress(
    name: str, work: Generator[tuple[int, int], None, Result]
) -> Generator[Event, None, Result]:
    """A reader's (done, total) as events; returns what it returns."""
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            return end.value
        yield Decoding(name, done, total)
