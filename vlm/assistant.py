"""The assistant: a conversation, a question and files go in; events come out while it is answered.

    for event in assistant.reply(State(), "What happens?", [Path("clip.mp4")]):
        Planned -> Decoding ... -> Encoding ... -> TextDelta ... -> Finished

The state that `Finished` carries is the conversation with its answer. A follow-up question from it
decodes nothing, encodes nothing and reads only what is new: `Finished.usage` has the numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

import torch

from vlm.conversation import Conversation, Message, Text
from vlm.inference.budget import FilePlan, Plan, fit_to_context, requested
from vlm.inference.caches import Encoded, MediaCache, PrefixCache
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
from vlm.inference.reply import Reply
from vlm.inference.settings import Settings
from vlm.loading import default_card, load_folder
from vlm.media.confined.limits import Limits
from vlm.media.decode import MediaInfo, MediaReader
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.prompt.safe_tokenizer import special_ids

__all__ = [
    "TextDelta",
    "Assistant",
    "Event",
    "FilePlan",
    "Finished",
    "Encoding",
    "Plan",
    "Planned",
    "Decoding",
    "Seen",
    "Settings",
    "State",
    "Turn",
    "Usage",
]

# Asked where somebody only drops a file.
DEFAULT_QUESTIONS = {"image": "What is in this picture?", "video": "What happens in this video?"}


class Assistant:
    """A model, its processor, and what they remember of earlier questions.

    May be used from several threads: states are values, and the memories are found by content.
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
    ) -> None:
        writer = processor.writer
        if writer.image_token_id != model.config.image_token_id:
            raise ValueError(
                f"model and tokenizer do not belong together: pictures stand at token"
                f" {model.config.image_token_id} in the one, {writer.image_token_id} in the other."
            )
        self.model = model.eval()
        self.processor = processor
        self.reader = MediaReader(limits or Limits())
        self.media = MediaCache(media_bytes)
        self.prefixes = PrefixCache(prefix_bytes)
        text_config = model.config.get_text_config()
        most: int = text_config.max_position_embeddings
        self.context = min(context or most, most)
        self.card: dict[str, Any] = {**default_card(model), **(card or {}), "context": self.context}

        eos = model.generation_config.eos_token_id if model.generation_config else None
        ends = eos if isinstance(eos, list) else [] if eos is None else [eos]
        special = special_ids(processor.tokenizer)
        beyond = range(len(processor.tokenizer), text_config.vocab_size)
        self.eos_ids = frozenset({writer.end_of_turn, *ends})
        self.suppressed_ids = sorted((special - self.eos_ids).union(beyond))
        # What becomes of pixels is decided by these: part of every hash.
        self.model_key = repr((model.config.to_dict(), str(model.dtype)))

    @classmethod
    def load(
        cls,
        path_or_name: str | Path = "embedded",
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        context: int | None = None,
        **options: Any,
    ) -> "Assistant":
        """The model of this repository ("embedded"), or one from a folder of your own.

        Computes in bfloat16 where the machine is made for it, else in float32, on the first GPU if
        there is one, unless told otherwise. `context` is how many tokens a conversation may hold
        at most; `options` are those of `vlm.loading.load_folder`.
        """
        model, processor, card = load_folder(
            path_or_name, dtype, device, context=context, **options
        )
        return cls(model, processor, card=card, context=context)

    def close(self) -> None:
        """Ends the process that waits to read files."""
        self.reader.close()

    def plan(
        self, state: State, files: Sequence[Path], text: str, settings: Settings | None = None
    ) -> Plan:
        """What a question would cost, before anything is decoded. ValueError if it cannot fit."""
        infos = [self.reader.probe(Path(file)) for file in files]
        question = self.question(text, infos)
        return self.fitted(state, infos, question, settings or Settings())

    def reply(
        self,
        state: State,
        text: str,
        files: Sequence[Path] = (),
        settings: Settings | None = None,
        stop: Flag | None = None,
    ) -> Iterator[Event]:
        """Answers. Raises MediaError or ValueError, one sentence, where something cannot be used.

        `stop` may be set from any thread: within a second comes `Finished`, with what there is.
        """
        reply = Reply(self, state, settings or Settings(), stop or Flag())
        try:
            yield from reply.run(text, [Path(file) for file in files])
        except torch.OutOfMemoryError as error:
            raise ValueError(
                "There is not enough memory for this: ask for fewer frames or tiles, or begin a"
                " new conversation."
            ) from error

    @staticmethod
    def question(text: str, infos: Sequence[MediaInfo]) -> str:
        """The question as typed, or one in its place for files without a question."""
        if text.strip():
            return text
        if not infos:
            raise ValueError("There is no question: type one, or add a picture or a video.")
        return DEFAULT_QUESTIONS[infos[-1].kind]

    def fitted(
        self, state: State, infos: Sequence[MediaInfo], text: str, settings: Settings
    ) -> Plan:
        """How the files will be looked at, so that all fits into the context."""
        writer, prompt = self.processor.writer, self.processor.prompt_config
        requests, notes = [], []
        for info in infos:
            wished, said = requested(info, prompt, settings)
            requests.append(wished)
            notes += said
        before = writer.write(self.conversation(state, text), add_generation_prompt=True)
        kinds = [media.kind for media in before.media] + [info.kind for info in infos]
        images = kinds.count("image")

        def cost(file: FilePlan) -> int:
            if file.kind == "video":
                return writer.video_tokens(file.frames)
            # Several pictures are numbered; the longest label stands for each.
            return writer.image_tokens(file.tiles * file.looks, images if images > 1 else 0)

        plan = fit_to_context(
            requests,
            cost,
            tile_size=self.processor.image_processor.image_size,
            text_tokens=len(before.ids),
            answer_tokens=settings.max_new_tokens,
            context=self.context,
        )
        return replace(plan, notes=(*notes, *plan.notes))

    @staticmethod
    def conversation(state: State, text: str, media: Sequence[Encoded] = ()) -> Conversation:
        """The turns so far and a new question, its pictures and videos in front."""
        messages = []
        for turn in state.turns:
            pictures = (encoded.media for encoded in turn.media)
            messages.append(Message("user", (*pictures, Text(turn.text))))
            messages.append(Message("assistant", (Text(turn.answer, turn.answer_ids),)))
        pictures = (encoded.media for encoded in media)
        return Conversation((*messages, Message("user", (*pictures, Text(text)))))
