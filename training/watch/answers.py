"""A model's greedy answers to records while it trains: what reports are made from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch.distributed.fsdp import FSDPModule
from tqdm import tqdm

from data.records import Record
from data.samples.first_question import first_question
from vlm.inference.batch import greedy_answers
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor


def answers(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    records: Sequence[Record],
    looks: int | None = None,
    num_frames: int = 8,
    max_new_tokens: int = 28,
    batch_size: int = 16,
    label: str = "answering",
) -> list[str]:
    """Returns the answer to the first user turn of each record, in order."""
    out: list[str] = []
    bar = tqdm(total=len(records), desc=label, unit="question", leave=False)
    with gathered(model), bar:
        for start in range(0, len(records), batch_size):
            batch = records[start : start + batch_size]
            conversations = [first_question(record, num_frames, looks) for record in batch]
            out += greedy_answers(model, processor, conversations, max_new_tokens, batch_size)
            bar.update(len(batch))
    return out


@contextmanager
def gathered(model: PVCForConditionalGeneration) -> Iterator[None]:
    """Gathers the weights that FSDP shards with the model as a whole, such as the embeddings.

    Answering calls the model's parts, never its `forward`, which would gather them.
    """
    if not isinstance(model, FSDPModule):
        yield
        return
    model.unshard()
    try:
        yield
    finally:
        model.reshard()
