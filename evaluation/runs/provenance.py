"""Descriptions of the model and the machine for a manifest."""

import hashlib
import json
import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evaluation.json_files import read_json
from evaluation.reports.statistics import RESAMPLES, SEED
from vlm.conversation import Conversation, Message, Text
from vlm.fit.hardware import cpu_name
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

PACKAGES = (
    "revisit-vlm",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "pillow",
    "av",
    "pyarrow",
    "pysubs2",
    "rapidfuzz",
    "datasets",
)
CHUNK = 2**22  # bytes hashed at a time


def describe_model(model: PVCForConditionalGeneration, name: str) -> dict[str, Any]:
    """Describes everything about the model that its answers depend on."""
    return {
        "name": name,
        "sha256": model_hash(model),
        "parameters": model.num_parameters(),
        "dtype": str(model.dtype).removeprefix("torch."),
        "attention": str(getattr(model.config, "_attn_implementation", None) or "eager"),
    }


def run_environment(processes: int, device: torch.device) -> dict[str, Any]:
    """Describes the session: packages, machine, start time."""
    gpu = device.type == "cuda"
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processes": processes,
        "device": torch.cuda.get_device_name(device) if gpu else cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cuda": torch.version.cuda if gpu else None,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "bootstrap": {"seed": SEED, "resamples": RESAMPLES},
    }


def model_hash(model: PVCForConditionalGeneration) -> str:
    """SHA-256 over names, shapes, dtypes and bytes of all weights, and over the configuration.

    Uses the configuration as saved, so that fields which later code adds do not change the hash.
    """
    digest = hashlib.sha256()
    folder = model.config._name_or_path
    saved = Path(folder) / "config.json"
    config = read_json(saved) if folder and saved.is_file() else model.config.to_dict()
    digest.update(json.dumps(_model_identity(config), sort_keys=True, default=str).encode())
    return weights_hash(model, digest)


def weights_hash(model: nn.Module, digest: "hashlib._Hash | None" = None) -> str:
    """SHA-256 over names, shapes, dtypes and bytes of all weights, after what `digest` holds."""
    digest = digest or hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
        flat = tensor.detach().reshape(-1).contiguous().view(torch.uint8)
        for start in range(0, len(flat), CHUNK):
            digest.update(flat[start : start + CHUNK].cpu().numpy().tobytes())
    return digest.hexdigest()


def template_hash(processor: PVCProcessor) -> str:
    """SHA-256 of the tokens of a short conversation: the chat template and the tokenizer."""
    conversation = Conversation((Message("user", (Text("What happens in 3 s?\n(A) Yes."),)),))
    ids = [int(token) for token in processor.render(conversation, True).ids]
    return hashlib.sha256(repr(ids).encode()).hexdigest()


def package_version() -> str | None:
    return _version(PACKAGES[0])


def _model_identity(config: Any) -> Any:
    """Returns a configuration without the fields about where and with what it was saved."""
    incidental = ("transformers_version", "_name_or_path", "dtype", "architectures")
    if isinstance(config, dict):
        return {str(k): _model_identity(v) for k, v in config.items() if k not in incidental}
    return config


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
