"""Features in a safetensors file, with the facts of how they were made in its header.

    pooled [P]   tokens [T', H*W, C]   times [T]   token_times [T']   global_token [T', C]

Of several clips the names begin with the clip's: `a.mp4/pooled`, `walks/b.mp4/pooled`. The header
has `kind`, `encoder`, `preset`, `weights`, `frames`, `size`, `grid` ("14 x 14"), and `warnings`, a
JSON object from clips to sentences.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from vlm.features.clip import ClipFeatures
from vlm.weights.io.files import WeightsError, likely_cause, write_safetensors

KIND = "features of clips"
ALONE = ""  # the name of the only clip of a file
TENSORS = ("pooled", "tokens", "times", "token_times", "global_token")


def write_features(path: Path, clips: Mapping[str, ClipFeatures], about: Mapping[str, str]) -> None:
    """Writes features by the clips' names; the file is complete or missing.

    Features of one clip may have the name ALONE. `about` becomes part of the header.
    """
    tensors: dict[str, Tensor] = {}
    for name, clip in clips.items():
        start = f"{name}/" if name else ""
        for part in TENSORS:
            tensor = getattr(clip, part)
            if tensor is not None:
                tensors[start + part] = tensor
    rows, columns = next(iter(clips.values())).grid
    warnings = {name: clip.warnings for name, clip in clips.items() if clip.warnings}
    header = {
        "kind": KIND,
        **about,
        "grid": f"{rows} x {columns}",
        "warnings": json.dumps(warnings, ensure_ascii=False),
    }
    write_safetensors(tensors, path, header)


def read_features(path: Path) -> tuple[dict[str, ClipFeatures], dict[str, str]]:
    """Features by the clips' names, and the header. WeightsError if it is not such a file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("kind") != KIND:
                raise WeightsError(f"{path} holds other tensors than features of clips.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {likely_cause(path, 'features')}") from error
    rows, _, columns = header["grid"].split()
    warnings = json.loads(header["warnings"])
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, part = key.rpartition("/")
        parts.setdefault(name, {})[part] = tensor
    clips = {
        name: ClipFeatures(
            part["pooled"],
            part.get("tokens"),
            (int(rows), int(columns)),
            part["times"],
            part["token_times"],
            part.get("global_token"),
            tuple(warnings.get(name, ())),
        )
        for name, part in parts.items()
    }
    return clips, header


def read_header(path: Path) -> dict[str, str] | None:
    """Returns the header of a file of features; None if it is missing or another file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (SafetensorError, OSError):
        return None
    return header if header.get("kind") == KIND else None
