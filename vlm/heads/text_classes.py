"""Classes given as text: any names, also ones that training did not have.

StreamFormer compares the feature of the last frame with the mean feature of 28 sentences for each
class; Efficient-Prompt the mean over frames with the name between learned vectors. Which frames
`pooled` stands for is the encoder's.
"""

import re
from collections.abc import Sequence

from torch import Tensor, nn

from vlm.heads.alignment import Alignment, Loss
from vlm.heads.text.side import TextSide

# Sentences around a class name, as CLIP's authors use them for actions (28 in StreamFormer's code,
# which has no license to copy them under; these are our own wording).
TEMPLATES = tuple(
    f"{start} {{}}{end}"
    for start in (
        "a video of", "a film of", "a clip of", "a recording of", "a photo of", "an example of",
        "a demonstration of",
    )
    for end in (".", " in a video.", ", seen by a camera.", ", an action.")
)  # fmt: skip

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class TextClassesHead(nn.Module):
    """[B, P] and K texts -> logits [B, K]."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.align = Alignment(loss)

    def forward(self, pooled: Tensor, classes: Tensor) -> Tensor:
        """Unit features of clips and of classes."""
        return self.align(pooled, classes)


def class_features(text: TextSide, names: Sequence[str], templated: bool) -> Tensor:
    """Features [K, P] of class names; `templated`: the mean of the sentences around them.

    Learned vectors take the place of sentences, and hashed words around a name would only hide it.
    """
    spoken = [in_words(name) for name in names]
    in_sentences = text.prompted is None and text.config.tokenizer == "file"
    if templated and in_sentences and not text.learns:
        return text(spoken, TEMPLATES)
    return text(spoken)


def in_words(name: str) -> str:
    """Returns a class name as words: "HighJump" and "high_jump" are "high jump"."""
    if " " not in name:
        name = _WORD_START.sub(" ", name.replace("_", " "))
        name = name.lower() if name != name.upper() else name
    return name.strip()
