"""Loads the initial model of a run: an existing one, or the embedded preset on its base weights.

`fresh_embedded` assembles the embedded model before any training: SmolLM2-135M-Instruct and
EfficientNet-Lite2 with their published weights, fresh layers in between, and class word embeddings
set to the mean embedding of the tokens of each class name.
"""

from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from training.recipe import Recipe
from vlm.assemble.swap import with_encoder
from vlm.classifier_words import class_words
from vlm.loading import default_dtype
from vlm.model import PVCForConditionalGeneration
from vlm.presets import PRESETS, preset_config
from vlm.processor import PVCProcessor
from vlm.weights import sources
from vlm.weights.base_models import backbone_tensors, efficientnet_lite2, smollm2


def load_initial_model(
    name: str, seed: int = 0, dtype: torch.dtype | None = None
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """A model and its processor: "embedded" fresh on its base weights, "embedded-trained" as
    shipped with the repository, or the model of any folder.

    `dtype` is the dtype of the language model; None picks what this machine multiplies fast.
    Everything else is float32.
    """
    dtype = dtype or language_dtype()
    if name == "embedded":
        return fresh_embedded(seed, dtype)
    folder, attention = model_folder(name), attention_implementation()
    model, processor = sources.load(folder, torch.float32, attn_implementation=attention)
    model.language_model.to(dtype)
    return model, processor


def model_of(
    recipe: Recipe, dtype: torch.dtype | None = None
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """The model of a recipe before any training; `encoder` replaces its tower and compressor."""
    model, processor = load_initial_model(recipe.model, recipe.seed, dtype)
    if not recipe.encoder:
        return model, processor
    return with_encoder(model, processor, recipe.encoder, recipe.encoder_weights, recipe.seed)


def model_folder(name: str) -> Path:
    """Returns the folder of an existing model. Raises ValueError for a preset without weights."""
    if name in PRESETS and name not in ("embedded", "embedded-trained"):
        raise ValueError(
            f"`model: {name}` is a preset without weights, which is enough for --dry-run; "
            "to train, give a folder that python -m vlm.assemble wrote"
        )
    return sources.resolve(sources.EMBEDDED if name == "embedded-trained" else name)


def language_dtype() -> torch.dtype:
    """bfloat16 if the hardware multiplies it, else float32: float16 would need loss scaling."""
    dtype = default_dtype(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    return torch.bfloat16 if dtype == torch.bfloat16 else torch.float32


def stored_dtype(name: str) -> torch.dtype:
    """Returns the dtype that a model's language model is stored in, before and after training."""
    if name == "embedded":
        return torch.bfloat16
    stored = sources.config_of(model_folder(name)).dtype
    return stored if stored in (torch.bfloat16, torch.float16) else torch.float32


def attention_implementation() -> str:
    """Fused kernels on a GPU; on a CPU the plain implementation is as fast."""
    return "sdpa" if torch.cuda.is_available() else "eager"


def fresh_embedded(
    seed: int = 0, dtype: torch.dtype = torch.bfloat16
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Returns the embedded preset on its base weights, with all other layers untrained."""
    base = smollm2()
    config, attention = preset_config("embedded"), attention_implementation()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PVCForConditionalGeneration._from_config(config, attn_implementation=attention)
    language_model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype)
    model.language_model.to(dtype).load_state_dict(language_model.state_dict())
    model.tower.backbone.load_state_dict(backbone_tensors(efficientnet_lite2()))
    tokenizer = AutoTokenizer.from_pretrained(base)
    words = class_words(model)
    assert words is not None
    with torch.no_grad():
        embeddings = model.get_input_embeddings().weight.float()
        words.words.weight.copy_(concept_words(tokenizer, embeddings))
        # The compressor's output starts small relative to the class words.
        model.compressor.mlp.fc2.weight.mul_(0.3)
    return model, PVCProcessor.from_config(config, tokenizer)


def concept_words(tokenizer: PreTrainedTokenizerBase, embeddings: Tensor) -> Tensor:
    """[K, D]: the mean embedding of the tokens of each ImageNet class's name."""
    from data.synthetic.language.imagenet_names import imagenet_classes

    rows = []
    for kind in imagenet_classes():
        ids = tokenizer.encode(" " + kind.name, add_special_tokens=False)
        rows.append(embeddings[ids].mean(dim=0))
    return torch.stack(rows)
