"""The most memory that a process has held."""

import resource
from pathlib import Path


def peak_bytes() -> int:
    """Of this process alone. Linux's ru_maxrss would be its parent's, if larger."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
