"""What every test gets: one thread, no network, no test that needs what this machine lacks."""

import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before torch is imported by anyone. One thread each, since a test's tensors are tiny.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

# The same examples in every run, however slow: `--hypothesis-profile default` draws others.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        _share_a_worker(item)
    gpu_tests = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_tests:
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_tests:
            item.add_marker(pytest.mark.skip(reason="there is no accelerator here"))


def _share_a_worker(item: pytest.Item) -> None:
    """Keeps a file's tests together, for their fixtures; of browsers only one runs at a time."""
    browser = item.get_closest_marker("browser") is not None
    item.add_marker(pytest.mark.xdist_group("browser" if browser else str(item.path)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Gives each test the same random numbers, whichever tests ran before it in this process."""
    random.seed(0)
    for name, seed in (("numpy.random", "seed"), ("torch", "manual_seed")):
        if name in sys.modules:
            getattr(sys.modules[name], seed)(0)


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computes and stores as on a processor without bfloat16: equal to rounding needs float32."""
    monkeypatch.setattr("vlm.fit.hardware.cpu_multiplies_bfloat16", lambda: False)


@pytest.fixture(scope="session")
def embedded_folder() -> Path:
    """The assembled embedded model; the test is skipped where it or its base is not there."""
    from vlm.weights import shipped
    from vlm.weights.io.files import WeightsError

    try:
        return shipped.assembled_folder()
    except WeightsError as error:
        pytest.skip(str(error))
