"""Which answers are learned: a message can exclude its answer from the loss.

Answers that another model got wrong, or that only lead to the next question, stay in a conversation
as context. The keys are those of ms-swift, OpenAI and axolotl; records are written with the first.
"""

from collections.abc import Mapping
from typing import Any

LOSS_KEYS = ("loss", "weight", "learn", "train")


def has_loss(message: Mapping[str, Any]) -> bool:
    """Returns whether an answer is learned: a single `loss: false` or `weight: 0` forbids it.

    Raises ValueError for any other value, whose intention is unclear.
    """
    learned = True
    for key in LOSS_KEYS:
        value = message.get(key)
        if value is None:
            continue
        if not isinstance(value, bool | int | float) or value not in (0, 1):
            raise ValueError(f'"{key}" is {value!r:.40}; it must be true or false, or 1 or 0')
        learned = learned and bool(value)
    return learned
