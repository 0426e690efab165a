"""The peak memory of a process."""

import resource
from pathlib import Path


def peak_bytes() -> int:
    """Returns the peak of this process alone; on Linux, ru_maxrss may be that of its parent."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
