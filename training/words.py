"""An objective for stage 1 that needs no pass through the language model: tokens become words.

What a language model reads best is its own word embeddings. So before it is shown any picture, the
visual tokens are brought into that space: of all the words that captions use, those said of this
picture must be the ones that some visual token of it points to,

    score(w) = log mean_j exp(s v_j . (e_w - mean e)),
    loss = - mean over the words said of log softmax(score),

with v_j the visual tokens of a picture or clip at all looks, e_w the language model's embedding of
w and s a sharpness, so that one token can point to several words without becoming longer than they
are. Which token says what is left open, so that each square comes to speak of what it shows
(multiple-instance learning). The language model itself is not run: a step costs a fortieth of one
through it, which on a CPU is the difference between a few thousand pictures and a hundred thousand.

Ours, in the spirit of contrastive image-text training; PVC trains both stages on answers.
"""

import torch
from torch import Tensor

from data.collate import RecordDataset
from vlm.model import PVCForConditionalGeneration

SHARPNESS = 2.5
LONGEST = 5.0  # visual tokens longer than this are pulled back; words are about 3 long


class WordLoss:
    """The loss of a batch; knows which words there are."""

    def __init__(self, model: PVCForConditionalGeneration, dataset: RecordDataset) -> None:
        ids = sorted({token for record in dataset.records for token in dataset.words(record)})
        if not ids:
            raise ValueError("these records say no words that could be pointed to")
        self.columns = {token: column for column, token in enumerate(ids)}
        embeddings = model.get_input_embeddings().get_parameter("weight").detach()[ids].float()
        self.embeddings = SHARPNESS * (embeddings - embeddings.mean(dim=0))  # [W, D]

    def __call__(
        self,
        visual: Tensor,
        looks: list[int],
        words: list[list[int]],
    ) -> Tensor:
        """Visual tokens [V, D] of a batch; looks and words of each of its samples."""
        with torch.autocast(visual.device.type, enabled=False):
            visual = visual.float()
            M = len(visual) // sum(looks)
            scores = visual @ self.embeddings.to(visual.device).T  # [V, W]
            losses = []
            for score, said in zip(scores.split([M * n for n in looks]), words, strict=True):
                columns = [self.columns[token] for token in said]
                if columns and len(score):
                    score = score.logsumexp(dim=0).log_softmax(dim=0)  # [W]
                    losses.append(-score[columns].mean())
            too_long = (visual.norm(dim=-1) - LONGEST).clamp(min=0).square().mean()
            said_something = torch.stack(losses).mean() if losses else visual.sum() * 0
            return said_something + 0.1 * too_long
