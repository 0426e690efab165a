"""A model's greedy answers to records, batch by batch: what reports are made from."""

from collections.abc import Iterator, Sequence

import torch
from tqdm import tqdm

from data.records import MediaFile, Record, RecordText
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.media.decode import read_image, read_video
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
    """The answer to the first user turn of each record, in order."""
    out: list[str] = []
    with tqdm(total=len(records), desc=label, unit="question", leave=False) as bar:
        for batch in _batches(records, batch_size):
            conversations = [first_turn(record, looks, num_frames) for record in batch]
            out += greedy(model, processor, conversations, max_new_tokens)
            bar.update(len(batch))
    return out


@torch.inference_mode()
def greedy(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    conversations: Sequence[Conversation],
    max_new_tokens: int,
) -> list[str]:
    """The likeliest answers to a batch of conversations."""
    inputs = processor(conversations, add_generation_prompt=True).to(model.device)
    ids = model.generate(
        **inputs,
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=processor.writer.end_of_turn,
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    new = ids[:, inputs["input_ids"].shape[1] :]
    texts = processor.tokenizer.batch_decode(new, skip_special_tokens=True)
    return [text.strip() for text in texts]


def first_turn(record: Record, looks: int | None, num_frames: int) -> Conversation:
    """The first question of a record, its media read."""
    message = next(message for message in record.messages if message.role == "user")
    parts: list[Text | Image | Video] = []
    for part in message.parts:
        if isinstance(part, RecordText):
            parts.append(Text(part.text))
        elif isinstance(part, MediaFile) and part.kind == "video":
            video = read_video(part.path, num_frames=num_frames, isolated=False)
            parts.append(Video(video.frames, video.times))
        elif isinstance(part, MediaFile):
            parts.append(Image(read_image(part.path, isolated=False).pixels, looks))
        else:
            raise ValueError(f"record {record.id} has no picture that could be shown")
    return Conversation((Message("user", tuple(parts)),))


def _batches(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]
