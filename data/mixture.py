"""Which record is seen when: weighted sources, shuffled, batches of about equal length.

The whole order of a run follows from the seed and is known before it starts, so a run that is
resumed goes on where it was by counting.
"""

import random
from collections.abc import Sequence

from data.records import Concept, Media, Record, Text

# Rough costs in tokens, only to put records of about equal length into one batch.
TOKENS_OF_IMAGE, TOKENS_OF_VIDEO = 70, 160
GROUP = 16  # batches whose records are sorted by length together


def draw(
    sources: Sequence[Sequence[Record]], weights: Sequence[float], num_samples: int, seed: int
) -> list[Record]:
    """`num_samples` records; each source gives its share exactly, to within one record.

    A source that runs out is shuffled anew and starts over.
    """
    total = sum(weights)
    if total <= 0:
        raise ValueError("at least one source needs a weight above zero")
    for position, (source, weight) in enumerate(zip(sources, weights, strict=True)):
        if weight > 0 and not source:
            raise ValueError(f"source {position + 1} has a weight but no records")
    drawn: list[Record] = []
    bounds = [0.0]
    for weight in weights:
        bounds.append(bounds[-1] + weight / total * num_samples)
    for position, source in enumerate(sources):
        count = round(bounds[position + 1]) - round(bounds[position])
        rng = random.Random(f"{seed} source {position}")
        while count > 0:
            order = rng.sample(range(len(source)), len(source))[:count]
            drawn.extend(source[index] for index in order)
            count -= len(order)
    random.Random(f"{seed} order").shuffle(drawn)
    return drawn


def group_by_length(records: Sequence[Record], batch_size: int, seed: int) -> list[Record]:
    """The same records, such that each batch in a row holds records of about the same length."""
    rng = random.Random(f"{seed} batches")
    ordered: list[Record] = []
    for start in range(0, len(records), batch_size * GROUP):
        group = sorted(records[start : start + batch_size * GROUP], key=rough_length)
        batches = [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
        whole = [batch for batch in batches if len(batch) == batch_size]
        rng.shuffle(whole)
        ordered += [record for batch in whole for record in batch]
        ordered += [record for batch in batches if len(batch) < batch_size for record in batch]
    return ordered


def rough_length(record: Record) -> int:
    """About how many tokens a record has."""
    length = 0
    for message in record.messages:
        length += 5
        for part in message.parts:
            if isinstance(part, Text):
                length += len(part.text) // 4
            elif isinstance(part, Concept) or (isinstance(part, Media) and part.kind == "image"):
                length += TOKENS_OF_IMAGE
            else:
                length += TOKENS_OF_VIDEO
    return length
