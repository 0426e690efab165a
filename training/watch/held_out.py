"""The loss on held-out records, a mean over answer tokens of all processes."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from data.samples.collate import BATCH_INFO
from data.samples.dataset import RecordDataset
from training.loop.distributed import max_shapes, with_visual_tokens

if TYPE_CHECKING:
    from training.loop.reproducible_trainer import ReproducibleTrainer


def held_out_loss(
    trainer: "ReproducibleTrainer", model: Any, dataset: RecordDataset, reported: set[str]
) -> float:
    """Mean loss over all answer tokens; NaN without any.

    An unusable record is left out and printed once: `reported` remembers.

    Every process runs the same number of batches; those that only fill up have no weight.
    """
    model.eval()
    device = trainer.args.device
    total = torch.zeros(2, dtype=torch.float64, device=device)  # loss, tokens
    for batch, has_weight in _batches(trainer, dataset):
        for bad in batch["quarantined"]:
            if bad["where"] not in reported:
                print(f"WARNING: excluded from the held-out loss: {bad['where']}: {bad['reason']}")
                reported.add(bad["where"])
        for name in ("looks", "targets", *BATCH_INFO):
            batch.pop(name, None)
        batch = trainer._prepare_inputs(batch)
        with torch.no_grad(), trainer.compute_loss_context_manager():
            shapes = max_shapes(batch, device)
            batch = with_visual_tokens(trainer.accelerator, model, batch, shapes)
            loss = model(**batch, num_items_in_batch=1).loss
        tokens = (batch["labels"][:, 1:] != -100).sum()
        if has_weight:
            total += torch.stack([loss.double(), tokens.double()])
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(total)
    loss_sum, num_tokens = total.tolist()
    return loss_sum / num_tokens if num_tokens else math.nan


def _batches(
    trainer: "ReproducibleTrainer", dataset: RecordDataset
) -> Iterator[tuple[dict[str, Any], bool]]:
    """This process's batches, and whether each counts toward the mean."""
    size, world = trainer.args.per_device_eval_batch_size, trainer.args.world_size
    batches = [
        list(range(start, min(start + size, len(dataset))))
        for start in range(0, len(dataset), size)
    ]
    mine = batches[trainer.args.process_index :: world]
    rounds = -(-len(batches) // world)
    has_weight = [True] * len(mine) + [False] * (rounds - len(mine))
    mine += batches[: rounds - len(mine)]
    loader = DataLoader(dataset, batch_sampler=mine, collate_fn=trainer.data_collator)
    yield from zip(loader, has_weight, strict=True)
