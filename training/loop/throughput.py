"""Measures the speed of a run and the share of padding in its batches."""

import time
from typing import Any

import torch
from torch import Tensor


class Throughput:
    """Counts batches between two measurements; `totals` counts since the start of the run."""

    def __init__(self) -> None:
        self.totals = {"tokens": 0, "samples": 0}
        self._reset()

    def _reset(self) -> None:
        self._counts: list[Tensor] = []  # of each batch: samples, tokens, positions
        self._start = self._paused = time.perf_counter()

    def pause(self) -> None:
        """Stops the clock until `resume`."""
        self._paused = time.perf_counter()

    def resume(self) -> None:
        self._start += time.perf_counter() - self._paused

    def add(self, inputs: dict[str, Any]) -> None:
        """Counts a batch, by its own counts if it has them (data/samples/collate.py)."""
        ids, mask = inputs.get("input_ids"), inputs.get("attention_mask")
        if isinstance(ids, Tensor) and "num_tokens" in inputs:
            counts = [inputs["num_samples"], inputs["num_tokens"], ids.numel()]
            self._counts.append(torch.tensor(counts))
            return
        if not isinstance(ids, Tensor):
            clips = next(value for value in inputs.values() if isinstance(value, Tensor))
            self._counts.append(torch.tensor([len(clips), 0, 0]))
            return
        tokens = mask.sum() if isinstance(mask, Tensor) and mask.ndim == 2 else ids.numel()
        row = torch.tensor([len(ids), 0, ids.numel()], device=ids.device)
        row[1] = tokens
        self._counts.append(row)

    def measure(self, accelerator: Any) -> dict[str, float]:
        """Speeds and padding since the last measurement, over all processes."""
        seconds = max(time.perf_counter() - self._start, 1e-9)
        if not self._counts:
            return {}
        counts = torch.stack([row.to(accelerator.device) for row in self._counts]).sum(dim=0)
        samples, tokens, positions = accelerator.reduce(counts, reduction="sum").tolist()
        self.totals["tokens"] += tokens
        self.totals["samples"] += samples
        self._reset()
        speeds = {"samples_per_second": samples / seconds}
        if positions:
            speeds["tokens_per_second"] = tokens / seconds
            speeds["padding"] = 1 - tokens / positions
        return speeds
