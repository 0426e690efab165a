"""The assistant: takes a conversation, a question and files; yields events while it answers.

    for event in assistant.reply(State(), "What happens?", [Path("clip.mp4")]):
        Planned -> Decoding ... -> Encoding ... -> TextDelta ... -> Finished

`Finished.state` is the conversation with its answer. A follow-up question from it decodes nothing,
encodes nothing and prefills only what is new: `Finished.usage` has the numbers.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlm.encoders.pvc import progressive
from vlm.experts.expert_words import default_experts, expert_words
from vlm.inference import planning
from vlm.inference.answering import Answering, Surroundings
from vlm.inference.budget import FilePlan, Plan
from vlm.inference.caches import MediaCache, PrefixCache
from vlm.inference.deciding import decide
from vlm.inference.decoding.decoder import Alone, Decoder, Prefixes
from vlm.inference.decoding.grammar import Grammars
from vlm.inference.decoding.packing import pack
from vlm.inference.decoding.scheduler import Scheduler
from vlm.inference.decoding.single_step import single_step
from vlm.inference.errors import NotEnoughMemory
from vlm.inference.events import (
    Asked,
    Decided,
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
from vlm.inference.model_facts import ModelFacts
from vlm.inference.reply import Prompt, Reply, Shared
from vlm.inference.settings import Settings
from vlm.inference.visual.live import Stream, see_next
from vlm.inference.visual.look_states import LookStates
from vlm.inference.visual.looking import VisualEncoder
from vlm.inference.visual.media_source import MediaSource, as_source
from vlm.inference.workers import release_workers
from vlm.llamacpp.options import uses_llama
from vlm.loading import Announce, default_card, load_folder
from vlm.media.confined.limits import Limits
from vlm.media.decode import MediaReader
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

__all__ = [
    "TextDelta",
    "Asked",
    "Assistant",
    "Decided",
    "Event",
    "FilePlan",
    "Finished",
    "MediaSource",
    "Encoding",
    "Plan",
    "Planned",
    "Decoding",
    "Seen",
    "Settings",
    "State",
    "Stream",
    "Turn",
    "Usage",
]


class Assistant:
    """A model, its processor, and caches from earlier questions.

    Safe to use from several threads: states are values, and caches are looked up by content.
    """

    def __init__(
        self,
        model: PVCForConditionalGeneration,
        processor: PVCProcessor,
        *,
        card: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        context: int | None = None,
        media_bytes: int = 256 * 2**20,
        prefix_bytes: int = 2**30,
        experts: Sequence[str] | None = None,
        announce: Announce = lambda sentence: None,
        decoder: Decoder | None = None,
        prefixes: Prefixes | None = None,
    ) -> None:
        """`decoder` and its `prefixes` are an engine's; by default torch computes."""
        self.model = model.eval()
        self.processor = processor
        self.facts = ModelFacts.of(model, processor, context)
        self.reader = MediaReader(limits or Limits())
        self.media = MediaCache(media_bytes)
        self.look_states = LookStates()
        self.prefixes: Prefixes = prefixes or PrefixCache(prefix_bytes)
        self.decoder: Decoder = decoder or Alone(model.language_model)
        if decoder is None:
            model.language_model.single_step = single_step(model.language_model)
        self.tokenizer = processor.tokenizer
        self.grammars = Grammars(self.tokenizer, self.facts.eos_ids)
        self.words = expert_words(model, processor, experts, announce)
        self.kept_features = None if self.words is None else self.words.kept
        if self.kept_features is not None:
            progressive(model.tower).cached_backbone = self.kept_features
        self.card: dict[str, Any] = {
            **default_card(model),
            **(card or {}),
            "context": self.facts.context,
            "temperature": self.facts.sampling.temperature,
        }

    @classmethod
    def load(
        cls,
        path_or_name: str | Path = "embedded",
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        context: int | None = None,
        experts: Sequence[str] | None = None,
        read_text: bool = False,
        engine: str | None = None,
        gguf: str | None = None,
        limits: Limits | None = None,
        **options: Any,
    ) -> "Assistant":
        """Loads the model of this repository ("embedded"), or one from a folder of your own.

        By default it computes in bfloat16 if the hardware multiplies it, else in float32, on the
        first GPU or the CPU. `context` limits the tokens of a conversation. `experts` names
        those of `vlm.config.EXPERTS` that look at each file; None: those the model was trained
        with. `read_text` adds "text" to them. `engine` is "torch" or "llama.cpp", which reads the
        weights in the type `gguf`; None: as the folder holds them. `limits` are those of
        files. `options` are those of `vlm.loading.load_folder`.

        On a CPU the language model's linear layers are packed, for inference only
        (`vlm.inference.decoding.packing`).
        """
        announce = options.get("announce") or (lambda sentence: None)
        chosen: dict[str, Any] = {"context": context, "announce": announce, "limits": limits}
        if uses_llama(path_or_name, engine):
            from vlm.llamacpp.load import load_llama  # imported late: its package is optional

            loaded = load_llama(path_or_name, dtype, device, gguf=gguf, context=context, **options)
            model, processor, card = loaded.model, loaded.processor, loaded.card
            chosen |= {"decoder": loaded.decoder, "prefixes": loaded.prefixes}
        else:
            model, processor, card = load_folder(
                path_or_name, dtype, device, context=context, **options
            )
            pack(model.language_model)
        if read_text:
            named = default_experts(processor.prompt_config) if experts is None else experts
            experts = tuple(dict.fromkeys((*named, "text")))
        made = cls(model, processor, card=card, experts=experts, **chosen)
        release_workers()  # another thread may answer
        return made

    def share(self, max_rows: int) -> Decoder:
        """Computes the answers of all threads in one, `max_rows` at once, from now on.

        llama.cpp does so anyway, one step of each answer after the other.
        """
        if isinstance(self.decoder, Alone):
            self.decoder = Scheduler(self.model.language_model, max_rows)
        return self.decoder

    def forget(self) -> None:
        """Forgets all media and all turns, so that the next question is computed afresh."""
        self.media.forget()
        self.prefixes.forget()
        self.look_states.forget()
        if self.kept_features is not None:
            self.kept_features.forget()

    def close(self) -> None:
        """Ends the waiting decoder process, and the thread that computes if there is one."""
        self.decoder.close()
        self.reader.close()

    def plan(
        self, state: State, files: Sequence[Path], text: str, settings: Settings | None = None
    ) -> Plan:
        """Plans a question, without decoding. Raises ValueError if it cannot fit."""
        sources = [as_source(file) for file in files]
        infos = [self.reader.probe(source.path) for source in sources]
        reply = self._reply(state, settings, None)
        return reply.plan(infos, planning.question(text, infos), sources, before=())

    def reply(
        self,
        state: State,
        text: str,
        files: Sequence[Path | MediaSource] = (),
        settings: Settings | None = None,
        stop: Flag | None = None,
        *,
        before: Sequence[str] = (),
        earlier: Sequence[Asked] = (),
    ) -> Iterator[Event]:
        """Answers a question. Raises MediaError or ValueError if a file or setting is unusable.

        `before` is the text that stands before each file; `text` follows the last. `earlier` are
        turns after the state, from elsewhere.

        `stop` may be set from any thread: `Finished` follows within a second, with the answer so
        far.
        """
        reply = self._reply(state, settings, stop)
        with _memory_errors():
            yield from reply.run(text, [as_source(file) for file in files], before, earlier)

    def decide(
        self,
        state: State,
        text: str,
        options: Sequence[str],
        files: Sequence[Path | MediaSource] = (),
        settings: Settings | None = None,
        stop: Flag | None = None,
        *,
        before: Sequence[str] = (),
        earlier: Sequence[Asked] = (),
    ) -> Iterator[Event]:
        """Compares given answers to a question; the last event is `Decided`. Raises as `reply`.

        Raises `vlm.inference.decoding.generation.Stopped` once `stop` is set.
        """
        reply = self._own_reply(state, settings, stop)
        sources = [as_source(file) for file in files]
        with _memory_errors():
            yield from decide(reply, options, text, sources, before, earlier)

    def see_next(self, stream: Stream, frame: NDArray[np.uint8], time: float) -> Stream:
        """Looks at the next frame of a stream, uint8 [H, W, 3], `time` seconds after its start.

        A question takes the stream as `MediaSource(Path("camera"), stream=stream)`. Raises
        ValueError for a model that cannot follow a stream.
        """
        look = partial(see_next, self.model, self.processor, self.words, stream, frame, time)
        with _memory_errors():
            return self.decoder.run(look)

    def see(self, state: State, text: str, files: Sequence[Path | MediaSource] = ()) -> Prompt:
        """Returns the prompt of a question, its files encoded, for the language model to read."""
        seeing = self._own_reply(state, None, None).see(text, [as_source(file) for file in files])
        while True:
            try:
                next(seeing)
            except StopIteration as end:
                prompt: Prompt = end.value
                return prompt

    @property
    def num_parameters(self) -> int:
        """The size of the model."""
        return self.model.num_parameters()

    @property
    def dtype(self) -> torch.dtype:
        """The number format that the model computes in."""
        return self.model.dtype

    def _reply(self, state: State, settings: Settings | None, stop: Flag | None) -> Answering:
        return self._own_reply(state, settings, stop)

    def _own_reply(self, state: State, settings: Settings | None, stop: Flag | None) -> Reply:
        around = Surroundings(self.facts, self.reader, self.prefixes, self.grammars, self.tokenizer)
        encoder = VisualEncoder(self.model, self.processor, self.media, self.look_states)
        shared = Shared(around, encoder, self.decoder, self.words)
        return Reply(shared, state, settings or Settings(), stop or Flag())


@contextlib.contextmanager
def _memory_errors() -> Iterator[None]:
    """Turns a device's lack of memory into a sentence."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise NotEnoughMemory(
            "There is not enough memory for this: ask for fewer frames or tiles, or begin a new"
            " conversation."
        ) from error
