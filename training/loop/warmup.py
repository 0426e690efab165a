"""Warm-up that starts above zero.

transformers multiplies the rate of step s, counted from 0, by s / W during a warm-up of W steps, so
that the first step changes nothing. Here it is (s + 1) / W: the first step has 1 / W of the rate,
and W = 1 means no warm-up. After the warm-up the schedule is transformers' own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch.optim.lr_scheduler import LambdaLR


def start_above_zero(scheduler: Any, num_warmup_steps: int) -> None:
    """Shifts the warm-up of a schedule that has not started yet."""
    if not isinstance(scheduler, LambdaLR):
        return  # DeepSpeed's own
    scheduler.lr_lambdas = [
        partial(_rate, schedule, num_warmup_steps) for schedule in scheduler.lr_lambdas
    ]
    rates = [
        base * schedule(0)
        for base, schedule in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    ]
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = rates


def _rate(schedule: Callable[[int], float], num_warmup_steps: int, step: int) -> float:
    """Returns the factor of the rate at a step counted from 0."""
    if step < num_warmup_steps:
        return (step + 1) / num_warmup_steps
    return schedule(step)
