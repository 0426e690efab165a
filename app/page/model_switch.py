"""The model switch of the page: a list of models with what each needs, and a button."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.page.model_list import needs
from app.page.models import Models
from app.replier import Replier
from app.sanitize import for_label

LABEL = "One model is loaded at a time, for everybody who has this page open"
LOADED = "Loaded. The conversation goes on; add files again for this model to see them."
OPTIONS: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def model_switch(assistant: Replier) -> "ModelSwitch | None":
    """Adds the switch to the page, if there are several models."""
    if not isinstance(assistant, Models) or len(assistant.names) < 2:
        return None
    with gr.Accordion("Model", open=False):
        choice = gr.Radio(
            [(_label(name), name) for name in assistant.names],
            value=assistant.current,
            label=LABEL,
            elem_id="models",
        )
        use = gr.Button("Use this model", size="sm")
        note = gr.HTML("", padding=False)
    return ModelSwitch(assistant, choice, use, note)


@dataclass(frozen=True)
class ModelSwitch:
    """The components of the switch."""

    models: Models
    choice: gr.Radio
    use: gr.Button
    note: gr.HTML

    def attach(self, about: gr.HTML, describe: Callable[[Mapping[str, Any]], str]) -> None:
        """Connects the button; `describe` turns a card into the text of `about`."""

        def change(name: str) -> tuple[Any, Any, str, str]:
            try:
                self.models.use(name)
                sentence = LOADED
            except ValueError as error:
                sentence = str(error)
            current = gr.Radio(value=self.models.current or None, interactive=True)
            return current, gr.Button(interactive=True), _note(sentence), describe(self.models.card)

        def lock(name: str) -> tuple[Any, Any, str]:
            sentence = f"Loading {for_label(str(name))} ..."
            return gr.Radio(interactive=False), gr.Button(interactive=False), _note(sentence)

        shown = [self.choice, self.use, self.note]
        begun = self.use.click(lock, [self.choice], shown, queue=False, **OPTIONS)
        begun.then(change, [self.choice], [*shown, about], concurrency_id="model", **OPTIONS)


def _label(name: str) -> str:
    needed = needs(name)
    return f"{for_label(name)}: {needed}" if needed else for_label(name)


def _note(sentence: str) -> str:
    return f'<p role="status">{html.escape(sentence)}</p>'
