"""FSDP2 on CPU processes, which accelerate offers on accelerators only.

PyTorch shards over gloo as over any other backend. With it, what is proved on two CPU processes
(tests/e2e/test_training_processes.py) takes the same path as a run on many GPUs.
"""

import os
from typing import Any

from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin


def shard_on_cpus(accelerator: Any) -> bool:
    """Turn sharding on where accelerate's config asks for it and the processes are CPUs."""
    asked = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if not asked or accelerator.state.distributed_type != DistributedType.MULTI_CPU:
        return False
    plugin = FullyShardedDataParallelPlugin()
    if plugin.fsdp_version != 2:
        raise ValueError("on CPUs only FSDP2 is supported: set fsdp_version to 2")
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = plugin
    return True
