"""Finds and loads a model by name.

    embedded                         the model of this repository
    runs/mine, /models/PVC           a folder: ours, or as published (vlm/families)
    OpenGVLab/InternVL3-1B           a repository on huggingface.co, downloaded because it is named

Every `--model` is resolved here. Only data is downloaded from a repository (safetensors, JSON, the
tokenizer), never code or pickles; a downloaded repository is used without a network request.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.families.table import open_family
from vlm.fit.hardware import gigabytes
from vlm.weights.io.cache import Notify, print_status
from vlm.weights.io.files import WeightsError
from vlm.weights.io.shards import weight_files
from vlm.weights.io.soundness import check_numbers, unchanged
from vlm.weights.own import load_own, own_config, own_processor
from vlm.weights.pvc.published import (
    is_published,
    load_published,
    open_published,
    published_processor,
)

if TYPE_CHECKING:
    import torch

    from vlm.config import PVCConfig
    from vlm.model import PVCForConditionalGeneration
    from vlm.processor import PVCProcessor

EMBEDDED = "embedded"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
DATA_ONLY = ["*.safetensors", "*.json", "tokenizer.model", "merges.txt", "*.jinja"]


def resolve(name: str | Path, notify: Notify = print_status) -> Path:
    """Returns the folder of a model; downloads it if `name` is a repository.

    A name of two parts counts as a folder if it exists or if its first part is a folder. Raises
    WeightsError if there is no such model.
    """
    if str(name) == EMBEDDED:
        from vlm.weights.shipped import assembled_folder

        return assembled_folder(notify=notify)
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise WeightsError(
                f"{path} is not a model folder: it has no config.json. Name a folder that has one,"
                f' or "{EMBEDDED}".'
            )
        return path
    if path.exists():
        raise WeightsError(f"{path} is a file. Name its folder.")
    if isinstance(name, str) and HUB_ID.fullmatch(name) and not path.parent.is_dir():
        return _from_hub(name, notify)
    from vlm.families.known import PVC, similar_name

    like = similar_name(str(name))
    guess = f"such as {PVC}." if like is None else f"such as {like}; did you mean that?"
    raise WeightsError(
        f'{name} is neither a folder, nor "{EMBEDDED}", nor the name of a repository on'
        f" huggingface.co {guess}"
    )


def downloaded(name: str) -> bool:
    """Returns whether a repository is in the cache, whole."""
    return _from_cache(name) is not None


def download_size(name: str) -> str:
    """Returns the size of a published model's weights in words, "" if it is unknown."""
    from vlm.families.known import download_bytes

    size = download_bytes(name)
    return "" if size is None else gigabytes(size)


def config_of(folder: Path) -> PVCConfig:
    """Reads the config of a model folder, ours or a published one."""
    if is_published(folder):
        return open_published(folder).config
    opened = open_family(folder)
    return own_config(folder) if opened is None else opened.config


def load(
    folder: Path, dtype: torch.dtype | None = None, **options: Any
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Loads the model of a folder, ours or a published one; `options` go to from_pretrained.

    Raises WeightsError for weights that are not sound (see vlm/weights/io/soundness.py).
    """
    with unchanged(folder):
        model, processor = _load(folder, dtype, options)
    check_numbers(model, folder)
    return model, processor


def load_processor(folder: Path) -> PVCProcessor:
    """Loads the processor of a model folder, ours or a published one."""
    if is_published(folder):
        return published_processor(open_published(folder))
    opened = open_family(folder)
    return own_processor(folder) if opened is None else opened.processor()


def _load(
    folder: Path, dtype: torch.dtype | None, options: dict[str, Any]
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    if is_published(folder):
        return load_published(folder, dtype, **options)
    opened = open_family(folder)
    return load_own(folder, dtype, **options) if opened is None else opened.load(dtype, **options)


def _from_hub(name: str, notify: Notify) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    cached = _from_cache(name)
    if cached is not None:
        return cached
    size = download_size(name)
    comma = f"{size}, " if size else ""
    notify(f"Downloading {name} from huggingface.co ({comma}once; it stays in the cache) ...")
    try:
        return Path(snapshot_download(name, allow_patterns=DATA_ONLY))
    except GatedRepoError as error:
        raise WeightsError(
            f"{name}: huggingface.co requires you to accept its terms. Accept them on its page,"
            " then run `hf auth login`."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise WeightsError(
            f"{name} is neither a folder here nor a repository on huggingface.co that you may read"
            f"{_did_you_mean(name)}"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        short = name.partition("/")[2]
        raise WeightsError(
            f"{name}{f' ({size})' if size else ''} is not a folder here, and downloading it from"
            " huggingface.co failed (no connection, or downloads are disabled). Fetch it where"
            f" there is one, `hf download {name} --local-dir {short}`, and name the folder"
            f"{_did_you_mean(name)}"
        ) from error


def _did_you_mean(name: str) -> str:
    """Returns the end of a sentence about an unknown name: the known one most like it, or "."."""
    from vlm.families.known import download_bytes, similar_name

    like = None if download_bytes(name) else similar_name(name)
    return "." if like is None else f"; did you mean {like}?"


def _from_cache(name: str) -> Path | None:
    """Returns the folder of an earlier download; None if missing or incomplete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=DATA_ONLY, local_files_only=True))
        weight_files(folder)
    except (LocalEntryNotFoundError, HFValidationError, WeightsError, OSError):
        return None
    return folder if (folder / "config.json").is_file() else None
