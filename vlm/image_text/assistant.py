"""An assistant around any class of AutoModelForImageTextToText, with the events of our own.

    assistant = ImageTextAssistant.open("Qwen/Qwen2.5-VL-3B-Instruct")
    for event in assistant.reply(State(), "What happens?", [Path("clip.mp4")]):
        ...

One answer computes at a time. Keys and values continue in the next turn where that is exact, see
REUSED; elsewhere every turn reads the whole conversation again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GenerationConfig

from vlm.assistant import Assistant
from vlm.families.opened import generation_settings
from vlm.fit.hardware import checked_device, default_dtype
from vlm.image_text.costs import Costs
from vlm.image_text.fit import check_fit
from vlm.image_text.folder import load_model, load_processor, read_config
from vlm.image_text.generating import Computer
from vlm.image_text.prompt import takes_videos, visual_ids
from vlm.image_text.reply import ImageTextReply, Whole
from vlm.inference.answering import Surroundings
from vlm.inference.caches import MediaCache, PrefixCache
from vlm.inference.decoding.grammar import Grammars
from vlm.inference.events import Asked, Event, State
from vlm.inference.model_facts import ModelFacts
from vlm.inference.settings import Sampling, Settings
from vlm.inference.visual.live import NO_STREAM, Stream
from vlm.inference.visual.media_source import MediaSource
from vlm.inference.workers import release_workers
from vlm.loading import Announce
from vlm.media.confined.limits import Limits
from vlm.media.decode import MediaReader

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

# Causal language models whose positions follow from the whole prompt, tested: cached = uncached.
REUSED = ("llava_onevision", "qwen2_5_vl", "qwen2_vl", "qwen3_vl")
REFUSED = ("quantize", "device_map")  # options of models of vlm.families alone


class ImageTextAssistant(Assistant):
    """A model of transformers, its processor, and caches from earlier questions.

    It has no `model` and `processor` of ours, and does not decide between given answers.
    """

    def __init__(  # the attributes that Assistant's own sets up for a model of ours are not
        self,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        *,
        generation: GenerationConfig | None = None,
        card: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        context: int | None = None,
        media_bytes: int = 256 * 2**20,
        prefix_bytes: int = 2**30,
    ) -> None:
        self.whole_processor, self.tokenizer = processor, processor.tokenizer
        seen = visual_ids(processor, model.config)
        self.facts = _facts(model, self.tokenizer, generation, seen, context)
        model.generation_config = GenerationConfig()
        self.reader = MediaReader(limits or Limits())
        self.media = MediaCache(media_bytes)
        self.prefixes = PrefixCache(prefix_bytes)
        self.grammars = Grammars(self.tokenizer, self.facts.eos_ids)
        self.words = None
        self._computer = Computer(model)
        self._costs = Costs(processor)
        self._visual_ids = seen
        facts = {
            "context": self.facts.context,
            "temperature": self.facts.sampling.temperature,
        }
        self.card = {**_card(model), **(card or {}), **facts}

    @classmethod
    def open(
        cls,
        folder: Path,
        name: str,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        context: int | None = None,
        anyway: bool = False,
        announce: Announce | None = None,
        **options: Any,
    ) -> ImageTextAssistant:
        """Loads a folder; `options` are those of `vlm.loading.load_folder`.

        Raises ValueError if the weights cannot fit, or for an option that these models lack.
        """
        if options.get("engine") == "llama.cpp":
            raise ValueError(f"{name}: --engine llama.cpp does not run it; leave the option out.")
        for option in REFUSED:
            if options.get(option):
                raise ValueError(
                    f"{name}: --{option.replace('_', '-')} works with the families of"
                    " `python -m vlm.families`, not with models that transformers runs whole."
                )
        say = announce or (lambda sentence: None)
        config = read_config(folder)
        processor = load_processor(folder, config)
        target = checked_device(device)
        kind = dtype or default_dtype(target)
        fit = check_fit(config, kind, target, context)
        if not fit.weights_fit and not anyway:
            raise ValueError(f"{name}: {fit.sentence} (--anyway loads it nevertheless.)")
        say(f"{name}: {fit.sentence}")
        if not takes_videos(processor):
            say(f"{name}: videos are shown to it as pictures, each with its time.")
        model = load_model(folder, config, kind, target)
        generation = generation_settings(folder, processor.tokenizer)
        release_workers()  # another thread may answer
        return cls(
            model,
            processor,
            generation=generation,
            card={"name": name},
            context=context,
            limits=options.get("limits"),
        )

    @property
    def num_parameters(self) -> int:
        """The size of the model."""
        return self._computer.model.num_parameters()

    @property
    def dtype(self) -> torch.dtype:
        """The number format that the model computes in."""
        return self._computer.model.dtype

    def share(self, max_rows: int) -> Any:
        """Changes nothing: one answer computes at a time."""
        return self._computer

    def close(self) -> None:
        """Ends the waiting decoder process."""
        self.reader.close()

    def see_next(self, stream: Stream, frame: NDArray[np.uint8], time: float) -> Stream:
        """Raises ValueError."""
        raise ValueError(NO_STREAM)

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
        """Raises ValueError."""
        raise ValueError(f"{self.card['name']} answers, but does not decide between given answers.")

    def _reply(self, state: State, settings: Settings | None, stop: Flag | None) -> ImageTextReply:
        model = self._computer.model
        whole = Whole(
            Surroundings(self.facts, self.reader, self.prefixes, self.grammars, self.tokenizer),
            self._computer,
            self.whole_processor,
            self._costs,
            self.media,
            self._visual_ids,
            model.config.model_type in REUSED,
        )
        return ImageTextReply(whole, state, settings or Settings(), stop or Flag())


def _facts(
    model: PreTrainedModel,
    tokenizer: Any,
    generation: GenerationConfig | None,
    visual: frozenset[int],
    context: int | None,
) -> ModelFacts:
    """Returns the facts of a model. Placeholders, and rows without a token, are never chosen."""
    text = model.config.get_text_config()
    longest: int = text.max_position_embeddings
    given = None if generation is None else generation.eos_token_id
    ends = given if isinstance(given, list) else [given]
    eos_ids = frozenset(i for i in (*ends, tokenizer.eos_token_id) if i is not None)
    unused = range(len(tokenizer), text.vocab_size)
    suppressed = tuple(sorted((visual - eos_ids).union(unused)))
    sampling = Sampling(repetition_penalty=1.0) if generation is None else Sampling.of(generation)
    return ModelFacts(min(context or longest, longest), eos_ids, suppressed, sampling)


def _card(model: PreTrainedModel) -> dict[str, Any]:
    return {
        "name": model.config.model_type,
        "parameters": f"{round(model.num_parameters() / 1e6):,} M",
        "knows": "what it was trained on.",
        "limits": "It can be wrong.",
    }
