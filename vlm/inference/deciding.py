"""Decides between given answers by their probabilities, in place of writing one.

The log-probability of an option is the sum over its tokens, given the prompt and the tokens before,
exactly as training computes it. Options of which one begins with another are compared with the end
of the answer.
"""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from vlm.conversation import Conversation, Message, Text
from vlm.inference.caches import common_prefix
from vlm.inference.decoding.generation import Stopped
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.events import Asked, Decided, Event
from vlm.inference.reply import Prompt, Reply
from vlm.inference.settings import Settings
from vlm.inference.visual.media_source import MediaSource
from vlm.plural import plural

MAX_OPTIONS = 64


class _FirstLogits(Sampler):
    """Keeps the logits after a prompt, and ends the answer there."""

    def __init__(self, end: int) -> None:
        super().__init__(Settings(max_new_tokens=1))
        self.end = end
        self.first: Tensor | None = None  # [V] log-probabilities

    def choose(self, logits: Tensor) -> int:
        self.first = logits[0].log_softmax(-1)
        return self.end


def decide(
    reply: Reply,
    options: Sequence[str],
    text: str,
    files: Sequence[MediaSource],
    before: Sequence[str] = (),
    earlier: Sequence[Asked] = (),
) -> Generator[Event, None, None]:
    """Yields events, the last of them `Decided`.

    Raises ValueError for options that are not a choice, and `Stopped` once the reply's `stop` is
    set.
    """
    check_options(options)
    prompt = yield from reply.see(text, files, before, earlier)
    sampler = _FirstLogits(min(reply.facts.eos_ids))
    for _ in reply.decoder.tokens(reply.job(prompt, sampler)):
        raise AssertionError("the first token ends the answer")
    if sampler.first is None or reply.stop.is_set():
        raise Stopped
    tokens = option_ids(reply, prompt, options)
    logprobs = [_logprob(reply, prompt, sampler.first, ids) for ids in tokens]
    yield Decided(tuple(options), tuple(logprobs), tuple(reply.seen), reply.usage())


def check_options(options: Sequence[str]) -> None:
    """Raises ValueError unless there are several different options, none of them empty."""
    if not 2 <= len(options) <= MAX_OPTIONS:
        given = plural(len(options), "option")
        raise ValueError(f"{given} cannot be chosen between; give from 2 to {MAX_OPTIONS}.")
    if any(not option.strip() for option in options):
        raise ValueError("an option is empty.")
    if len(set(options)) < len(options):
        raise ValueError("two options are the same.")


def option_ids(reply: Reply, prompt: Prompt, options: Sequence[str]) -> list[list[int]]:
    """Returns the tokens of each option where the answer stands."""
    writer = reply.processor.writer
    end = writer.end_of_turn
    assert end is not None, "a writer without an end of turn is refused when it is made"
    found = []
    for option in options:
        answer = Message("assistant", (Text(option),))
        whole = writer.write(Conversation((*prompt.conversation.messages, answer))).ids
        start = common_prefix(whole, prompt.ids)
        assert start == len(prompt.ids), "the answer changed the tokens of the prompt"
        last = len(whole) - 1 - whole[::-1].index(end)
        found.append(whole[start:last])
    begins = any(common_prefix(a, b) == len(a) for a in found for b in found if a is not b)
    return [[*ids, end] for ids in found] if begins else found


@torch.inference_mode()
def _logprob(reply: Reply, prompt: Prompt, first: Tensor, ids: Sequence[int]) -> float:
    """Returns the log-probability of `ids` after the prompt, which has been read."""
    total = float(first[ids[0]])
    if len(ids) > 1:
        logits = reply.decoder.following(prompt.cache, ids[:-1])
        chosen = torch.tensor(ids[1:], device=logits.device)
        total += float(logits.log_softmax(-1).gather(1, chosen[:, None]).sum())
    return total
