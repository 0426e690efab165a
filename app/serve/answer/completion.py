"""The objects of OpenAI's chat completions, whole and in chunks."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedTokenizerBase

from vlm.assistant import Finished, Seen, Usage
from vlm.inference.decoding.sampler import Logprob


@dataclass(frozen=True)
class Completion:
    """What all chunks of one completion share."""

    model: str
    include_usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(
        self, choices: Sequence[dict[str, Any]], usage: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        """Returns the answer to a request without `stream`."""
        head = self._head("chat.completion")
        return {**head, "choices": list(choices), "usage": usage, **more}

    def chunk(
        self,
        index: int,
        delta: dict[str, Any],
        logprobs: dict[str, Any] | None = None,
        reason: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Returns one chunk of a stream."""
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        usage = {"usage": None} if self.include_usage else {}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **usage, **more}

    def usage_chunk(self, usage: dict[str, Any]) -> dict[str, Any]:
        """Returns the last chunk of a stream that includes the usage."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def choice_of(
    index: int, end: Finished, reason: str, logprobs: dict[str, Any] | None
) -> dict[str, Any]:
    """Returns one choice of a whole completion."""
    message = {"role": "assistant", "content": end.text, "refusal": None}
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason}


def reason_of(end: Finished, late: bool) -> str:
    """Returns why an answer ended; one that ran out of time counts as too long."""
    return "length" if end.cut or (end.stopped and late) else "stop"


def usage_of(usages: Sequence[Usage]) -> dict[str, Any]:
    """Returns the tokens of all choices; they share one prompt."""
    first, new = usages[0], sum(usage.new_tokens for usage in usages)
    return {
        "prompt_tokens": first.prompt_tokens,
        "completion_tokens": new,
        "total_tokens": first.prompt_tokens + new,
        "prompt_tokens_details": {
            "cached_tokens": first.reused_tokens,
            "visual_tokens": first.visual_tokens,
        },
    }


def media_of(seen: Sequence[Seen], notes: Sequence[str]) -> dict[str, Any]:
    """Returns which frames of each file the model saw, their times, and what was reduced.

    Fields that OpenAI's API lacks; empty without files.
    """
    return {"seen": [_seen(file) for file in seen], "notes": list(notes)} if seen or notes else {}


def _seen(file: Seen) -> dict[str, Any]:
    times = None if file.times is None else [round(float(time), 3) for time in file.times]
    return {
        "name": file.name,
        "kind": file.kind,
        "frames": len(file.frames),
        "times": times,
        "words": list(file.words),
        "warnings": list(file.warnings),
    }


def logprobs_of(
    logprobs: Sequence[Logprob], tokenizer: PreTrainedTokenizerBase
) -> dict[str, Any] | None:
    """Returns the log-probabilities of a choice's tokens; None if they were not asked for."""
    if not logprobs:
        return None

    def named(token: int, logprob: float) -> dict[str, Any]:
        text = tokenizer.decode([token], clean_up_tokenization_spaces=False)
        whole = "\ufffd" not in text
        return {
            "token": text,
            "logprob": logprob,
            "bytes": list(text.encode()) if whole else None,
        }

    content = [
        {
            **named(entry.token, entry.logprob),
            "top_logprobs": [named(token, value) for token, value in entry.top],
        }
        for entry in logprobs
    ]
    return {"content": content, "refusal": None}
