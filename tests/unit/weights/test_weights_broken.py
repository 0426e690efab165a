"""Every kind of wrong or broken release raises an error of one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from published_maker import VISION, change, tensors_of_file, write_published
from safetensors.torch import save_file

from vlm.weights.io.files import WeightsError
from vlm.weights.io.shards import INDEX
from vlm.weights.pvc.convert import convert
from vlm.weights.pvc.published import load_published, open_published


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "PVC-InternVL2-tiny"
    write_published(folder)
    return folder


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    """A copy that may be broken."""
    return Path(shutil.copytree(release, tmp_path / "PVC"))


def config(**values: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / "config.json", lambda c: c.update(values))


def llm(**values: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / "config.json", lambda c: c["llm_config"].update(values))


def vision(**values: object) -> Callable[[Path], None]:
    return config(vision_config=VISION | values)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def content(name: str, data: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


def only(kind: str) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        for path in folder.glob("model*"):
            path.unlink()
        (folder / f"pytorch_model{kind}").write_bytes(b"\x80\x02cos\nsystem\n")

    return replace


def edit(action: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        path, tensors = tensors_of_file(folder)
        action(tensors)
        save_file(tensors, path, {"format": "pt"})
        (folder / INDEX).unlink()
        both = {**tensors, **tensors_of_file(folder, 2)[1]}
        save_file(both, folder / "model.safetensors")

    return rewrite


FIRST = "model-00001-of-00002.safetensors"
QKV = "vision_model.encoder.layers.0.attn.qkv.weight"
WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (without("config.json"), "config.json: the file is missing"),
    "config is a page": (content("config.json", b"<!DOCTYPE html>"), "web page"),
    "config is a pointer": (content("config.json", b"version https://git-lfs"), "Git LFS"),
    "config is cut": (content("config.json", b'{"model_type": "pvc_'), "truncated or damaged"),
    "config is a list": (content("config.json", b"[]"), "not a config"),
    "config is deep": (content("config.json", b"[" * 100_000), "truncated or damaged"),
    "other model": (config(model_type="llava"), "model_type must be pvc_internvl"),
    "size is text": (vision(hidden_size="1024"), "vision_config.hidden_size must be a whole"),
    "size is true": (vision(hidden_size=True), "vision_config.hidden_size must be a whole"),
    "size is absurd": (vision(hidden_size=10**9), "vision_config.hidden_size must be a whole"),
    "layers are absurd": (llm(num_hidden_layers=10**6), "num_hidden_layers must be a whole"),
    "no vision": (config(vision_config=None), "vision_config is missing"),
    "vision is a list": (config(vision_config=[1]), "vision_config must be an object"),
    "other norm": (vision(norm_type="rms_norm"), "norm_type must be layer_norm"),
    "odd heads": (vision(num_attention_heads=3), "a multiple of its 3 heads"),
    "odd patches": (vision(patch_size=5), "a multiple of its patches of 5 px"),
    "odd factor": (config(downsample_ratio=0.3), "one over a divisor of 8 patches"),
    "other shuffle": (config(ps_version="v1"), "ps_version must be v2"),
    "other template": (config(template="Hermes-2"), "template must be internlm2-chat"),
    "other language model": (llm(architectures=["Qwen2ForCausalLM"]), "InternLM2ForCausalLM"),
    "other scaling": (
        llm(rope_scaling={"type": "yarn"}),
        "rope_scaling.type must be dynamic",
    ),
    "odd groups": (llm(num_key_value_heads=3), "a multiple of 3"),
    "small vocabulary": (llm(vocab_size=100), "the tokenizer has 429 tokens and the language"),
    "other sizes": (llm(intermediate_size=28), r"wrong shape: .*feed_forward.w1.weight"),
    "other groups": (llm(num_key_value_heads=4), r"wrong shape: .*wqkv.weight \[32, 16\]"),
    "no tokenizer": (without("tokenizer.model"), "tokenizer.model: the file is missing"),
    "no markup": (without("added_tokens.json"), ""),
    "a shard is missing": (without(FIRST), "1 of 2 weight files are missing: model-00001"),
    "a shard is a pointer": (content(FIRST, b"version https://git-lfs"), "Git LFS pointer"),
    "a shard is a page": (content(FIRST, b"<html>"), "web page"),
    "a shard is empty": (content(FIRST, b""), "empty"),
    "a shard is a pickle": (content(FIRST, b"PK\x03\x04"), "pickle under another name"),
    "a shard is cut": (
        lambda f: (f / FIRST).write_bytes((f / FIRST).read_bytes()[:-9]),
        "truncated or damaged",
    ),
    "a shard is twice the same": (
        lambda f: shutil.copy(f / FIRST, f / FIRST.replace("-00001-", "-00002-")),
        "is also in model-00001-of-00002.safetensors",
    ),
    "index is no json": (content(INDEX, b"{"), "truncated or damaged"),
    "index is empty": (content(INDEX, b"{}"), "truncated or damaged"),
    "index leads out": (
        content(INDEX, b'{"weight_map": {"a": "../x.safetensors"}}'),
        "files of the same folder",
    ),
    "index names a pickle": (
        content(INDEX, b'{"weight_map": {"a": "x.bin"}}'),
        "safetensors files",
    ),
    "index is of another": (
        lambda f: change(f / INDEX, lambda i: i["weight_map"].update(other=FIRST)),
        "not in the files that the index names: other",
    ),
    "no index": (without(INDEX), "neither model.safetensors nor"),
    "only .bin": (only(".bin"), "pickles .pytorch_model.bin., which can run code"),
    "only .pth": (only(".pth"), "pickles"),
    "a tensor is missing": (edit(lambda t: t.pop(QKV)), f"missing: {QKV}; unexpected: none"),
    "a tensor too many": (edit(lambda t: t.update(x=torch.ones(1))), "unexpected: x; wrong shape"),
    "a tensor is mismatched": (
        edit(lambda t: t.update({QKV: torch.ones(25, 8)})),
        rf"wrong shape: {QKV} \[25, 8\] for tower",
    ),
    "quantised": (
        edit(lambda t: t.update({QKV: torch.ones(24, 8, dtype=torch.int8)})),
        "stored as I8",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_or_broken_checkpoint_is_one_sentence(folder: Path, name: str) -> None:
    breaking, sentence = WRONG[name]
    breaking(folder)
    if name == "no markup":  # tokenizer_config.json has it too
        open_published(folder).fit.require(folder)
        return
    with pytest.raises(WeightsError, match=sentence) as error:
        load_published(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
    with pytest.raises(WeightsError):
        convert(folder, folder.parent / "ours")
    assert not (folder.parent / "ours").exists()
