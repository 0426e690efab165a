"""What tests of the assistant's replies share."""

from collections.abc import Iterator
from typing import Any

from vlm.assistant import Assistant, Finished, Settings, State
from vlm.inference import planning

GREEDY = Settings(max_new_tokens=24, repetition_penalty=1.0)


def finish(events: Iterator[Any]) -> Finished:
    *_, last = events
    assert isinstance(last, Finished)
    return last


def answered_from_scratch(assistant: Assistant, state: State, settings: Settings) -> list[int]:
    """Returns transformers' own answer to the last question of the conversation."""
    last = state.turns[-1]
    conversation = planning.conversation(state.without_last(), last.text, last.media)
    inputs = assistant.processor(conversation)
    ids = assistant.model.generate(
        **inputs,
        max_new_tokens=settings.max_new_tokens,
        do_sample=False,
        suppress_tokens=assistant.facts.suppressed_ids,
        eos_token_id=list(assistant.facts.eos_ids),
        pad_token_id=2,
    )[0, inputs["input_ids"].shape[1] :].tolist()
    return [token for token in ids if token not in assistant.facts.eos_ids]
