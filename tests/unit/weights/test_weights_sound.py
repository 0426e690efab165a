"""Weights that would load without an error but compute nonsense are refused in one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import tiny_processor
from torch import Tensor

from vlm.loading import load_folder
from vlm.presets import build_model
from vlm.weights.__main__ import main
from vlm.weights.io.cache import build_atomically
from vlm.weights.io.files import WeightsError

NAME = "language_model.model.layers.0.mlp.up_proj.weight"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "tiny"
    build_model("test").save_pretrained(folder)
    tiny_processor().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(ours: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ours, tmp_path / "model"))


def edit(folder: Path, change: Callable[[Tensor], Tensor]) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors[NAME] = change(tensors[NAME])
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def put(value: float) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        tensor[3, 5] = value
        return tensor

    return change


def flipped(tensor: Tensor) -> Tensor:
    """The highest bit of one exponent."""
    assert abs(float(tensor[0, 0])) < 1
    tensor.view(torch.int32)[0, 0] ^= 1 << 30
    return tensor


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (put(float("nan")), f"the tensor {NAME} holds NaN"),
        (put(float("inf")), f"the tensor {NAME} holds inf"),
        (put(float("-inf")), f"the tensor {NAME} holds -inf"),
        (flipped, rf"the tensor {NAME} holds -?\d\.\d+e\+3\d"),
        (lambda t: (100 * t).to(torch.int8), rf"not floating-point .* {NAME} \(I8\)"),
        (lambda t: t.to(torch.int64), rf"not floating-point .* {NAME} \(I64\)"),
        (lambda t: t.to(torch.float8_e4m3fn), rf"not floating-point .* {NAME} \(F8_E4M3\)"),
    ],
    ids=["NaN", "inf", "-inf", "flipped bit", "int8", "int64", "float8"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_that_compute_nonsense_are_refused_by_name(
    folder: Path, change: Callable[[Tensor], Tensor], sentence: str, dtype: torch.dtype
) -> None:
    edit(folder, change)
    with pytest.raises(WeightsError, match=sentence) as error:
        load_folder(folder, dtype, "cpu")
    assert str(error.value).startswith(f"{folder}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_any_floating_point_format_load(folder: Path, dtype: torch.dtype) -> None:
    edit(folder, lambda tensor: tensor.to(dtype))
    assert load_folder(folder, torch.float32, "cpu")[0].num_parameters() > 0


@pytest.mark.parametrize("bit", [0, 12, 22])
def test_a_flipped_bit_is_found_by_the_checksum_of_a_folder_with_a_manifest(
    ours: Path, tmp_path: Path, bit: int
) -> None:
    folder = tmp_path / "trained"
    build_atomically(folder, {}, lambda made: shutil.copytree(ours, made, dirs_exist_ok=True))
    load_folder(folder, torch.float32, "cpu")
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-4 + bit // 8] ^= 1 << bit % 8
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(WeightsError, match=r"model\.safetensors: the file changed since it was"):
        load_folder(folder, torch.float32, "cpu")
    (folder / "manifest.json").unlink()
    load_folder(folder, torch.float32, "cpu")


@pytest.mark.parametrize("broken", ["tokenizer", "processor", "int8"])
def test_inspect_reports_what_loading_would_refuse(
    folder: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    assert main(["inspect", str(folder)]) == 0
    assert "Everything fits" in capsys.readouterr().out
    if broken == "int8":
        edit(folder, lambda tensor: tensor.to(torch.int8))
    else:
        for path in folder.glob(f"{broken}*"):
            path.unlink()
    assert main(["inspect", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "Everything fits" not in out
    expected = f"not floating-point: {NAME} (I8)" if broken == "int8" else "cannot be read"
    assert expected in out.split("Problems")[1]
