"""Deleting an encoder's file and its lines in the table removes it whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vlm.encoders import ENCODERS

ROOT = Path(__file__).parents[3]
REMOVED = ("timesformer", "vtn", "video-swin")


def test_three_encoders_can_be_removed_from_a_copy(tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(ROOT / "vlm", tmp_path / "vlm", ignore=left_out)
    table = tmp_path / "vlm/encoders/__init__.py"
    lines = table.read_text(encoding="utf-8").splitlines()
    for name in REMOVED:
        encoder = ENCODERS[name]
        (tmp_path / f"{encoder.__module__.replace('.', '/')}.py").unlink()
        lines = [line for line in lines if encoder.__name__ not in line]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    listing = (
        "import torch, vlm.model, vlm.heads.classification, vlm.weights.video_models.read\n"
        "from vlm.encoders import ENCODERS, PRESETS, build_tower\n"
        "from vlm.encoders.table import chosen\n"
        "assert len(chosen([], every=False)) == len(ENCODERS)\n"
        "with torch.device('meta'):\n"
        "    [build_tower(p.tower) for n, p in PRESETS.items() if n.endswith('-test')]\n"
        "print(*PRESETS)"
    )
    run = subprocess.run(
        [sys.executable, "-c", listing],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    presets = run.stdout.split()
    assert not [name for name in presets if name.startswith(REMOVED)]
    kept = {n for key, e in ENCODERS.items() if key not in REMOVED for n in e.presets}
    assert set(presets) == kept


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_has_one_module_of_its_own(name: str) -> None:
    modules = [encoder.__module__ for encoder in ENCODERS.values()]
    assert modules.count(ENCODERS[name].__module__) == 1
