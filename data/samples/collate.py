"""From samples to batches: pads or packs, then stacks.

Each sample becomes a row, padded to the longest, with an attention mask. A packed row
(data/samples/packing.py) contains several samples, whose positions start at 0, and has no mask.
Rejected samples are left out and listed in the batch. A batch without samples is still a batch,
without labels, so that no process waits for another.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.samples.dataset import RejectedSample, Sample
from data.samples.packing import PackedRow
from vlm.processor import PVCProcessor
from vlm.prompt.writer import IGNORE

# Entries of a batch that are not inputs of the model.
BATCH_INFO = ("quarantined", "num_samples", "num_tokens")


@dataclass(frozen=True)
class Collator:
    """Turns samples, or packed rows, into a batch of inputs for the model's forward.

    The batch also has `quarantined` (the rejected samples), `num_samples` (including rejected ones)
    and `num_tokens` (without padding).
    """

    processor: PVCProcessor

    def __call__(
        self, items: Sequence[Sample | RejectedSample] | Sequence[PackedRow]
    ) -> dict[str, Any]:
        rows = [item for item in items if isinstance(item, PackedRow)]
        found: list[Sample | RejectedSample] = []
        for item in items:
            found.extend(item.samples if isinstance(item, PackedRow) else [item])
        samples = [sample for sample in found if isinstance(sample, Sample)]
        batch = self._packed(rows) if rows else self._padded(samples)
        batch |= self._visual(samples)
        batch["quarantined"] = [asdict(item) for item in found if isinstance(item, RejectedSample)]
        batch["num_samples"] = len(found)
        batch["num_tokens"] = sum(len(sample.rendered.ids) for sample in samples)
        return batch

    def _padded(self, samples: Sequence[Sample]) -> dict[str, Any]:
        if not samples:
            return self._empty()
        ids = [sample.rendered.ids for sample in samples]
        length = max(map(len, ids))
        return {
            "input_ids": _pad(ids, self._padding, length),
            "attention_mask": _pad([[1] * len(row) for row in ids], 0, length),
            "labels": _pad([sample.rendered.labels for sample in samples], IGNORE, length),
        }

    def _empty(self) -> dict[str, Any]:
        one = torch.ones(1, 1, dtype=torch.long)
        ids, labels = one * self._padding, one * IGNORE
        return {"input_ids": ids, "attention_mask": one, "labels": labels}

    def _packed(self, rows: Sequence[PackedRow]) -> dict[str, Any]:
        ids, labels, positions = [], [], []
        for row in rows:
            rendered = [item.rendered for item in row.samples if isinstance(item, Sample)]
            # The first token of a sample is not a label for the last one of the previous sample.
            targets = [label for one in rendered for label in (IGNORE, *one.labels[1:])]
            used = [position for one in rendered for position in range(len(one.ids))]
            ids.append([token for one in rendered for token in one.ids])
            labels.append(targets)
            positions.append([*used, *range(row.num_tokens - len(used))])
        length = rows[0].num_tokens
        assert all(len(row) == length for row in positions), (
            "the samples of a row exceed its length"
        )
        return {
            "input_ids": _pad(ids, self._padding, length),
            "position_ids": torch.tensor(positions),
            "labels": _pad(labels, IGNORE, length),
        }

    def _visual(self, samples: Sequence[Sample]) -> dict[str, Any]:
        rendered = [sample.rendered for sample in samples]
        frames = [clip for item in rendered for clip in item.frames]
        if not frames:
            return {}
        batch: dict[str, Any] = {
            "pixel_values": self.processor.pixel_values(np.concatenate(frames)),
            "clip_frames": torch.tensor([n for item in rendered for n in item.clip_frames]),
            "clip_looks": torch.tensor([n for item in rendered for n in item.clip_looks]),
            "timesteps": torch.tensor([t for item in rendered for t in item.timesteps]),
            "looks": [sum(item.clip_looks) for item in rendered],
        }
        if any(sample.targets is not None for sample in samples):
            batch["targets"] = [sample.targets for sample in samples]
        if extra := _extra(samples):
            batch["extra"] = extra
        return batch

    @property
    def _padding(self) -> int:
        return self.processor.tokenizer.pad_token_id or 0


def _extra(samples: Sequence[Sample]) -> dict[str, tuple[Tensor, Tensor]]:
    """Backbone outputs to override: name -> (frames of the batch [n], values [n, ...])."""
    frames: dict[str, list[int]] = {}
    values: dict[str, list[Tensor]] = {}
    start = 0
    for sample in samples:
        for name, by_frame in sample.extra.items():
            for frame, value in by_frame.items():
                frames.setdefault(name, []).append(start + frame)
                values.setdefault(name, []).append(torch.from_numpy(value))
        start += sum(sample.rendered.clip_frames)
    return {
        name: (torch.tensor(frames[name]), torch.stack(values[name]).float()) for name in frames
    }


def _pad(rows: Sequence[Sequence[int]], value: int, length: int) -> Tensor:
    """Pads rows of different lengths on the right to [B, length]."""
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])
