"""A GGUF file holds the very weights of the model, in the names and the order of llama.cpp."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf_maker import KINDS, assistant_folder, tiny_language_model
from transformers import AutoModelForCausalLM, GgufConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from vlm.llamacpp import library
from vlm.llamacpp.folder import GGUF, gguf_folder, load_gguf_folder
from vlm.llamacpp.options import TYPES
from vlm.llamacpp.tensors import llama3_factors, metadata, permute
from vlm.llamacpp.text import GGUFEmbedding
from vlm.llamacpp.write import BITS, write_gguf
from vlm.weights import sources
from vlm.weights.io.files import WeightsError


@pytest.mark.parametrize("kind", ["SmolLM2", "Qwen2.5", "Qwen3"])
def test_transformers_reads_the_file_as_the_same_model(kind: str, tmp_path: Path) -> None:
    # transformers' reader of Qwen3 knows no other width.
    model = tiny_language_model(kind, **({"head_dim": 128} if kind == "Qwen3" else {}))
    write_gguf(model, tmp_path / "m.gguf", "f32")
    read = AutoModelForCausalLM.from_pretrained(
        tmp_path,
        gguf_file="m.gguf",
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    expected = model.state_dict()
    assert read.state_dict().keys() == expected.keys()
    for name, tensor in read.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_rotary_channels_of_a_head_become_neighbors() -> None:
    rows = torch.arange(8)[:, None]  # two heads of four channels
    assert permute(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_factors_of_llama_3_are_those_of_transformers() -> None:
    config = tiny_language_model("Llama 3").config
    stretched, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    dim = config.head_dim
    plain = config.rope_parameters["rope_theta"] ** -(torch.arange(0, dim, 2) / dim)
    factors = llama3_factors(config)
    assert factors is not None
    assert len(set(factors.tolist())) > 2, "equal factors would prove little"
    torch.testing.assert_close(plain / factors, stretched)


@pytest.mark.parametrize(("kind", "largest"), [("f32", 0), ("bf16", 0.01), ("q8_0", 0.01)])
def test_embeddings_are_read_as_llama_cpp_reads_them(
    kind: str, largest: float, tmp_path: Path
) -> None:
    model = tiny_language_model("Qwen2.5")
    write_gguf(model, tmp_path / "m.gguf", kind)
    ids = torch.tensor([[5, 3, 5, 95]])
    found = GGUFEmbedding(tmp_path / "m.gguf")(ids)
    expected = model.get_input_embeddings()(ids)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= largest * expected.abs().max()
    assert torch.equal(found[0, 0], found[0, 2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0}}, "yarn"),
        ({"hidden_act": "gelu"}, "hidden_act = gelu"),
        ({"mlp_bias": True}, "mlp_bias = True"),
    ],
)
def test_a_model_that_llama_cpp_would_compute_otherwise_is_refused(
    changes: dict, words: str, tmp_path: Path
) -> None:
    model = tiny_language_model("SmolLM2", **changes)
    with pytest.raises(WeightsError, match=words):
        write_gguf(model, tmp_path / "m.gguf", "f32")


def test_a_language_model_of_another_kind_is_refused() -> None:
    config = tiny_language_model("SmolLM2").config
    config.model_type = "gemma3_text"
    with pytest.raises(WeightsError, match="not gemma3_text; use --engine torch"):
        metadata(config)


def test_the_folder_has_the_whole_model_and_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    source = assistant_folder(tmp_path / "tiny")
    said: list[str] = []
    folder = gguf_folder(source, "f16", notify=said.append)
    assert gguf_folder(source, "f16", notify=said.append) == folder
    assert said == [f"Writing the language model of {source} as f16 (once) ..."]
    whole, processor = sources.load(source, torch.float32)
    model, its_processor = load_gguf_folder(folder, torch.float32)
    parts = {n: t for n, t in whole.state_dict().items() if not n.startswith("language_model.")}
    assert model.state_dict().keys() == parts.keys()
    assert all(torch.equal(t, parts[n]) for n, t in model.state_dict().items())
    text = "<|im_start|>What is it?"
    assert its_processor.tokenizer.encode(text) == processor.tokenizer.encode(text)
    ids = torch.tensor([[7, 509]])
    near = model.get_input_embeddings()(ids) - whole.get_input_embeddings()(ids)
    assert near.abs().max() < 1e-3


def test_a_folder_without_its_vision_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    folder = gguf_folder(assistant_folder(tmp_path / "tiny"), "f32", tmp_path / "out")
    with pytest.raises(WeightsError, match="holds a GGUF file already"):
        gguf_folder(folder, "q8_0")
    other = np.zeros((2, 2), np.float32)
    from vlm.weights.io.files import write_safetensors

    write_safetensors({"tower.wrong": torch.from_numpy(other)}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match="unexpected: tower.wrong"):
        load_gguf_folder(folder, torch.float32)
    with pytest.raises(WeightsError, match="--type is q3; it must be one of"):
        gguf_folder(folder, "q3")
    assert (folder / GGUF).is_file()


def test_without_the_package_one_sentence_names_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    library.library.cache_clear()
    with pytest.raises(ValueError, match="pip install llama-cpp-python"):
        library.library()


def test_the_options_offer_every_type_and_all_kinds_are_tried() -> None:
    assert set(TYPES) == set(BITS)
    assert {kind["model_type"] for kind in KINDS.values()} == {"llama", "qwen2", "qwen3"}
