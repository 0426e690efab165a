"""Several processes of a run meet, wait for each other and end cleanly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch.distributed import TCPStore

ROOT = Path(__file__).parents[2]
IN_EACH = """
import contextlib
import os
from evaluation.asking.sharding import Processes
processes = Processes.from_environment()
processes.start()
import torch.distributed.nn.functional  # as transformers does while a model loads
processes.wait()
"""
THREADS = """
processes.end()
names = set()
for number in os.listdir("/proc/self/task"):
    with contextlib.suppress(OSError):  # it ends at this moment
        names.add(open(f"/proc/self/task/{number}/comm").read())
print(names)
"""
ONE_DIES = """
if processes.first:
    os._exit(0)
try:
    processes.wait()
except ValueError as error:
    print(error)
processes.end()
"""


def in_both(script: str) -> list[str]:
    """Runs a script in two processes and returns their outputs."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    both = [
        subprocess.Popen(
            [sys.executable, "-c", IN_EACH + script],
            env={**environment, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    return [out for out, _ in said]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_thread_of_the_connection_outlives_its_end() -> None:
    """Such a thread can abort the interpreter while it finalizes."""
    for out in in_both(THREADS):
        assert "python" in out
        assert "gloo" not in out


def test_a_process_learns_that_another_one_has_died() -> None:
    first, second = in_both(ONE_DIES)
    assert first == ""
    assert second.startswith("another process of this run has ended")
