"""Checks `TowerConfig.options` against the constructor of an encoder, whose arguments they are."""

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from vlm.config_errors import checked
from vlm.encoders.base import VideoEncoder

FROM_CONFIG = ("self", "config", "image_size")  # arguments that other fields of the config give


def check_options(name: str, encoder: type[VideoEncoder], options: Mapping[str, Any]) -> None:
    """Raises ValueError, one sentence, for an unknown, missing or wrongly typed option."""
    known = {
        argument: parameter
        for argument, parameter in inspect.signature(encoder).parameters.items()
        if encoder.takes_options and argument not in FROM_CONFIG
    }
    for option in options:
        if option not in known:
            raise ValueError(
                f'the encoder "{name}" has no option "{option}"; its options:'
                f" {', '.join(known) or 'none'}"
            )
    for argument, parameter in known.items():
        if parameter.default is parameter.empty and argument not in options:
            raise ValueError(f'the encoder "{name}" needs the option "{argument}"')
    kinds = get_type_hints(encoder.__init__)
    for option, value in options.items():
        checked(kinds.get(option, Any), value, f"tower.options.{option}")
