"""A question that does not fit into the model's context, treated as the chat treats it.

The files of the last turn are shown with fewer tiles, frames or looks, then the answer may be
shorter. What fits nowhere is refused: no answer, which counts, and the conversation goes on from
where it was. The log has the sentences that a visitor of the chat would read.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evaluation.asking.asker import Asker
from evaluation.asking.conversations import REFUSED, Asked
from evaluation.asking.media_ahead import DecodedMedia, MediaAhead, Reduced
from vlm.conversation import Conversation, Message, Part, Video
from vlm.inference.budget import FilePlan, Plan
from vlm.inference.errors import PromptTooLong

NOTES = "notes"  # key in `extra` of a log's row


def as_in_chat(answerer: Asker, ahead: MediaAhead) -> Callable[[Asked], Asked]:
    """Returns what makes a question fit."""

    def fit(asked: Asked) -> Asked:
        settings = answerer.settings
        with_files = settings.media and not settings.words_only
        own = asked.seen[len(asked.seen) - len(asked.own) :] if with_files else ()
        infos = [medium.info for medium in own if medium.info is not None]
        assert len(infos) == len(own), "the chat shows whole files"
        shown = [medium.part for medium in own]
        before = _with_last(asked.conversation, {id(part): () for part in shown})
        try:
            plan = answerer.plan(before, infos)
        except PromptTooLong as error:
            return replace(asked, refused=str(error))
        return asked if plan is None else _as_planned(asked, own, plan, answerer, ahead)

    return fit


def fit_facts(asked: Asked) -> dict[str, Any]:
    """Returns what the log keeps of the fitting; nothing if a question fits as it is."""
    found: dict[str, Any] = {NOTES: list(asked.notes)} if asked.notes else {}
    return {**found, REFUSED: asked.refused} if asked.refused else found


def _as_planned(
    asked: Asked,
    own: tuple[DecodedMedia, ...],
    plan: Plan,
    answerer: Asker,
    ahead: MediaAhead,
) -> Asked:
    """Reads again what the plan reduces. Raises MediaError, ValueError or OSError."""
    seen = list(own)
    for i, (part, file) in enumerate(zip(asked.own, plan.files, strict=False)):
        if how := _reduced(own[i], file, answerer):
            seen[i] = ahead.again(part, how)
    most = answerer.settings.max_new_tokens
    changed = {id(old.part): (new.part,) for old, new in zip(own, seen, strict=True)}
    return replace(
        asked,
        conversation=_with_last(asked.conversation, changed),
        seen=(*asked.seen[: len(asked.seen) - len(own)], *seen),
        notes=plan.notes,
        max_new_tokens=plan.answer_tokens if plan.answer_tokens < most else None,
    )


def _reduced(medium: DecodedMedia, file: FilePlan, answerer: Asker) -> Reduced:
    """Returns what the plan changes of a file as it was read; empty if nothing."""
    if isinstance(medium.part, Video):
        return {"frames": file.frames} if file.frames < len(medium.part.frames) else {}
    settings, chat = answerer.settings, answerer.view.chat
    looks = settings.looks or chat.looks
    tiles = settings.max_tiles or chat.default_tiles
    if (file.looks, file.max_tiles) == (looks, tiles):
        return {}
    return {"looks": file.looks, "max_tiles": file.max_tiles}


def _with_last(conversation: Conversation, changed: Mapping[int, tuple[Part, ...]]) -> Conversation:
    """Replaces parts of the last turn, by their identity."""
    *earlier, last = conversation.messages
    parts = [other for part in last.parts for other in changed.get(id(part), (part,))]
    return Conversation((*earlier, Message(last.role, tuple(parts))))
