"""Where a model that somebody names is to be found, and how it is loaded.

    embedded                         the model of this repository
    runs/mine, /models/PVC           a folder: ours, or the original PVC-InternVL2 release
    OpenGVLab/PVC-InternVL2-8B       a repository on huggingface.co, downloaded because it is named

Every `--model` goes through here. Of a repository only data is fetched (safetensors, JSON, the
tokenizer), never code or pickles; what was fetched once is used without asking the network again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.cache import Say, say
from vlm.weights.io.files import WeightsError
from vlm.weights.io.shards import weight_files
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


def resolve(name: str | Path, say: Say = say) -> Path:
    """The folder of a model, downloaded if a repository is named. WeightsError if there is none.

    A name of two parts is a folder where there is one, or where its first part is one.
    """
    if str(name) == EMBEDDED:
        from vlm.weights.shipped import folder

        return folder(say=say)
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise WeightsError(
                f"{path} is not a model's folder: it has no config.json. Name one that has, or"
                f' "{EMBEDDED}".'
            )
        return path
    if path.exists():
        raise WeightsError(f"{path} is a file. Name the folder it is in.")
    if isinstance(name, str) and HUB_ID.fullmatch(name) and not path.parent.is_dir():
        return _from_hub(name, say)
    raise WeightsError(
        f'{name} is neither a folder, nor "{EMBEDDED}", nor the name of a repository on'
        " huggingface.co such as OpenGVLab/PVC-InternVL2-8B."
    )


def config_of(folder: Path) -> PVCConfig:
    """The config of a model's folder, ours or an original one."""
    return open_published(folder).config if is_published(folder) else own_config(folder)


def load(
    folder: Path, dtype: torch.dtype | None = None, **options: Any
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """The model of a folder, ours or an original one; `options` go to from_pretrained."""
    if is_published(folder):
        return load_published(folder, dtype, **options)
    return load_own(folder, dtype, **options)


def load_processor(folder: Path) -> PVCProcessor:
    """The processor of a model's folder, ours or an original one."""
    if is_published(folder):
        return published_processor(open_published(folder))
    return own_processor(folder)


def _from_hub(name: str, say: Say) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    kept = _already_here(name)
    if kept is not None:
        return kept
    say(f"Downloading {name} from huggingface.co (once; it is kept in the cache) ...")
    try:
        return Path(snapshot_download(name, allow_patterns=DATA_ONLY))
    except GatedRepoError as error:
        raise WeightsError(
            f"{name}: huggingface.co asks you to accept its terms first. Do so on its page, then"
            " run `hf auth login`."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise WeightsError(
            f"{name} is neither a folder here nor a repository on huggingface.co that you may read."
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise WeightsError(
            f"{name} is no folder here, and it could not be downloaded from huggingface.co (no"
            " connection, or downloads are switched off). Fetch it elsewhere and name its folder."
        ) from error


def _already_here(name: str) -> Path | None:
    """The folder of an earlier download, if it is whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=DATA_ONLY, local_files_only=True))
        weight_files(folder)
    except (LocalEntryNotFoundError, HFValidationError, WeightsError, OSError):
        return None
    return folder if (folder / "config.json").is_file() else None
