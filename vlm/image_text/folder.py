"""Reads a folder of AutoModelForImageTextToText: its config, its processor, its model.

No code of the folder runs, no pickle is opened and no network request is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.families.table import FAMILIES
from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import first_few
from vlm.weights.io.schema import read_json_object
from vlm.weights.io.shards import weight_files
from vlm.weights.io.soundness import check_numbers, unchanged
from vlm.weights.language.causal_lm import SAFE, UNREADABLE

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, ProcessorMixin

PARTS = ("tokenizer", "image_processor", "video_processor")  # of a processor, that are known here
VIDEO_SETTINGS = ("video_preprocessor_config.json", "preprocessor_config.json")


def is_image_text(folder: Path) -> bool:
    """Returns whether only transformers' own class runs the model of a folder."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    kind = read_json_object(folder / "config.json").values.get("model_type")
    return kind not in FAMILIES and kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES


def read_config(folder: Path) -> PreTrainedConfig:
    """Reads config.json as transformers' own class. Raises WeightsError."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, **SAFE)
    except UNREADABLE as error:
        raise _unreadable(folder, "config", error) from error


def load_model(
    folder: Path, config: PreTrainedConfig, dtype: torch.dtype, device: torch.device
) -> PreTrainedModel:
    """Loads the model. Raises WeightsError for weights that are incomplete or not sound."""
    from transformers import AutoModelForImageTextToText

    weight_files(folder)
    with unchanged(folder):
        try:
            model, info = AutoModelForImageTextToText.from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                use_safetensors=True,
                output_loading_info=True,
                **SAFE,
            )
        except UNREADABLE as error:
            raise _unreadable(folder, "weights", error) from error
    wrong = {name: info[name] for name in ("missing_keys", "mismatched_keys") if info[name]}
    if wrong:
        parts = [
            f"{name.replace('_', ' ')}: {first_few([str(key) for key in w])}"
            for name, w in wrong.items()
        ]
        raise WeightsError(f"{folder}: the weights do not match the model; {'; '.join(parts)}.")
    if not hasattr(model, "generate"):
        raise WeightsError(f"{folder}: {type(model).__name__} of transformers writes no text.")
    check_numbers(model, folder)
    return model.to(device).eval()


def load_processor(folder: Path, config: PreTrainedConfig) -> ProcessorMixin:
    """Loads the processor, with our frames in place of a video processor that needs torchvision.

    Raises WeightsError.
    """
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    known = PROCESSOR_MAPPING.get(type(config), None)
    if known is None:
        raise WeightsError(f"{folder}: transformers has no processor for {config.model_type}.")
    _check_version(folder, known)
    names = known.get_attributes()
    if other := [name for name in names if name not in PARTS]:
        raise WeightsError(
            f"{folder}: the processor of {config.model_type} also needs a {other[0]}, which this"
            " assistant does not run."
        )
    try:
        settings, _ = known.get_processor_dict(folder, **SAFE)
        parts = [_part(name, folder, config.model_type) for name in names]
        made: Any = type(known.__name__, (_AnyVideoProcessor, known), {})
        processor = made.from_args_and_dict(parts, settings)
    except UNREADABLE as error:
        raise _unreadable(folder, "processor", error) from error
    if processor.chat_template is None:
        processor.chat_template = processor.tokenizer.chat_template
    if processor.chat_template is None:
        raise WeightsError(
            f"{folder}: it has no chat template, so it was not trained for conversations. Take an"
            " instruct or chat model."
        )
    return processor


class _AnyVideoProcessor:
    """Lets a processor take our frames, which are not a class of transformers.

    transformers counts placeholders in the text to notice a truncated prompt. Nothing is truncated
    here, and typed placeholders, which stay text, would be counted too.
    """

    def _check_special_mm_tokens(self, *unused: Any, **options: Any) -> None:
        return None

    def __repr__(self) -> str:  # transformers' own writes all parts as JSON
        return type(self).__name__

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
        if argument_name == "video_processor":
            return None
        return super().check_argument_for_proper_class(argument_name, argument)  # type: ignore[misc]


def _part(name: str, folder: Path, kind: str) -> Any:
    from transformers import AutoImageProcessor, AutoTokenizer

    if name == "tokenizer":
        return AutoTokenizer.from_pretrained(folder, **SAFE)
    if name == "image_processor":
        return AutoImageProcessor.from_pretrained(folder, **SAFE)
    if find_spec("torchvision") is not None:
        from transformers import AutoVideoProcessor

        return AutoVideoProcessor.from_pretrained(folder, **SAFE)
    from vlm.image_text.video_frames import FRAMES

    return FRAMES[kind](_video_settings(folder)) if kind in FRAMES else None


def _video_settings(folder: Path) -> Mapping[str, Any]:
    """Returns the settings of videos, from the first file that has them, as transformers does."""
    whole = folder / "processor_config.json"
    if whole.is_file():
        given = read_json_object(whole)
        if "video_processor" in given:
            return given.section("video_processor").values
    for name in VIDEO_SETTINGS:
        if (folder / name).is_file():
            return read_json_object(folder / name).values
    return {}


def _check_version(folder: Path, processor: Any) -> None:
    """Raises WeightsError if transformers cannot keep typed markup apart from a template's."""
    if "sanitize_control_tokens" not in inspect.signature(processor.apply_chat_template).parameters:
        raise WeightsError(
            f"{folder}: running it needs transformers 5.23 or newer: pip install -U transformers."
        )


def _unreadable(folder: Path, what: str, error: Exception) -> WeightsError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0].rstrip(".") if lines else type(error).__name__
    return WeightsError(f"{folder}: transformers cannot read its {what} ({reason}).")
