"""One reply of a model that transformers runs whole: plan, decode, write the prompt, answer."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from vlm.config import PromptConfig
from vlm.conversation import Clip, Image, Media
from vlm.image_text.costs import FRAME_SIDE, Costs
from vlm.image_text.generating import Computer, Task, tokens
from vlm.image_text.prompt import on_device, written
from vlm.inference import planning
from vlm.inference.answering import Answering, Ready, Surroundings, with_progress
from vlm.inference.budget import Plan, fit_to_context, requested
from vlm.inference.caches import Encoded, MediaCache, digest
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.errors import PromptTooLong
from vlm.inference.events import Encoding, Event, State, Turn
from vlm.inference.settings import Settings
from vlm.inference.visual.live import NO_STREAM
from vlm.inference.visual.media_source import MediaSource
from vlm.inference.visual.media_thread import read
from vlm.media.decode import MediaInfo

if TYPE_CHECKING:
    from transformers import ProcessorMixin

# A picture and a frame are shown once, as the processor cuts and scales them.
WISHES = PromptConfig(looks=1, max_tiles=1, default_tiles=1, max_frames=256, default_frames=16)
# Inputs that the positions of a prompt depend on, beside its tokens; others are pixels.
OF_PROMPT = (
    "input_ids",
    "attention_mask",
    "mm_token_type_ids",
    "image_grid_thw",
    "video_grid_thw",
    "second_per_grid_ts",
)


@dataclass(frozen=True, eq=False)
class Whole:
    """What the replies of one model share."""

    around: Surroundings
    computer: Computer
    processor: ProcessorMixin
    costs: Costs
    media: MediaCache
    visual_ids: frozenset[int]
    reuses: bool  # keys and values of a prompt continue in the next turn, exactly


@dataclass(frozen=True, eq=False)
class Written(Ready):
    """A question that has been seen, as inputs of `generate`."""

    inputs: Mapping[str, Any]


class ImageTextReply(Answering[Written]):
    """One reply, and what it counts on the way."""

    def __init__(self, whole: Whole, state: State, settings: Settings, stop: Flag) -> None:
        super().__init__(whole.around, state, settings, stop)
        self.whole, self.model = whole, whole.computer.model

    def plan(
        self,
        infos: Sequence[MediaInfo],
        question: str,
        sources: Sequence[MediaSource],
        before: Sequence[str],
    ) -> Plan:
        """Chooses the frames of each file. Raises PromptTooLong if nothing fits."""
        settings, costs = self.settings, self.whole.costs
        asked = replace(settings, looks=None, max_tiles=None)
        requests, notes = [], []
        if settings.looks is not None or settings.max_tiles is not None:
            notes.append("Looks and tiles are this model's own.")
        for info, source in zip(infos, sources, strict=True):
            source = replace(source, looks=None, max_tiles=None)
            request, limits = requested(info, WISHES, asked, source)
            requests.append(request)
            notes += limits
        turns = self.state.turns
        words = replace(self.state, turns=tuple(replace(turn, media=()) for turn in turns))
        seen = sum(len(encoded.tokens) for turn in turns for encoded in turn.media)
        plan = fit_to_context(
            requests,
            costs,
            tile_size=1,
            text_tokens=costs.text(planning.conversation(words, question, before=before)) + seen,
            answer_tokens=settings.max_new_tokens,
            context=self.facts.context,
        )
        return replace(plan, notes=(*notes, *plan.notes))

    def look(
        self, sources: Sequence[MediaSource], infos: Sequence[MediaInfo], plan: Plan
    ) -> Generator[Event, None, list[Encoded]]:
        """Returns the pixels of the files, decoded or from the cache."""
        found: list[Encoded] = []
        for source, info, file in zip(sources, infos, plan.files, strict=True):
            if source.stream is not None:
                raise ValueError(NO_STREAM)
            what = (*source.content, file.kind, file.frames, file.section)
            key = yield from self.key(what, file.name)
            encoded = self.whole.media.get(key)
            if encoded is None:
                reading = read(self.reader, source, file, FRAME_SIDE, self.stop)
                part, warnings = yield from with_progress(file.name, reading)
                self.decoded_files += 1
                if isinstance(part, Image):
                    media = Media("image", (Clip(part.pixels[None], (0.0,)),))
                else:
                    clip = Clip(part.frames, (0.0,) * len(part.frames))
                    media = Media("video", (clip,), tuple(float(t) for t in part.times))
                # In place of visual tokens, which the model computes with the prompt: their number.
                count = torch.empty(file.tokens, 0)
                content = digest(media.clips[0].frames, media.times)
                encoded = Encoded(media, content, count, (*info.warnings, *warnings))
                self.whole.media.put(key, encoded)
            self.note_seen(file, encoded)
            found.append(encoded)
        yield Encoding(0, 1)  # the model encodes them with the prompt
        return found

    def prompt(
        self, question: str, media: Sequence[Encoded], plan: Plan, before: Sequence[str]
    ) -> Written:
        """Writes the prompt, and looks up the keys and values that are known of it.

        Raises PromptTooLong if it takes more tokens than planned, and does not fit.
        """
        conversation = planning.conversation(self.state, question, media, before)
        inputs = written(self.whole.processor, conversation)
        ids, room = inputs.ids, self.facts.context - len(inputs.ids)
        if room < min(plan.answer_tokens, 1):
            raise PromptTooLong(
                f"This needs {len(ids):,} tokens, but the model holds {self.facts.context:,}:"
                " attach less or begin a new conversation."
            )
        all_media = [encoded for turn in self.state.turns for encoded in turn.media] + [*media]
        rows = prompt_rows(ids, all_media, self.whole.visual_ids)
        cache, tensors = self._known(rows, inputs.tensors)
        self.prompt_tokens, self.reused_tokens = len(ids), cache.get_seq_length()
        self.visual_tokens = sum(token in self.whole.visual_ids for token in ids)
        self.encoded_clips = 0 if self.reused_tokens else len(all_media)
        names = tuple(file.name for file in plan.files[len(plan.files) - len(media) :])
        turn = Turn(question, names, media=tuple(media), before=tuple(before))
        plan = replace(plan, answer_tokens=min(plan.answer_tokens, room))
        moved = on_device(tensors, self.model.device, self.model.dtype)
        return Written(turn, plan, rows, cache, moved)

    def _known(
        self, rows: Sequence[int], tensors: Mapping[str, Any]
    ) -> tuple[DynamicCache, Mapping[str, Any]]:
        """Returns the known keys and values, if they hold every picture of the prompt.

        The pixels are left out of the inputs then.
        """
        last = max((i for i, row in enumerate(rows) if row < 0), default=-1)
        if self.whole.reuses:
            cache = self.prefixes.fork(self.model, rows)
            if cache.get_seq_length() > max(last, 0):
                return cache, {name: tensors[name] for name in OF_PROMPT if name in tensors}
        return DynamicCache(config=self.model.config), tensors

    def tokens(self, ready: Written, sampler: Sampler) -> Generator[int, None, None]:
        """Yields the answer's tokens. Raises `Stopped` once `stop` is set."""
        task = Task(ready.inputs, ready.cache, sampler, self.facts.eos_ids, self.stop)
        return tokens(self.whole.computer, task)

    def keep(self, ready: Written, token_ids: Sequence[int]) -> None:
        """Stores keys and values, unless the prompt was not read to its end.

        Those of tokens that were computed ahead of the answer's end are cut off.
        """
        if self.whole.reuses and token_ids:
            cut(ready.cache, len(ready.rows) + len(token_ids))
            super().keep(ready, token_ids)


def cut(cache: DynamicCache, length: int) -> None:
    """Cuts keys and values to a length; layers that drop tokens by themselves stay as they are."""
    for layer in cache.layers:
        if type(layer) is DynamicLayer and layer.keys is not None:
            layer.keys, layer.values = layer.keys[:, :, :length], layer.values[:, :, :length]


def prompt_rows(
    ids: Sequence[int], media: Sequence[Encoded], visual_ids: frozenset[int]
) -> list[int]:
    """Returns one number for each position of a prompt: its token, or the hash of its pictures.

    All pictures of a prompt have one hash together: how many tokens each takes is the processor's
    business. A prompt with other pictures, or one more, therefore shares nothing from the first on.
    """
    together = digest(*(encoded.digest for encoded in media))
    row = -1 - int.from_bytes(together, "big")  # negative: no token has such an id
    return [row if token in visual_ids else token for token in ids]
