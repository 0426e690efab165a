"""The published 8B model at its full size, by names and shapes alone: no tensor has memory."""

import json

import pytest

from vlm.config import PVCConfig
from vlm.presets import preset_config
from vlm.weights.io.rename import Shape, fit_rules
from vlm.weights.io.shapes import model_shapes
from vlm.weights.pvc.convert import file_groups
from vlm.weights.pvc.names import pvc_rules

SHARD_LIMIT = 5_000_000_000  # bytes, of the release's files
SHARDS = (4.89, 5.00, 4.92, 4.29)  # GB, as published
INTERNVL2_8B = 8_075_365_376  # parameters of the model PVC starts from
INTERNVL2_TENSORS = 573


@pytest.fixture(scope="module")
def config() -> PVCConfig:
    return preset_config("pvc-internvl2-8b")


@pytest.fixture(scope="module")
def wanted(config: PVCConfig) -> dict[str, Shape]:
    return model_shapes(config)


@pytest.fixture(scope="module")
def release(config: PVCConfig, wanted: dict[str, Shape]) -> dict[str, Shape]:
    """The release's tensors in the order of its state dict, as the table names them."""
    shapes = {}
    for rule in pvc_rules(config, {}):
        if rule.sources[0].endswith("wqkv.weight"):
            rows = sum(wanted[name][0] for name in rule.targets)
            shapes[rule.sources[0]] = (rows, 4096)
        else:
            shapes[rule.sources[0]] = wanted[rule.targets[0]]
    return shapes


def size(shape: Shape) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


def greedy_shards(shapes: dict[str, Shape]) -> list[int]:
    """Bytes of each file: tensors in order, a new file when the next one would be too much."""
    files = [0]
    for shape in shapes.values():
        if files[-1] + 2 * size(shape) > SHARD_LIMIT:
            files.append(0)
        files[-1] += 2 * size(shape)
    return files


def test_the_table_of_names_fits_the_full_size_model(
    config: PVCConfig, wanted: dict[str, Shape], release: dict[str, Shape]
) -> None:
    fit_rules(pvc_rules(config, {}), release, wanted).require("the full-size model")
    assert release["language_model.model.layers.31.attention.wqkv.weight"] == (6144, 4096)
    assert release["vision_model.encoder.layers.23.temporal_attn.qkv.weight"] == (3072, 1024)
    assert release["mlp1.0.gamma.0.weight"] == (16384, 16384)


def test_it_has_9_55_billion_parameters_and_148_tensors_that_internvl2_lacks(
    release: dict[str, Shape],
) -> None:
    numbers = sum(size(shape) for shape in release.values())
    assert numbers / 1e9 == pytest.approx(9.55, abs=0.005)
    # AdaLN stands where mlp1 had a LayerNorm, so InternVL2's weight and bias of that are gone.
    assert len(release) == INTERNVL2_TENSORS - 2 + 148
    added = [
        n for n in release if any(part in n for part in ("temporal_", "t_emb", "alpha", "mlp1.0"))
    ]
    assert len(added) == 148 == 8 * 17 + 12


def test_the_tensors_that_pvc_adds_are_in_the_files_that_their_sizes_imply(
    release: dict[str, Shape],
) -> None:
    """Without it, and with InternVL2's mlp1, the table's model is InternVL2-8B to the parameter."""
    base = {
        name: shape
        for name, shape in release.items()
        if not name.startswith("mlp1.")
        and not any(part in name for part in ("temporal_", "t_embedder", "alpha"))
    }
    base |= {"mlp1.0.weight": (4096,), "mlp1.0.bias": (4096,)}
    for n in (1, 3):
        base |= {f"mlp1.{n}.weight": (4096, 4096), f"mlp1.{n}.bias": (4096,)}
    assert len(base) == INTERNVL2_TENSORS
    assert sum(size(shape) for shape in base.values()) == INTERNVL2_8B
    assert [round(file / 1e9, 2) for file in greedy_shards(base)] == [4.94, 4.92, 4.92, 1.38]


def test_files_of_five_gigabytes_have_the_four_published_sizes(
    release: dict[str, Shape],
) -> None:
    files = greedy_shards(release)
    assert [round(file / 1e9, 2) for file in files] == list(SHARDS)


def test_an_index_with_these_names_is_as_long_as_the_published_one(
    release: dict[str, Shape],
) -> None:
    """65.4 kB, so the guessed names are not far from the true ones in length."""
    files, number, filled = {}, 1, 0
    for name, shape in release.items():
        if filled + 2 * size(shape) > SHARD_LIMIT:
            number, filled = number + 1, 0
        filled += 2 * size(shape)
        files[name] = f"model-{number:05}-of-00004.safetensors"
    total = sum(2 * size(shape) for shape in release.values())
    index = {"metadata": {"total_size": total}, "weight_map": files}
    written = json.dumps(index, indent=2, sort_keys=True) + "\n"
    assert len(written) / 1000 == pytest.approx(65.4, rel=0.01)


def test_converted_files_have_at_most_a_gigabyte(
    config: PVCConfig, release: dict[str, Shape]
) -> None:
    groups = list(
        file_groups(tuple(pvc_rules(config, {})), release, dict.fromkeys(release, "BF16"))
    )
    sizes = [sum(2 * size(release[s]) for rule in group for s in rule.sources) for group in groups]
    assert max(sizes) <= 1 << 30
    assert sum(sizes) == sum(2 * size(shape) for shape in release.values())
