"""Full tensors from the shards of DeepSpeed's ZeRO-2, for full_tensors.py alone.

ZeRO keeps float32 weights and optimizer states of flat buffers that hold many parameters;
DeepSpeed's functions find a parameter in them. All are collective: every process calls them in the
same order. Whatever this project needs of DeepSpeed's private interface is in this file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq")


def is_sharded(parameter: Tensor) -> bool:
    """Returns whether DeepSpeed holds the float32 copy of a parameter in shards."""
    return hasattr(parameter, "_hp_mapping")


def full_parameter(parameter: Tensor) -> Tensor:
    """Returns the full float32 copy."""
    from deepspeed.utils import safe_get_full_fp32_param

    return safe_get_full_fp32_param(parameter)


def fill_parameter(parameter: Tensor, value: Tensor) -> None:
    """Sets the compute copy and the float32 copy."""
    from deepspeed.utils import safe_set_full_fp32_param

    parameter.data.copy_(value)
    safe_set_full_fp32_param(parameter, value.to(parameter.device, torch.float32))


def named_states(optimizer: Any, named: Mapping[str, nn.Parameter]) -> Iterator[tuple[str, Tensor]]:
    """`parameter:state` and the full tensor: both moments of Adam, and the shared step."""
    from deepspeed.utils import safe_get_full_optimizer_state

    states = _linked_states(optimizer)
    steps = [state["step"] for state in states if "step" in state]
    for name, parameter in named.items():
        for key in MOMENTS:
            yield f"{name}:{key}", safe_get_full_optimizer_state(parameter, key)
        yield f"{name}:step", torch.as_tensor(steps[0], dtype=torch.float32).clone()


def fill_states(
    optimizer: Any, named: Mapping[str, nn.Parameter], found: Mapping[str, Tensor]
) -> None:
    from deepspeed.utils import safe_set_full_optimizer_state

    states = _linked_states(optimizer)
    for name, parameter in named.items():
        for key in MOMENTS:
            value = found[f"{name}:{key}"].to(parameter.device)
            safe_set_full_optimizer_state(parameter, value, key)
    step = next(value for name, value in found.items() if name.endswith(":step"))
    for state in states:
        if isinstance(state.get("step"), Tensor):
            state["step"].fill_(float(step))
        elif "step" in state:
            state["step"] = int(step)


def _linked_states(optimizer: Any) -> list[dict[str, Any]]:
    """Adam's states of the flat buffers, with every parameter linked to its place in them.

    DeepSpeed (0.19) links them after the first group's first step, when later groups have no states
    yet; so missing states are created here, and the links made again.
    """
    layers = [optimizer]
    while hasattr(layers[-1], "optimizer"):
        layers.append(layers[-1].optimizer)
    for group in layers[-1].param_groups:
        for flat in group["params"]:
            if not layers[-1].state[flat]:  # it has not stepped yet
                moments = {key: torch.zeros_like(flat) for key in MOMENTS}
                layers[-1].state[flat] = {"step": torch.zeros(()), **moments}
    for layer in layers:
        if hasattr(layer, "_lazy_init_hp_params_optimizer_state"):
            layer._hp_optimizer_states_linked = False
            layer._lazy_init_hp_params_optimizer_state()
    return list(layers[-1].state.values())
