"""Words to token ids: the tokenizer of a published text tower, or hashed words without any file."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from vlm.weights.io.files import WeightsError

FOLDER = "tokenizer"  # inside the folder of a trained encoder
_WORD = re.compile(r"\w+")


class Tokens(Protocol):
    """A sentence in, the ids of its tokens out, without those of its start and end."""

    def __call__(self, text: str) -> list[int]: ...
    def save(self, folder: Path) -> None: ...


class HashedWords:
    """A word is a number by its hash: nothing to learn or to ship, for tiny towers.

    Two words share a number with a probability of 1 / vocab_size.
    """

    FIRST = 3  # ids below mark the ends of a row

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    def __call__(self, text: str) -> list[int]:
        return [self._number(word) for word in _WORD.findall(text.lower())]

    def _number(self, word: str) -> int:
        digest = hashlib.sha256(word.encode()).digest()
        return self.FIRST + int.from_bytes(digest[:8], "big") % (self.vocab_size - self.FIRST)

    def save(self, folder: Path) -> None:
        """Writes nothing: there are no files."""


class FileTokens:
    """The tokenizer that a folder has beside the weights, as transformers saves them."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, ImportError) as error:
            reason = (str(error).splitlines() or ["it cannot be read"])[0]
            raise WeightsError(f"{folder} has no usable tokenizer: {reason}") from error

    def __call__(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def save(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder / FOLDER)


def fitted(tokens: Callable[[str], list[int]], texts: Sequence[str], room: int) -> list[list[int]]:
    """Returns the ids of sentences, the first `room` of each.

    Raises ValueError for one without any word.
    """
    rows = [tokens(text)[:room] for text in texts]
    for text, row in zip(texts, rows, strict=True):
        if not row:
            raise ValueError(f"{text!r} has no words; write what to look for")
    return rows
