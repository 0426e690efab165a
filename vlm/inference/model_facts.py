"""Facts of a loaded model that every way of answering needs before it chooses a token."""

from dataclasses import dataclass

from vlm.inference.settings import Sampling
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.prompt.safe_tokenizer import special_ids


@dataclass(frozen=True)
class ModelFacts:
    """Facts of one model and its tokenizer."""

    context: int  # tokens that a prompt and its answer may take together
    eos_ids: frozenset[int]  # each of them ends an answer
    suppressed_ids: tuple[int, ...]  # never chosen: markup, and rows that the tokenizer lacks
    sampling: Sampling = Sampling()  # of questions that do not choose

    @classmethod
    def of(
        cls, model: PVCForConditionalGeneration, processor: PVCProcessor, context: int | None = None
    ) -> "ModelFacts":
        """`context` narrows the model's own.

        Raises ValueError if model and tokenizer mark pictures with different tokens.
        """
        writer = processor.writer
        if writer.image_token_id != model.config.image_token_id:
            raise ValueError(
                f"model and tokenizer do not belong together: the model expects pictures at token"
                f" {model.config.image_token_id}, the tokenizer puts them at"
                f" {writer.image_token_id}."
            )
        text_config = model.config.get_text_config()
        longest: int = text_config.max_position_embeddings
        eos = model.generation_config.eos_token_id if model.generation_config else None
        ends = eos if isinstance(eos, list) else [] if eos is None else [eos]
        eos_ids = frozenset({writer.end_of_turn, *ends})
        unused = range(len(processor.tokenizer), text_config.vocab_size)
        suppressed = (special_ids(processor.tokenizer) - eos_ids).union(unused)
        sampling = Sampling.of(model.generation_config)
        return cls(min(context or longest, longest), eos_ids, tuple(sorted(suppressed)), sampling)
