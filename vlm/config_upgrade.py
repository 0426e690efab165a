"""Reads sections of config.json in the form of earlier versions.

Until version 0.1 a tower was one flat list of fields. Saved models, classifiers' folders, recipes'
`--set tower.depth=4` and revisit.json may use either form, or both. Unknown fields stay where they
are, so that the check of the section names them.
"""

from collections.abc import Mapping
from typing import Any

# Flat name -> path.
TOWER: dict[str, tuple[str, ...]] = {
    "backbone": ("backbone", "name"),
    "patch_size": ("backbone", "patch_size"),
    "depth": ("backbone", "depth"),
    "feature_layer": ("backbone", "feature_layer"),
    "num_classes": ("backbone", "num_classes"),
    "dim": ("block", "dim"),
    "num_heads": ("block", "num_heads"),
    "mlp_dim": ("block", "mlp_dim"),
    "layer_scale": ("block", "layer_scale"),
    "activation": ("block", "activation"),
    "norm_eps": ("block", "norm_eps"),
    "num_temporal_layers": ("temporal", "num_layers"),
    "temporal_heads": ("temporal", "num_heads"),
    "temporal_prefix": ("temporal", "cls"),
    "temporal_cls": ("temporal", "cls"),
    "alpha": ("temporal", "alpha"),
    "adaln_hidden_dim": ("temporal", "adaln", "hidden_dim"),
    "adaln_one_plus": ("temporal", "adaln", "one_plus"),
    "adaln_affine": ("temporal", "adaln", "affine"),
}
COMPRESSOR: dict[str, tuple[str, ...]] = {
    "summary": ("global_token",),
    "concepts": ("stages",),
    "adaln_hidden_dim": ("adaln", "hidden_dim"),
    "adaln_one_plus": ("adaln", "one_plus"),
    "adaln_affine": ("adaln", "affine"),
}
PATHS = {"tower": TOWER, "compressor": COMPRESSOR}


def upgrade(section: str, *given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a section of config.json (tower, compressor or prompt) in its present form.

    Of several mappings the later ones change fields of the earlier ones.
    """
    if section not in PATHS:
        return {name: value for values in given for name, value in values.items()}
    found: dict[str, Any] = {}
    for values in given:
        for name, value in values.items():
            if section == "compressor" and name == "concepts":  # a switch, true or false
                value = ["concepts"] if value else []
            is_part = isinstance(value, Mapping)  # `backbone` was a name, and is a part
            _put(found, (name,) if is_part else PATHS[section].get(name, (name,)), value)
    return found


def _put(found: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets a value deep in nested dicts; a mapping is merged into what is there."""
    name, *rest = path
    if rest:
        _put(found.setdefault(name, {}), tuple(rest), value)
    elif isinstance(value, Mapping) and isinstance(found.get(name, {}), dict):
        inner = found.setdefault(name, {})
        for key, part in value.items():
            _put(inner, (key,), part)
    else:
        found[name] = value
