"""A published folder, opened: its config and its names as ours, its weights not yet read.

opened = open_internvl(folder)          # a family's function
opened.fit.require(folder)              # every tensor has its place
model, processor = opened.load(torch.bfloat16)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Fit, Rule, fit_rules, rename
from vlm.weights.io.schema import JsonObject
from vlm.weights.io.shapes import model_shapes
from vlm.weights.io.shards import Shards, saved_dtype
from vlm.weights.language.causal_lm import FILE_KEYS, UNREADABLE

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import GenerationConfig, PreTrainedTokenizerBase

    from vlm.config import PVCConfig
    from vlm.model import PVCForConditionalGeneration
    from vlm.processor import PVCProcessor

TEXT = "language_model."
GENERATION = "generation_config.json"


@dataclass(frozen=True)
class Opened:
    """A published folder as our config, with the place of each of its tensors."""

    folder: Path
    config: PVCConfig
    tokenizer: PreTrainedTokenizerBase
    shards: Shards
    fit: Fit

    @classmethod
    def of(
        cls,
        folder: Path,
        config: PVCConfig,
        tokenizer: PreTrainedTokenizerBase,
        shards: Shards,
        rules: Iterable[Rule],
        drop: tuple[str, ...] = (),
    ) -> Opened:
        """Matches the rules with the file and the model; `drop` lists tensors of no use."""
        config.dtype = saved_dtype(shards)
        text: Any = config.text_config
        tokenizer.model_max_length = text.max_position_embeddings
        fit = fit_rules(rules, shards.shapes, model_shapes(config), drop)
        return cls(folder, config, tokenizer, shards, fit)

    def load(
        self, dtype: torch.dtype | None = None, **options: Any
    ) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
        """Loads the model and its processor; `options` go to from_pretrained.

        A tensor that is only renamed stays memory-mapped until it is converted to `dtype`.
        """
        from vlm.model import PVCForConditionalGeneration

        self.fit.require(self.folder)
        tensors: dict[str, Tensor] = {}
        for rule in self.fit.rules:
            tensors |= rule.apply(self.shards.get)
        model = PVCForConditionalGeneration.from_pretrained(
            None,
            config=self.config,
            state_dict=tensors,
            dtype=dtype or self.config.dtype,
            **{"attn_implementation": "sdpa", **options},
        )
        model.generation_config = self.generation()
        self.shards.close()
        return model, self.processor()

    def processor(self) -> PVCProcessor:
        from vlm.processor import PVCProcessor

        return PVCProcessor.from_config(self.config, self.tokenizer)

    def generation(self) -> GenerationConfig:
        """The folder's own generation settings; without a file, the ids of its tokenizer."""
        return generation_settings(self.folder, self.tokenizer)


def generation_settings(folder: Path, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """Reads generation_config.json; what it leaves out is as in transformers: greedy, no penalty.

    Without the file, the ids come from the tokenizer. Raises WeightsError.
    """
    from transformers import GenerationConfig

    if (folder / GENERATION).is_file():
        try:
            found = GenerationConfig.from_pretrained(folder, local_files_only=True)
        except UNREADABLE as error:
            raise WeightsError(
                f"{folder / GENERATION}: transformers cannot read it ({error})."
            ) from error
    else:
        found = GenerationConfig(
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    if found.repetition_penalty is None:
        found.repetition_penalty = 1.0
    return found


def under(prefix: str, rules: Iterable[Rule]) -> list[Rule]:
    """Puts a prefix in front of every target."""
    return [replace(rule, targets=tuple(prefix + name for name in rule.targets)) for rule in rules]


def text_fields(given: JsonObject, known: Iterable[str]) -> dict[str, Any]:
    """Returns the fields of a language model's config, without those that describe its file.

    Raises WeightsError unless its model_type is in `known`.
    """
    kind = given.text("model_type")
    if kind not in known:
        raise given.wrong("model_type", "a language model of transformers")
    return {
        name: value
        for name, value in given.values.items()
        if name not in FILE_KEYS and not name.startswith("_")
    }


def language_rules(config: PVCConfig, body: str, head: str) -> list[Rule]:
    """Returns the rules of a language model that is only stored under other prefixes.

    `body` and `head` are the prefixes of its layers and of its head in the file.
    """
    rules: list[Rule] = []
    for ours in model_shapes(config):
        if not ours.startswith(TEXT):
            continue
        name = ours.removeprefix(TEXT)
        inner = name.removeprefix("model.")
        rules += rename(body + inner if inner != name else head + name, ours)
    return rules


def found_prefix(shapes: Mapping[str, Any], ending: str, where: Path) -> str:
    """Returns what stands before the one tensor with this ending. Raises WeightsError."""
    found = [name.removesuffix(ending) for name in shapes if name.endswith(ending)]
    if len(found) != 1:
        raise WeightsError(
            f"{where}: exactly one tensor must end in {ending}, but {len(found)} do."
            " Download the folder again."
        )
    return found[0]
