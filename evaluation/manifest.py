"""What a run was: model, data, settings, versions, machine. Enough to say why two numbers differ.

`identity` is the part that decides what the answers are; a run is only continued where it is the
same. `circumstances` (processes, hardware, time) may change in between.
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from evaluation.log import read_json, write_json
from evaluation.statistics import RESAMPLES, SEED
from vlm.model import PVCForConditionalGeneration

NAME = "manifest.json"
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
)
AT_ONCE = 2**22  # bytes that are hashed in one go


def model_hash(model: PVCForConditionalGeneration) -> str:
    """SHA-256 over names, shapes, kinds and bytes of all weights, and over the configuration."""
    digest = hashlib.sha256()
    digest.update(
        json.dumps(_lasting(model.config.to_dict()), sort_keys=True, default=str).encode()
    )
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
        flat = tensor.detach().reshape(-1).contiguous().view(torch.uint8)
        for start in range(0, len(flat), AT_ONCE):
            digest.update(flat[start : start + AT_ONCE].cpu().numpy().tobytes())
    return digest.hexdigest()


def _lasting(config: Any) -> Any:
    """A configuration without what says only where and with what it was saved."""
    passing = ("transformers_version", "_name_or_path", "dtype", "architectures")
    if isinstance(config, dict):
        return {str(k): _lasting(v) for k, v in config.items() if k not in passing}
    return config


def file_hashes(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by their names in the folder."""
    hashes = {}
    for path in sorted(files):
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(AT_ONCE):
                digest.update(piece)
        hashes[name] = digest.hexdigest()
    return hashes


def questions_hash(questions: Sequence[Any]) -> str:
    """Of ids and targets in their order: the same questions, whatever files they came in."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(repr((question.id, question.group, question.targets)).encode() + b"\n")
    return digest.hexdigest()


def describe_model(model: PVCForConditionalGeneration, name: str) -> dict[str, Any]:
    """The model as far as its answers depend on it."""
    return {
        "name": name,
        "sha256": model_hash(model),
        "parameters": model.num_parameters(),
        "dtype": str(model.dtype).removeprefix("torch."),
        "attention": str(getattr(model.config, "_attn_implementation", None) or "eager"),
    }


def circumstances(processes: int, device: torch.device) -> dict[str, Any]:
    """The rest: packages, machine, moment."""
    gpu = device.type == "cuda"
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processes": processes,
        "device": torch.cuda.get_device_name(device) if gpu else platform.machine(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cuda": torch.version.cuda if gpu else None,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "bootstrap": {"seed": SEED, "resamples": RESAMPLES},
    }


def keep(folder: Path, identity: Mapping[str, Any], around: Mapping[str, Any]) -> None:
    """Writes the manifest of a run, or checks that this is the same run.

    ValueError, one sentence, if the folder holds another one.
    """
    path = folder / NAME
    history = []
    if path.is_file():
        known = read_json(path)
        different = list(differences(known["identity"], identity))
        if different:
            raise ValueError(
                f"{folder} holds a run with other settings ({'; '.join(different[:4])}): choose"
                " another --out, or delete that folder to begin anew."
            )
        history = known["runs"]
    write_json(path, {"identity": identity, "runs": [*history, around]})


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], within: str = ""
) -> Iterable[str]:
    """What differs between two identities, as "name: this, here that"."""
    for key in [*first, *(key for key in second if key not in first)]:
        a, b = first.get(key), second.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{within}{key} ")
        elif a != b:
            yield f"{within}{key}: {_short(a)}, here {_short(b)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else text[:12] + "..."


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
