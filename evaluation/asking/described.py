"""Where a benchmark's pictures and videos get the experts' words, as files in the chat do.

Only for a model whose config names experts; for others nothing changes. The experts look at pixels
as decoded, before they are shrunk to the tower's squares.
"""

from collections.abc import Callable
from dataclasses import replace

from vlm.conversation import Conversation, Image, Part, Video
from vlm.experts.expert_words import Described

Words = Callable[[Image | Video], Described]  # a vlm.experts.expert_words.ExpertWords


def described(conversation: Conversation, words: Words | None) -> Conversation:
    """Lets the experts look at what comes without words."""
    if words is None:
        return conversation

    def with_words(part: Part) -> Part:
        return words(part).part if isinstance(part, Image | Video) and not part.words else part

    return Conversation(
        tuple(
            replace(message, parts=tuple(map(with_words, message.parts)))
            for message in conversation.messages
        )
    )
