"""The hardware of this machine: devices, its fast number format, free memory."""

import platform
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

GB = 1e9
# A container's limits under cgroups v2 and v1: limit, usage, page cache within the usage.
CGROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat",
     "total_inactive_file"),
)  # fmt: skip


@dataclass(frozen=True)
class DeviceMemory:
    """Memory of one device, in bytes, with its name for messages, as in "on this machine"."""

    name: str
    free: int
    total: int


def best_device() -> torch.device:
    """Returns the first CUDA GPU, else the CPU. Others (mps, xpu) are used only by name."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def checked_device(name: str | torch.device | None) -> torch.device:
    """Returns the device of this name, or the best. Raises ValueError if it does not exist."""
    if name is None:
        return best_device()
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        found = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        if torch.backends.mps.is_available():
            found.append("mps")
        raise ValueError(
            f"--device {name}: there is no such device here; available: {', '.join(found)}."
        ) from error
    return device


def default_dtype(device: torch.device) -> torch.dtype:
    """Returns bfloat16 if the hardware multiplies it; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.bfloat16 if _cuda_multiplies_bfloat16(device) else torch.float16
    if device.type == "mps" and not torch.backends.mps.is_macos_or_newer(14, 0):
        return torch.float16  # older systems have no bfloat16 tensors
    if device.type == "cpu" and not cpu_multiplies_bfloat16():
        return torch.float32
    return torch.bfloat16


def cpu_multiplies_bfloat16() -> bool:
    """Returns whether the CPU has instructions for it (AVX-512 BF16, AMX, Arm's BF16)."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _cuda_multiplies_bfloat16(device: torch.device) -> bool:
    # torch's own is_bf16_supported is also true where bfloat16 is emulated.
    return bool(torch.version.hip) or torch.cuda.get_device_capability(device) >= (8, 0)


def cpu_name() -> str:
    """Returns the CPU's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def memory_of(device: torch.device) -> DeviceMemory:
    """Returns the memory of a device; cpu and mps share the machine's."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return DeviceMemory(f"on {torch.cuda.get_device_name(device)}", free, total)
    machine = psutil.virtual_memory()
    free, total = machine.available, machine.total
    limit = container_limit()
    if limit is not None:
        free, total = min(free, limit.free), min(total, limit.total)
    return DeviceMemory("on this machine", free, total)


def container_limit(root: Path = Path("/sys/fs/cgroup")) -> DeviceMemory | None:
    """Returns the container's limit, None if missing: the machine's own figures ignore it."""
    for limit, used, stat, cached in CGROUPS:
        try:
            total = int((root / limit).read_text())
            free = total - int((root / used).read_text())
            stats = dict(line.split() for line in (root / stat).read_text().splitlines())
        except (OSError, ValueError):  # missing, or "max"
            continue
        return DeviceMemory("in this container", free + int(stats.get(cached, 0)), total)
    return None


def gigabytes(num_bytes: float) -> str:
    """Formats bytes: 1.3 GB, or 0.04 GB below a tenth."""
    digits = 1 if num_bytes >= 0.095 * GB else 2
    return f"{num_bytes / GB:,.{digits}f} GB"
