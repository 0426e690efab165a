"""Options of an encoder are checked; an error is one sentence."""

from dataclasses import replace
from typing import Any

import pytest

from vlm.encoders import ENCODERS, PRESETS, build_tower, frame_grid
from vlm.encoders.config import TowerConfig


@pytest.mark.parametrize("use", [build_tower, frame_grid])
@pytest.mark.parametrize("name", ENCODERS)
def test_an_unknown_option_is_answered_with_the_known_ones(name: str, use: Any) -> None:
    presets = [p.tower for n, p in PRESETS.items() if p.tower.encoder == name]
    config = presets[-1] if presets else TowerConfig()
    with pytest.raises(ValueError, match=f'"{name}" has no option "wide"; its options: ') as error:
        use(replace(config, options={**config.options, "wide": 3}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("preset", "option", "value"),
    [
        ("aim-test", "adapter_in", "yes"),
        ("streamformer-test", "window", 1.5),
        ("st-adapter-test", "before", "mlp"),
        ("vtn-test", "positions", 3),
    ],
)
def test_an_option_of_another_type_is_refused(preset: str, option: str, value: Any) -> None:
    config = PRESETS[preset].tower
    with pytest.raises(ValueError, match=rf"^tower\.options\.{option}\b.* must be ") as error:
        build_tower(replace(config, options={**config.options, option: value}))
    assert "\n" not in str(error.value)
