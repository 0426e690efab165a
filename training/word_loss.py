"""An objective for stage 1 that needs no pass through the language model: tokens become words.

What a language model reads best is its own word embeddings. So before it is shown any picture, the
visual tokens are brought into that space: of all the words that captions use, those said of this
picture must be the ones that some visual token of it points to,

    score(w) = log mean_j exp(s v_j . (e_w - mean e)),
    loss = - mean over the words said of log softmax(score),

with v_j the visual tokens of a picture or clip at all looks, e_w the language model's embedding of
w and s a sharpness, so that one token can point to several words without becoming longer than they
are. Which token says what is left open there (multiple-instance learning). Where a record says
what is where (data/embedded/grounding.py), it is not: each token j is to point to the words of its
square,

    loss_j = - mean over the words of its square of log softmax_w(s v_j . (e_w - mean e)),

and one whose square holds nothing is to be short. The language model itself is not run: a step
costs a fortieth of one through it, which on a CPU is the difference between a few thousand pictures
and a hundred thousand.

Ours, in the spirit of contrastive image-text training; PVC trains both stages on answers.
"""

import torch
from torch import Tensor

from data.embedded.grounding import NUMBERS, WAYS, Said
from data.samples.dataset import RecordDataset
from data.samples.packing import PackedDataset
from vlm.model import PVCForConditionalGeneration

SHARPNESS = 2.5
# Of a number, or the way something goes, beside a name or a place: rare, and the hardest to see.
RARE_WEIGHT = 3.0
BACKGROUND_WEIGHT = 0.25  # of a square of plain background, of which there are many
LONGEST = 5.0  # visual tokens longer than this are pulled back; words are about 3 long


class WordLoss:
    """The loss of a batch; knows which words there are."""

    def __init__(
        self, model: PVCForConditionalGeneration, dataset: RecordDataset | PackedDataset
    ) -> None:
        ids = dataset.vocabulary()
        if not ids:
            raise ValueError("these records say no words that could be pointed to")
        self.columns = {token: column for column, token in enumerate(ids)}
        rare = set(dataset.ids(sorted(NUMBERS | WAYS)))
        self.weights = {token: RARE_WEIGHT if token in rare else 1.0 for token in ids}
        embeddings = model.get_input_embeddings().get_parameter("weight").detach()[ids].float()
        self.embeddings = SHARPNESS * (embeddings - embeddings.mean(dim=0))  # [W, D]

    def __call__(
        self,
        visual: Tensor,
        looks: list[int],
        words: list[list[int]],
        said: list[list[tuple[Said, list[int]]]],
    ) -> Tensor:
        """Visual tokens [V, D] of a batch; of each of its samples the looks, the words, and what
        single tokens should say, or nothing where that is not known."""
        with torch.autocast(visual.device.type, enabled=False):
            visual = visual.float()
            M = len(visual) // sum(looks)
            samples = visual.split([M * n for n in looks])
            scores = (visual @ self.embeddings.to(visual.device).T).split([M * n for n in looks])
            losses = []
            for sample, score, bag, told in zip(samples, scores, words, said, strict=True):
                if told:
                    losses.append(self._pointed(sample, score, told))
                elif bag and len(score):
                    columns = [self.columns[token] for token in bag]
                    losses.append(-score.logsumexp(dim=0).log_softmax(dim=0)[columns].mean())
            too_long = (visual.norm(dim=-1) - LONGEST).clamp(min=0).square().mean()
            said_something = torch.stack(losses).mean() if losses else visual.sum() * 0
            return said_something + 0.1 * too_long

    def _pointed(self, tokens: Tensor, score: Tensor, told: list[tuple[Said, list[int]]]) -> Tensor:
        """tokens [R * M, D] and their scores [R * M, W] of one sample."""
        target = torch.zeros_like(score)
        weight = score.new_zeros(len(score))
        silent = []
        for said, ids in told:
            if not ids:
                silent.append(said.token)
                continue
            weight[said.token] = BACKGROUND_WEIGHT if said.background else 1.0
            shares = score.new_tensor([self.weights[token] for token in ids])
            target[said.token, [self.columns[token] for token in ids]] = shares / shares.sum()
        loss = -(weight * (target * score.log_softmax(dim=-1)).sum(dim=-1)).sum() / weight.sum()
        return loss + 0.1 * tokens[silent].square().sum(dim=-1).mean() if silent else loss
