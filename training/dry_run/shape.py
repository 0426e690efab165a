"""The shape of a sample in a dry run."""

from dataclasses import dataclass

from vlm.config import PVCConfig


@dataclass(frozen=True)
class Shape:
    """A sample of one kind: clips of `frames` frames seen `looks` times in all, and text."""

    name: str
    share: float  # of the samples of a run
    clips: int
    frames: int
    looks: int
    text_tokens: int
    answer_tokens: int

    def tokens(self, config: PVCConfig) -> int:
        """What the language model reads, the markup of each look or tile left out."""
        return self.clips * self.looks * config.tokens_per_look + self.text_tokens
