"""Temporal grounding: when does what a sentence describes happen?

Every frame's feature is compared with the sentence (StreamFormer). A film has one sentence, so
frames compete with nothing: only the sigmoid's logit is trained for this.
"""

from torch import Tensor, nn

from vlm.heads.alignment import Alignment


class GroundingHead(nn.Module):
    """Frames [B, T, P] and a sentence for each film [B, P] -> logits [B, T]."""

    def __init__(self) -> None:
        super().__init__()
        self.align = Alignment("sigmoid")

    def forward(self, frames: Tensor, sentences: Tensor) -> Tensor:
        """Unit features of frames and of sentences."""
        return self.align.scaled((frames * sentences[:, None]).sum(dim=-1))

    def scores(self, frames: Tensor, sentences: Tensor) -> Tensor:
        """Frames [B, T, P] of any film against N sentences [N, P] -> probabilities [B, T, N]."""
        return self.align(frames, sentences).sigmoid()
