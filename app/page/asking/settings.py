"""The settings of the page: their components, what they mean, and what a browser kept of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from app.sanitize import whole_characters
from vlm.assistant import Settings

AUTO = "auto"
CHOICES = {
    "frames": ("Frames per video", (AUTO, "4", "8", "16", "32", "64")),
    "looks": ("Looks per image", (AUTO, "1", "2", "4", "8")),
    "tiles": ("Tiles per large image", (AUTO, "1", "2", "4", "6", "12")),
}
TEMPERATURES = (0.0, 1.5)
LENGTHS = (16, 1024)  # tokens
LENGTH = 256
MAX_INSTRUCTIONS = 4000  # characters
NAMES = (*CHOICES, "temperature", "length", "instructions")  # in the order of the components


def settings_panel(own: float) -> list[gr.components.Component]:
    """Lays the settings out, in the order of `NAMES`. `own` is the model's own temperature.

    They cannot be changed before `unlocked` has run: it would overwrite what was typed.
    """
    locked: dict[str, Any] = {"interactive": False}
    with gr.Accordion("Settings", open=False):
        with gr.Row():
            choices = [
                gr.Dropdown(list(taken), label=label, **locked) for label, taken in CHOICES.values()
            ]
        with gr.Row():
            temperature = gr.Slider(
                *TEMPERATURES, own, step=0.1, label="Temperature (0: most likely word)", **locked
            )
            length = gr.Slider(
                *LENGTHS, LENGTH, step=16, label="Max answer length (tokens)", **locked
            )
        instructions = gr.Textbox(
            label="Instructions for every chat",
            placeholder="Such as: Answer in one sentence.",
            lines=2,
            max_lines=6,
            max_length=MAX_INSTRUCTIONS,
            elem_id="instructions",
            **locked,
        )
    return [*choices, temperature, length, instructions]


def defaults(own: float) -> list[Any]:
    """Returns the values that the settings begin with."""
    return [*[AUTO] * len(CHOICES), own, LENGTH, ""]


def unlocked(kept: Any, own: float) -> list[dict[str, Any]]:
    """Returns the updates that set the settings that a browser kept, and let them be changed."""
    return [gr.update(value=value, interactive=True) for value in restored(kept, own)]


def restored(kept: Any, own: float) -> list[Any]:
    """Returns the settings that a browser kept, name -> value, where they are possible."""
    kept = kept if isinstance(kept, dict) else {}
    values = []
    for name, default in zip(NAMES, defaults(own), strict=True):
        value = kept.get(name, default)
        if name in CHOICES:
            values.append(value if value in CHOICES[name][1] else default)
        elif name == "instructions":
            values.append(_instructions(value))
        else:
            limits = TEMPERATURES if name == "temperature" else LENGTHS
            values.append(_within(value, *limits))
    return values


def settings_of(values: Sequence[Any], card: Mapping[str, Any]) -> tuple[Settings, str]:
    """Converts the settings and the instructions; out-of-range numbers are clamped.

    The sampling is left to the model while the slider stands where it began.
    """
    frames, looks, tiles, temperature, length, instructions = values
    settings = Settings(
        num_frames=_choice(frames),
        looks=_choice(looks),
        max_tiles=_choice(tiles),
        temperature=round(_within(temperature, *TEMPERATURES), 2),
        max_new_tokens=int(_within(length, *LENGTHS)),
    )
    if settings.temperature == own_temperature(card):
        settings = replace(settings, temperature=None)
    return settings, _instructions(instructions)


def own_temperature(card: Mapping[str, Any]) -> float:
    """Returns the model's own temperature, as the slider shows it."""
    return round(_within(card.get("temperature", 0.0), *TEMPERATURES), 1)


def _choice(choice: Any) -> int | None:
    return None if choice in (None, AUTO) else int(choice)


def _instructions(value: Any) -> str:
    return whole_characters(value).strip()[:MAX_INSTRUCTIONS] if isinstance(value, str) else ""


def _within(value: Any, low: float, high: float) -> float:
    if not isinstance(value, int | float) or math.isnan(value):
        return low
    return float(min(max(value, low), high))
