"""How well held-out samples are done, a number for each, while an encoder is trained.

    recognition, retrieval    1 if the right text of all is nearest
    localization, grounding   how often a frame inside is scored above one outside (AUC)
    masks                     IoU of the mask of each text that is there, at the clip's size

The benchmarks' own measures are in `python -m evaluation`; these need no thresholds and few clips.
"""

from typing import Any

import torch
from torch import Tensor

from vlm.heads.segmentation import mask_logits, upsampled
from vlm.heads.video_text import MASKS


def task_scores(outputs: Any, batch: dict[str, Any], background: bool, head: Any) -> Tensor:
    """Returns the scores [B]; NaN where a sample has nothing to score."""
    task = batch["task"]
    if task in ("recognition", "retrieval"):
        right = batch["target"] if task == "recognition" else batch["own"]
        return (outputs.argmax(dim=-1) == right).float()
    if task in MASKS:
        return mask_scores(outputs.float(), batch["mask"], background)
    if isinstance(outputs, tuple):
        outputs = head.scores(outputs[0], outputs[1])
    pairs = zip(outputs.float().flatten(1), batch["inside"].flatten(1), strict=True)
    return torch.stack([auc(score, truth) for score, truth in pairs])


def auc(scores: Tensor, truth: Tensor) -> Tensor:
    """The share of pairs of one inside and one outside that are in order; ties count half."""
    inside, outside = scores[truth > 0.5], scores[truth <= 0.5]
    if not len(inside) or not len(outside):
        return scores.new_tensor(torch.nan)
    difference = inside[:, None] - outside
    return ((difference > 0).float() + 0.5 * (difference == 0).float()).mean()


def mask_scores(logits: Tensor, mask: Tensor, background: bool) -> Tensor:
    """Logits of patches [B, T, K (+ 1), H, W], truth [B, T, S, S] -> mean IoU [B]."""
    found = mask_logits(upsampled(logits, *mask.shape[-2:]), background) > 0
    scores = []
    for one, truth in zip(found, mask, strict=True):
        each = [_iou(one[:, k], truth == k) for k in truth[truth >= 0].unique().tolist()]
        scores.append(torch.stack(each).mean() if each else logits.new_tensor(torch.nan))
    return torch.stack(scores)


def _iou(one: Tensor, other: Tensor) -> Tensor:
    return (one & other).sum() / (one | other).sum().clamp(min=1)


def chance(batch: dict[str, Any]) -> Tensor:
    """Returns the scores [B] of answers without looking: any text, any order, all pixels."""
    task, size = batch["task"], len(batch["valid"])
    if task in ("recognition", "retrieval"):
        return torch.full((size,), 1 / len(batch["texts"]))
    if task in MASKS:
        mask = batch["mask"]
        everywhere = [
            torch.stack([(one == k).float().mean() for k in one[one >= 0].unique()]).mean()
            if (one >= 0).any()
            else torch.tensor(torch.nan)
            for one in mask
        ]
        return torch.stack(everywhere)
    return torch.full((size,), 0.5)
