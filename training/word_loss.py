"""Trains visual tokens to become words, without a pass through the language model (stage 1).

A language model reads its own word embeddings best. So the visual tokens are first brought into
that space: among all words that captions use, those in the caption of this image must be the ones
that some visual token of it points to,

    score(w) = log mean_j exp(s v_j . (e_w - mean e)),
    loss = - mean over the caption's words of log softmax(score),

with v_j the visual tokens of an image or clip over all looks, e_w the language model's embedding of
w, and s a sharpness, so that one token can point to several words without becoming longer than they
are. Which token points to which word is left open (multiple-instance learning). If a record has the
positions of its objects (data/embedded/grounding.py), each token j must point to the words of its
square instead,

    loss_j = - mean over the words of its square of log softmax_w(s v_j . (e_w - mean e)),

and a token whose square is empty must be short. Since the language model is not run, a step costs a
fortieth of one through it, which on a CPU is the difference between a few thousand images and a
hundred thousand.

This objective is our own, in the spirit of contrastive image-text training; PVC trains both stages
on answers.
"""

import torch
from torch import Tensor

from data.embedded.grounding import NUMBERS, WAYS, TokenTarget
from data.embedded.word_targets import TargetWords, WordTargets
from data.samples.dataset import RecordDataset
from data.samples.packing import PackedDataset
from vlm.model import PVCForConditionalGeneration

SHARPNESS = 2.5
# Of a number or a direction of motion, relative to a name or a place: rare and hardest to see.
RARE_WEIGHT = 3.0
BACKGROUND_WEIGHT = 0.25  # of a square of plain background; there are many
MAX_NORM = 5.0  # longer visual tokens are pulled back; word embeddings have a norm of about 3


class WordLoss:
    """The word loss of a batch, over the vocabulary of a dataset."""

    def __init__(
        self, model: PVCForConditionalGeneration, dataset: RecordDataset | PackedDataset
    ) -> None:
        targets = dataset.targets
        assert isinstance(targets, WordTargets)
        ids = targets.vocabulary(dataset.distinct_records())
        if not ids:
            raise ValueError(
                "the records have no words for visual tokens to point to: set `objective: answers`"
            )
        self.columns = {token: column for column, token in enumerate(ids)}
        rare = set(targets.ids(sorted(NUMBERS | WAYS)))
        self.weights = {token: RARE_WEIGHT if token in rare else 1.0 for token in ids}
        embeddings = model.get_input_embeddings().get_parameter("weight").detach()[ids].float()
        self.embeddings = SHARPNESS * (embeddings - embeddings.mean(dim=0))  # [W, D]

    def __call__(
        self,
        visual: Tensor,
        looks: list[int],
        targets: list[TargetWords],
    ) -> Tensor:
        """Returns the loss of visual tokens [V, D], a scalar; looks and targets are per sample."""
        with torch.autocast(visual.device.type, enabled=False):
            visual = visual.float()
            M = len(visual) // sum(looks)
            samples = visual.split([M * n for n in looks])
            scores = (visual @ self.embeddings.to(visual.device).T).split([M * n for n in looks])
            losses = []
            for sample, score, target in zip(samples, scores, targets, strict=True):
                if target.by_token:
                    losses.append(self._token_loss(sample, score, target.by_token))
                elif target.words and len(score):
                    columns = [self.columns[token] for token in target.words]
                    losses.append(-score.logsumexp(dim=0).log_softmax(dim=0)[columns].mean())
            too_long = (visual.norm(dim=-1) - MAX_NORM).clamp(min=0).square().mean()
            word_loss = torch.stack(losses).mean() if losses else visual.sum() * 0
            return word_loss + 0.1 * too_long

    def _token_loss(
        self, tokens: Tensor, score: Tensor, targets: list[tuple[TokenTarget, list[int]]]
    ) -> Tensor:
        """The loss of one sample with known positions: tokens [R * M, D], scores [R * M, W]."""
        target = torch.zeros_like(score)
        weight = score.new_zeros(len(score))
        silent = []
        for item, ids in targets:
            if not ids:
                silent.append(item.token)
                continue
            weight[item.token] = BACKGROUND_WEIGHT if item.background else 1.0
            shares = score.new_tensor([self.weights[token] for token in ids])
            target[item.token, [self.columns[token] for token in ids]] = shares / shares.sum()
        loss = -(weight * (target * score.log_softmax(dim=-1)).sum(dim=-1)).sum() / weight.sum()
        return loss + 0.1 * tokens[silent].square().sum(dim=-1).mean() if silent else loss
